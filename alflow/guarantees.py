"""How many images may be accepted by the model's word, with a bound on the share that is wrong.

The images of a pool are known by three groups. A slice was drawn at random and labelled by people; others were taken by
a strategy and labelled; the rest are left. All have a confidence of a model that saw none of their own labels. At a
threshold t, n of the slice, m of those taken and N of those left are at least t confident; k of the n and e of the m
are wrong. Of the N, more than a share b is wrong only if at least r = floor(b N) + 1 are. Then at least

    K = k + r + min(e, floor(m r / N))

of the M = n + m + N are wrong: images that were taken count as wrong as they were, but no more wrong than the rest, so
that a slice that was drawn after them is not too good either. The slice is a random part of the M, hence

    p(t) = P(H <= k),   H ~ Hypergeometric(M, K, n),

is a p-value of "more than b of those left are wrong": exact for the images themselves, and that of Clopper and Pearson
where the pool is large. Thresholds are tested in a fixed order, from the most confident downward, by the fallback
procedure: threshold i has its own share of delta and that of the threshold before, if that one passed. The chance that
any threshold passes wrongly is at most delta, whatever the images, the model and its calibration.

Axes: T thresholds, by falling confidence.

References:
    Clopper and Pearson, The use of confidence or fiducial limits illustrated in the case of the binomial, 1934.
    Wiens, A fixed sequence Bonferroni procedure for testing multiple endpoints, 2003 (the fallback procedure).
    Angelopoulos et al., Learn then Test, arXiv 2110.01052 (risk control by sequential tests of thresholds).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

STARTS: Final = (0, 2)
"""The sequence starts, with a part of delta each, where so many of the slice may be wrong: at the most confident
threshold that could pass at all, and at one that an early mistake does not stop."""
_MOST: Final = 1_000_000
_COVERAGES: Final = np.linspace(0, 0.98, 50)
_NONE: Final = np.empty(0)


@dataclass(frozen=True)
class Evidence:
    """What is known of the images that one threshold is for.

    Attributes:
        slice_confidence, slice_wrong: of the images drawn at random.
        left: confidence of those that would be accepted.
        taken_confidence, taken_wrong: of those that a strategy took out of the same pool since.
    """

    slice_confidence: Floats
    slice_wrong: Bools
    left: Floats
    taken_confidence: Floats = field(default_factory=lambda: _NONE)
    taken_wrong: Bools = field(default_factory=lambda: _NONE.astype(bool))


@dataclass(frozen=True)
class Examined:
    """Every threshold that was looked at, by falling confidence.

    Attributes:
        thresholds: accepted are images at least so confident.
        seen, wrong: of the slice: n and k.
        left: N.
        p_values: of "more than the bound is wrong".
        levels: what each p-value was compared with; 0 where none was.
        passed: whether it is at most the level.
    """

    thresholds: Floats
    seen: Ints
    wrong: Ints
    left: Ints
    p_values: Floats
    levels: Floats
    passed: Bools

    @property
    def best(self) -> int | None:
        """The threshold that passed and accepts most; None where none passed."""
        passed = np.flatnonzero(self.passed & (self.left > 0))
        return int(passed[-1]) if len(passed) else None


@dataclass(frozen=True)
class Needed:
    """Further random labels until a threshold would pass.

    Attributes:
        least: if none of them is wrong.
        likely: if they are as often wrong as those so far; None where no number would do.
    """

    least: int | None
    likely: int | None


def p_value(k: Ints, n: Ints, left: Ints, bound: float, taken: Ints | int = 0, taken_wrong: Ints | int = 0) -> Floats:
    """p(t) of the module's text, for each entry; 1 where nothing is left, and where k is not below its expectation."""
    k, n, left, m, e = np.broadcast_arrays(
        *(np.asarray(one, dtype=np.int64) for one in (k, n, left, taken, taken_wrong))
    )
    excess = np.floor(bound * left + 1e-9).astype(np.int64) + 1
    spread = m * excess // np.maximum(left, 1)
    population, bad = n + left + m, k + excess + np.minimum(e, spread)
    bad, found = np.minimum(bad, population), np.ones(k.shape)
    small = (left > 0) & (k * population < n * bad)
    found[small] = _at_most(k[small], population[small], bad[small], n[small])
    return found


def examine(evidence: Evidence, bound: float, delta: float) -> Examined:
    """Test "more than `bound` of those left are wrong" at the confidences of the slice, all together at level delta.

    Args:
        evidence: of the images.
        bound: share of the accepted that may be wrong, in (0, 1).
        delta: the chance that more are, in (0, 1).
    """
    thresholds = np.unique(evidence.slice_confidence)[::-1]
    seen, left = _above(thresholds, evidence.slice_confidence), _above(thresholds, evidence.left)
    wrong = _above(thresholds, evidence.slice_confidence[evidence.slice_wrong])
    taken = _above(thresholds, evidence.taken_confidence)
    taken_wrong = _above(thresholds, evidence.taken_confidence[evidence.taken_wrong])
    p_values = p_value(wrong, seen, left, bound, taken, taken_wrong)
    levels = fallback(p_values, delta * _shares(seen, left, taken, bound, delta))
    return Examined(thresholds, seen, wrong, left, p_values, levels, (levels > 0) & (p_values <= levels))


def fallback(p_values: Floats, own: Floats) -> Floats:
    """The level of each hypothesis in turn: its own, and that of the one before if it was rejected (Wiens, 2003)."""
    levels, carried = np.zeros(len(p_values)), 0.0
    for place, (p, level) in enumerate(zip(p_values.tolist(), own.tolist(), strict=True)):
        levels[place] = level + carried
        carried = levels[place] if p <= levels[place] else 0.0
    return levels


def examine_classes(evidence: Sequence[Evidence], bound: float, delta: float) -> dict[int, Examined]:
    """Test thresholds for each class of predictions by itself: place in the sequence -> its thresholds.

    Delta is shared alike by as many classes as could each pass with that share if none of their slice were wrong; how
    many images there are decides which, never a label. The others are left out. The chance that any class passes
    wrongly is at most delta.
    """
    n = np.array([len(one.slice_confidence) for one in evidence], dtype=np.int64)
    left = np.array([len(one.left) for one in evidence], dtype=np.int64)
    best = p_value(np.zeros_like(n), n, left, bound)
    order = np.argsort(best, kind="stable")
    for count in range(len(order), 0, -1):
        if best[order[count - 1]] <= delta / count:
            return {int(one): examine(evidence[one], bound, delta / count) for one in sorted(order[:count])}
    return {}


def needed(evidence: Evidence, bound: float, delta: float, pool: int | None = None) -> Needed:
    """How many more images must be drawn at random until some threshold would pass.

    They are drawn out of those left, or out of a pool of so many of which those left are a part.
    """
    if not len(evidence.left):
        return Needed(None, None)
    thresholds = np.unique(np.quantile(evidence.left, _COVERAGES, method="lower"))[::-1]
    n, N = _above(thresholds, evidence.slice_confidence), _above(thresholds, evidence.left)  # noqa: N806
    k = _above(thresholds, evidence.slice_confidence[evidence.slice_wrong])
    total = pool or len(evidence.left)
    share = N / total
    more = np.unique(np.geomspace(1, min(total, _MOST), 240).astype(np.int64))[:, None]
    seen = np.floor(more * share).astype(np.int64)  # [more T]
    doubt = np.cumsum(1 - np.sort(evidence.left)[::-1])[N - 1] / N  # what the model expects counts as one image
    rate = (k + doubt) / (n + 1)
    level = np.where(k == 0, delta, delta / len(STARTS))
    least = p_value(k, n + seen, N - seen, bound)
    likely = p_value(k + np.ceil(seen * rate).astype(np.int64), n + seen, N - seen, bound)
    return Needed(*(_first(more[:, 0], np.any(found <= level, axis=1)) for found in (least, likely)))


def _first(counts: Ints, passes: "Bools | np.bool_") -> int | None:
    passes = np.atleast_1d(passes)
    return int(counts[passes.argmax()]) if passes.any() else None


def _shares(seen: Ints, left: Ints, taken: Ints, bound: float, delta: float) -> Floats:
    """The share of delta that each threshold has of its own: from everything but the slice's labels."""
    shares, part = np.zeros(len(seen)), delta / len(STARTS)
    firsts = [np.flatnonzero(p_value(np.full_like(seen, k), seen, left, bound, taken) <= part) for k in STARTS]
    starts = [int(each[0]) for each in firsts if len(each)]
    if not starts:  # too few for a part of delta: all of it for the one
        starts = np.flatnonzero(p_value(np.zeros_like(seen), seen, left, bound, taken) <= delta)[:1].tolist()
    for start in starts:
        shares[start] += 1 / len(starts)
    return shares


def _above(thresholds: Floats, values: Floats) -> Ints:
    """How many values are at least each threshold."""
    return len(values) - np.searchsorted(np.sort(values), thresholds, side="left")


def _at_most(k: Ints, population: Ints, bad: Ints, drawn: Ints) -> Floats:
    """P(H <= k) of the hypergeometric distribution, for each entry."""
    total = np.zeros(k.shape)
    whole = _choose(population, drawn)
    for j in range(int(k.max(initial=0)) + 1):
        possible = (j <= k) & (j <= bad) & (drawn - j <= population - bad) & (j <= drawn)
        log_p = _choose(bad, np.full_like(bad, j)) + _choose(population - bad, drawn - j) - whole
        total += np.where(possible, np.exp(np.minimum(np.where(possible, log_p, -np.inf), 0.0)), 0.0)
    return np.minimum(total, 1.0)


def _choose(n: Ints, k: Ints) -> Floats:
    """Logarithm of n over k; entries with k outside 0..n mean nothing."""
    k = np.clip(k, 0, np.maximum(n, 0))
    n = np.maximum(n, 0)
    return np.asarray(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))
