"""Unbiased shares of a pool while its labels are chosen: intervals, and weights where the choice was random.

Every round draws at random out of what is left of the pool: a slice, uniformly, and where the strategy itself draws
(Gumbel top-k) its picks too, with known chances. What was asked in earlier rounds is known. So each round gives an
unbiased estimate of the whole pool,

    share_r = (known_r + N_r mean_r) / (n_r + N_r),    mean_r = sum_i y_i / pi_i / sum_i 1 / pi_i    (Hajek)

with N_r the images left when round r drew, known_r the sum of y over the n_r asked before, and pi_i the chance that the
round asks about image i. Rounds are averaged by how much each of them says.

Intervals are Wilson's with the effective number of images (sum w)^2 / sum w^2: over shares and sizes of slices their
mean coverage is closest to what is asked, where Clopper and Pearson's is always above and the plain normal one below.

References:
    Wilson, Probable inference, the law of succession, and statistical inference, 1927.
    Brown, Cai and DasGupta, Interval estimation for a binomial proportion, 2001 (comparison of intervals).
    Rosen, Asymptotic theory for order sampling, 1997; Kool et al., arXiv 1903.06059 (Gumbel top-k, chances of it).
    Hajek, Comment on an essay by Basu, 1971; Kossen et al., Active Testing, arXiv 2103.05331.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.stats import beta, norm

from alflow.errors import InvalidInputError

Floats = NDArray[np.float64]

LEVEL: Final = 0.95


@dataclass(frozen=True)
class Interval:
    """A share and its 95% interval, all in [0, 1]; `images` is the effective number behind it. NaN without any."""

    value: float
    low: float
    high: float
    images: float


@dataclass(frozen=True)
class Draw:
    """What one round drew at random.

    Attributes:
        known: sum of y over the images of the pool that were asked about before.
        before: how many those are.
        left: images of the pool that were left then, those that it drew included.
        values: y of the images drawn, in [0, 1].
        chances: the chance of each to be drawn, in (0, 1].
    """

    known: float
    before: int
    left: int
    values: Floats
    chances: Floats


def wilson(share: ArrayLike, images: ArrayLike, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Low and high end for shares seen among so many images; 0 and 1 where there are none."""
    p, n = np.asarray(share, dtype=float), np.asarray(images, dtype=float)
    z = float(norm.ppf(0.5 + level / 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    none = ~(n > 0)
    low, high = np.where(none, 0.0, middle - half), np.where(none, 1.0, middle + half)
    return np.clip(low, 0, 1), np.clip(high, 0, 1)


def clopper_pearson(count: ArrayLike, images: ArrayLike, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Low and high end whose coverage is never below the level."""
    k, n = np.asarray(count, dtype=float), np.asarray(images, dtype=float)
    with np.errstate(invalid="ignore"):
        low = np.where(k > 0, beta.ppf((1 - level) / 2, k, n - k + 1), 0.0)
        high = np.where(k < n, beta.ppf((1 + level) / 2, k + 1, n - k), 1.0)
    return low, high


def pool_share(draws: Sequence[Draw]) -> Interval:
    """The mean of y over the pool, and its interval."""
    draws = [draw for draw in draws if len(draw.values)]
    if not draws:
        return Interval(float("nan"), float("nan"), float("nan"), 0.0)
    shares, sizes, parts = [], [], []
    for draw in draws:
        weights = 1 / draw.chances
        mean = float(weights @ draw.values / weights.sum())
        parts.append(draw.left / (draw.before + draw.left))
        sizes.append(float(weights.sum() ** 2 / (weights @ weights)))
        shares.append(draw.known / (draw.before + draw.left) + parts[-1] * mean)
    each, by = np.array(shares), np.array(sizes)
    by = by / by.sum()  # by images, not by how they scatter: a weight that saw the answers would bias the mean
    value = float(np.clip(by @ each, 0, 1))
    images = float(1 / (by**2 * np.array(parts) ** 2 / np.array(sizes)).sum())
    low, high = wilson(value, images)
    return Interval(value, float(low), float(high), images)


def uniform(drawn: int, left: int) -> float:
    """The chance of each of `left` images to be among `drawn` of them."""
    return min(1.0, drawn / left) if left else 1.0


def gumbel_chances(scores: ArrayLike, budget: float) -> Floats:
    """The chance of each image to be among the B that Gumbel top-k draws: 1 - exp(-t score), t such that they sum to B.

    Rosen's approximation, close from some ten images on; images without a score have no chance.
    """
    weights = np.nan_to_num(np.asarray(scores, dtype=float), nan=0.0).clip(0)
    able = int((weights > 0).sum())
    if budget >= able:
        return np.asarray(weights > 0, dtype=np.float64)
    weights = weights / weights.max()

    def surplus(log_time: float) -> float:
        return float(-np.expm1(-np.exp(log_time) * weights).sum() - budget)

    smallest = float(weights[weights > 0].min())
    time = brentq(surplus, np.log(budget / weights.sum()) - 1e-6, np.log(60 / smallest))
    chances: Floats = -np.expm1(-np.exp(time) * weights)
    return chances


def slice_size(half_width: float, share: float = 0.5, level: float = LEVEL) -> int:
    """How many random labels make the interval of such a share no wider than this on either side.

    Raises:
        InvalidInputError: the half width is not between 0 and 0.5, or the share not between 0 and 1.
    """
    if not 0 < half_width < 0.5 or not 0 <= share <= 1:
        raise InvalidInputError(
            f"an interval of ±{half_width:g} around {share:g} cannot be had: ask for a half width between 0 and 0.5"
        )
    low, high = 1, ceil(10 / half_width**2)
    while low < high:
        middle = (low + high) // 2
        ends = wilson(share, middle, level)
        low, high = (low, middle) if float(ends[1] - ends[0]) <= 2 * half_width else (middle + 1, high)
    return low
