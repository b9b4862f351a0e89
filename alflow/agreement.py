"""What several annotators say together: how far they agree, and what they agree on.

Axes: P different ballots, C classes, R bootstrap resamples. A `Vote` names an item, an annotator and a class by their
ids; nobody votes twice on an item, and not everybody votes on all.

References:
    Krippendorff, Computing Krippendorff's alpha-reliability, 2011 (nominal data, missing votes).
    Dawid and Skene, Maximum likelihood estimation of observer error-rates using the EM algorithm, 1979.
    Wilson, Probable inference, the law of succession, and statistical inference, 1927.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import nan
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alflow.errors import UnavailableError
from alflow.ids import AnnotatorId, ClassId, ItemId
from alflow.settling import majority

if TYPE_CHECKING:
    from scipy.sparse import csr_array

LEVEL = 0.95
_ENTRIES_AT_ONCE = 2**22  # of a block of resamples [R P]: 32 MB
_DRAWS = 2**24  # numbers of items, over all resamples
_FEWEST = 200  # resamples


Ballot = tuple[tuple[int, int], ...]
"""Classes in order, and how many votes an item has for each."""


class Vote(NamedTuple):
    """One annotator says that an item is of a class."""

    item: ItemId
    annotator: AnnotatorId
    choice: ClassId


class Estimate(NamedTuple):
    """A number and its 95% interval; all NaN where it is not defined."""

    value: float
    low: float
    high: float


class Pair(NamedTuple):
    """Two annotators: on how many items both voted, and the share of these where they said the same."""

    items: int
    agreement: float


@dataclass(frozen=True)
class Consensus:
    """What Dawid and Skene's model makes of votes.

    Attributes:
        probabilities: item -> class -> probability that it is the right one.
        accuracy: annotator -> probability of a right vote, over the classes as often as they are estimated to occur.
    """

    probabilities: Mapping[ItemId, Mapping[ClassId, float]]
    accuracy: Mapping[AnnotatorId, float]


def krippendorff_alpha(votes: Iterable[Vote], n_bootstrap: int = 1000, seed: int = 0) -> Estimate:
    """Agreement beyond chance, for nominal classes: 1 is perfect, 0 what chance alone would give.

    With n_uc the votes for class c on item u, m_u = sum_c n_uc >= 2 (other items tell nothing), and n, n_c the sums of
    m_u and n_uc over items:

        alpha = 1 - (n - 1) sum_u (m_u^2 - sum_c n_uc^2) / (m_u - 1) / (n^2 - sum_c n_c^2)

    Items with as many votes for each class are alike, so each such ballot is held once with the number of its items,
    and a resample of the items is a draw of these numbers: what it takes grows with the ballots, not with the items.

    The interval holds the middle 95% of resamples of the items: `n_bootstrap` of them, fewer (200 at least) where
    hardly two items are alike. Undefined (NaN) while no item has two votes, or all votes name one class: then chance
    would agree as well.
    """
    ballots = _ballots(votes)
    if not ballots:
        return Estimate(nan, nan, nan)
    counts, items = _counts(list(ballots)), np.array(list(ballots.values()), dtype=float)  # [P C], [P]
    per_item = counts.sum(1)
    split = (per_item**2 - counts.power(2).sum(1)) / (per_item - 1)
    value = float(_alpha(items[None], counts, split)[0])
    generator, drawn = np.random.default_rng(seed), []
    n_bootstrap = min(n_bootstrap, max(_FEWEST, _DRAWS // len(items)))
    for size in _blocks(n_bootstrap, max(counts.shape)):
        weights = generator.multinomial(round(items.sum()), items / items.sum(), size)
        drawn.append(_alpha(weights.astype(float), counts, split))
    resampled = np.concatenate(drawn)
    resampled = resampled[np.isfinite(resampled)]
    if not len(resampled):
        return Estimate(value, nan, nan)
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, float(low), float(high))


def pairwise_agreement(votes: Iterable[Vote]) -> dict[tuple[AnnotatorId, AnnotatorId], Pair]:
    """Each two annotators that voted on a common item, the lower id first."""
    shared: Counter[tuple[AnnotatorId, AnnotatorId]] = Counter()
    same: Counter[tuple[AnnotatorId, AnnotatorId]] = Counter()
    for given in _by_item(votes).values():
        for (one, first), (other, second) in combinations(sorted(given.items()), 2):
            shared[one, other] += 1
            same[one, other] += first == second
    return {pair: Pair(n, same[pair] / n) for pair, n in sorted(shared.items())}


def consensus_of_others(votes: Iterable[Vote]) -> dict[tuple[ItemId, AnnotatorId], ClassId]:
    """(item, annotator) -> the majority of the other annotators' votes, where they have one.

    What an annotator is held against must not contain the annotator's own vote: with it, of two people who always
    differ each would look half right.
    """
    found: dict[tuple[ItemId, AnnotatorId], ClassId] = {}
    for item, given in _by_item(votes).items():
        for annotator in given:
            winner = majority([choice for other, choice in given.items() if other != annotator])
            if winner is not None:
                found[item, annotator] = winner
    return found


def dawid_skene(votes: Sequence[Vote], n_iterations: int = 100) -> Consensus:
    """Weigh annotators by how reliable they look: each has a confusion matrix, found together with the classes by EM.

    Without ground truth it trusts the many: people who share a mistake look right. Nothing is to be had from items
    with a single vote, which simply keep their class.

    Raises:
        UnavailableError: crowd-kit is not installed.
    """
    try:
        from crowdkit.aggregation import DawidSkene  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UnavailableError(
            "Dawid-Skene needs crowd-kit: pip install 'alflow[consensus]'; the plain majority works without it"
        ) from error
    import pandas as pd  # noqa: PLC0415 - takes half a second

    if not votes:
        return Consensus({}, {})
    table = pd.DataFrame(votes).set_axis(["task", "worker", "label"], axis=1)
    found = DawidSkene(n_iter=n_iterations).fit(table)
    probabilities = {
        ItemId(int(item)): {ClassId(int(c)): float(p) for c, p in row.items()} for item, row in found.probas_.iterrows()
    }
    accuracy: defaultdict[AnnotatorId, float] = defaultdict(float)
    for (annotator, said), row in found.errors_.iterrows():
        accuracy[AnnotatorId(int(annotator))] += float(row[said] * found.priors_[said])
    return Consensus(probabilities, dict(accuracy))


def share(right: int, total: int) -> Estimate:
    """A share and its 95% score interval (Wilson), which stays inside 0 and 1 however few there are."""
    from scipy.stats import binomtest  # noqa: PLC0415 - takes half a second

    if not total:
        return Estimate(nan, nan, nan)
    found = binomtest(right, total).proportion_ci(LEVEL, method="wilson")
    return Estimate(right / total, float(found.low), float(found.high))


def _by_item(votes: Iterable[Vote]) -> dict[ItemId, dict[AnnotatorId, ClassId]]:
    found: defaultdict[ItemId, dict[AnnotatorId, ClassId]] = defaultdict(dict)
    for item, annotator, choice in votes:
        found[item][annotator] = choice
    return found


def _ballots(votes: Iterable[Vote]) -> Counter[Ballot]:
    """How many items have this ballot, of the items that have two votes."""
    tallies = (Counter(given.values()) for given in _by_item(votes).values() if len(given) > 1)
    return Counter(tuple(sorted(tally.items())) for tally in tallies)


def _counts(ballots: Sequence[Ballot]) -> "csr_array":
    """Votes per ballot and class [P C]; few are not zero."""
    from scipy.sparse import csr_array  # noqa: PLC0415 - takes a while to import

    column = {choice: place for place, choice in enumerate(sorted({choice for one in ballots for choice, _ in one}))}
    filled = [(row, column[choice], n) for row, one in enumerate(ballots) for choice, n in one]
    rows, columns, values = (np.array(each) for each in zip(*filled, strict=True))
    return csr_array((values.astype(float), (rows, columns)), shape=(len(ballots), len(column)))


def _alpha(weights: NDArray[np.float64], counts: "csr_array", split: NDArray[np.float64]) -> NDArray[np.float64]:
    """Alpha of the ballots, each counted so many times [R P]: [R]; NaN where one class has all votes."""
    per_class = weights @ counts  # [R C]
    n = per_class.sum(1)
    mixed = n**2 - (per_class**2).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(mixed > 0, 1 - (n - 1) * (weights @ split) / mixed, nan))


def _blocks(n_rows: int, width: int) -> Iterable[int]:
    size = max(1, _ENTRIES_AT_ONCE // width)
    return [min(size, n_rows - start) for start in range(0, n_rows, size)]
