"""How what came compares with what was expected, where each is a sum over items: labels and their information.

Axes: N items, in any order.

References:
    Cochran, Sampling Techniques, 3rd edition 1977, chapter 6 (the ratio of two sums; its variance by linearisation).
"""

from math import inf, nan, sqrt
from typing import Final, NamedTuple

from jaxtyping import Float
from torch import Tensor

LEAST: Final = 5
"""Items below which no interval is told."""

MOST_GROUPS: Final = 8
_NORMAL: Final = 1.959964  # the 97.5% point


class Kept(NamedTuple):
    """What came over what was expected: 1 where promises are kept.

    Attributes:
        items: how many.
        expected, came: mean of each.
        ratio, low, high: of both sums, with its 95% interval; NaN where nothing was expected.
    """

    items: int
    expected: float
    came: float
    ratio: float
    low: float
    high: float


class Group(NamedTuple):
    """Items of which about the same was expected.

    Attributes:
        items: how many.
        expected: mean of what was expected.
        came, low, high: mean of what came, with its 95% interval (normal, not below 0).
    """

    items: int
    expected: float
    came: float
    low: float
    high: float


def kept(expected: Float[Tensor, " N"], came: Float[Tensor, " N"]) -> Kept:
    """R = sum came / sum expected; r +- 1.96 sqrt(sum (came - r expected)^2 N / (N - 1)) / sum expected.

    Neither is negative. Of fewer than `LEAST` items the interval is all that can be: [0, inf].
    """
    n, wanted, found = len(expected), expected.double(), came.double()
    total = float(wanted.sum())
    means = (float(wanted.mean()), float(found.mean())) if n else (nan, nan)
    if not total > 0:
        return Kept(n, *means, nan, nan, nan)
    ratio = float(found.sum()) / total
    if n < LEAST:
        return Kept(n, *means, ratio, 0.0, inf)
    half = _NORMAL * sqrt(float((found - ratio * wanted).square().sum()) * n / (n - 1)) / total
    return Kept(n, *means, ratio, max(0.0, ratio - half), ratio + half)


def grouped(expected: Float[Tensor, " N"], came: Float[Tensor, " N"]) -> list[Group]:
    """Items in groups of equal number by what was expected of them: as many groups of `LEAST` items as there can be."""
    order = expected.double().argsort(stable=True)
    n_groups = min(MOST_GROUPS, len(order) // LEAST)
    return [
        _group(expected.double()[rows], came.double()[rows])
        for rows in (order.tensor_split(n_groups) if n_groups else [])
    ]


def _group(expected: Float[Tensor, " N"], came: Float[Tensor, " N"]) -> Group:
    mean, half = float(came.mean()), _NORMAL * float(came.std()) / sqrt(len(came))
    return Group(len(came), float(expected.mean()), mean, max(0.0, mean - half), mean + half)
