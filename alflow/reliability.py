"""How far confidence can be trusted: reliability by bins of confidence, and the risk among the most confident.

Axes: N items. Confidence is the largest probability of an item's prediction; correct is 1 where that class is right.

References:
    Guo et al., On Calibration of Modern Neural Networks, arXiv 1706.04599 (reliability diagrams).
    Geifman and El-Yaniv, Selective Classification for Deep Neural Networks, arXiv 1705.08500 (risk and coverage).
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.metrics import N_BINS, confidence_bins, wilson


class Bin(NamedTuple):
    """Items whose confidence is above `low` and at most `high`.

    Attributes:
        low, high: ends of the bin.
        items: how many.
        confidence: their mean confidence.
        accuracy, accuracy_low, accuracy_high: the share that is right, with its 95% interval (Wilson).
    """

    low: float
    high: float
    items: int
    confidence: float
    accuracy: float
    accuracy_low: float
    accuracy_high: float


class Covered(NamedTuple):
    """The most confident items, down to some confidence.

    Attributes:
        coverage: which share of all items they are.
        risk, risk_low, risk_high: the share of them that is wrong, with its 95% interval (Wilson).
        confidence: the least among them.
        items: how many.
    """

    coverage: float
    risk: float
    risk_low: float
    risk_high: float
    confidence: float
    items: int


def reliability(confidence: Float[Tensor, " N"], correct: Float[Tensor, " N"]) -> list[Bin]:
    """The bins of `alflow.metrics.ece` that hold an item: sum of items |accuracy - confidence| / N is that metric."""
    confidence, correct = confidence.double(), correct.double()
    bins = confidence_bins(confidence)
    items, right, sure = (
        torch.zeros(N_BINS, dtype=torch.float64).index_add(0, bins, each)
        for each in (torch.ones_like(correct), correct, confidence)
    )
    low, high = wilson(right, items)
    return [
        Bin(row / N_BINS, (row + 1) / N_BINS, n, *numbers)
        for row, (n, *numbers) in enumerate(
            zip(items.int().tolist(), *_lists(sure / items, right / items, low, high), strict=True)
        )
        if n
    ]


def risk_coverage(confidence: Float[Tensor, " N"], correct: Float[Tensor, " N"], n_points: int = 200) -> list[Covered]:
    """The risk among the most confident items, from few of them to all.

    Equally confident items come together: there is no way to take one before the other. Of many steps as many are kept
    as can be seen, evenly spaced over the items, the last always.
    """
    if not len(confidence):
        return []
    ordered, order = confidence.double().sort(descending=True, stable=True)
    wrong = (1 - correct.double()[order]).cumsum(0)
    is_last = torch.ones(len(ordered), dtype=torch.bool)
    is_last[:-1] = ordered[1:] < ordered[:-1]
    (ends,) = is_last.nonzero(as_tuple=True)
    ends = _thinned(ends, len(ordered), n_points)
    items = (ends + 1).double()
    low, high = wilson(wrong[ends], items)
    columns = _lists(items / len(ordered), wrong[ends] / items, low, high, ordered[ends])
    return [Covered(*row) for row in zip(*columns, (ends + 1).tolist(), strict=True)]


def _thinned(ends: Tensor, n_items: int, n_points: int) -> Tensor:
    """Of ascending places the first at or after each of n_points even steps."""
    if len(ends) <= n_points:
        return ends
    steps = torch.linspace(0, n_items - 1, n_points, dtype=torch.float64).ceil().long()
    kept: Tensor = torch.unique(ends[torch.searchsorted(ends, steps).clamp(max=len(ends) - 1)])
    return kept


def _lists(*columns: Tensor) -> list[list[float]]:
    return [column.tolist() for column in columns]
