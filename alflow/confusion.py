"""Which classes a model takes for which, and how good it is for each.

Axes: N items, C classes. Truth and prediction are columns of the model's classes.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.metrics import wilson


class Mistake(NamedTuple):
    """Items of one class that are predicted as another: how many, and which share of that class's items."""

    truth: int
    predicted: int
    items: int
    share: float


class ClassFigures(NamedTuple):
    """One class. What is not defined, as the accuracy of a class without items, is NaN.

    Attributes:
        column: of the model.
        support: items of this class.
        accuracy, accuracy_low, accuracy_high: the share of these that is predicted right, with its 95% interval.
        predicted: items that are predicted as this class.
        precision, precision_low, precision_high: the share of these that is right, with its 95% interval.
        confidence: their mean confidence.
        overconfidence, overconfidence_low, overconfidence_high: confidence less precision, the confidence taken as
            given: an interval above 0 says that the class is predicted more surely than it is right.
    """

    column: int
    support: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    predicted: int
    precision: float
    precision_low: float
    precision_high: float
    confidence: float
    overconfidence: float
    overconfidence_low: float
    overconfidence_high: float


def confusion(truth: Int64[Tensor, " N"], predicted: Int64[Tensor, " N"], n_classes: int) -> Int64[Tensor, "C C"]:
    """How many items of each class (row) are predicted as each class (column)."""
    return torch.bincount(truth * n_classes + predicted, minlength=n_classes**2).view(n_classes, n_classes)


def mistakes(counts: Int64[Tensor, "C C"], limit: int | None = None) -> list[Mistake]:
    """Pairs of classes that are mistaken, the most frequent first; of equals those whose class has fewer items."""
    wrong = counts.clone().fill_diagonal_(0)
    truth, predicted = wrong.nonzero(as_tuple=True)
    items, support = wrong[truth, predicted], counts.sum(dim=1)[truth]
    share = items.double() / support
    order = share.argsort(descending=True, stable=True)
    order = order[items[order].argsort(descending=True, stable=True)][:limit]
    columns = (column[order].tolist() for column in (truth, predicted, items, share))
    return [Mistake(*row) for row in zip(*columns, strict=True)]


def most_confused(counts: Int64[Tensor, "C C"], limit: int) -> list[int]:
    """At most so many classes, in their order: all of them, or those of the most frequent mistakes.

    Where there are fewer mistakes than that, those with the most items fill up.
    """
    if len(counts) <= limit:
        return list(range(len(counts)))
    pairs = ((one.truth, one.predicted) for one in mistakes(counts))
    frequent = counts.sum(dim=1).argsort(descending=True, stable=True).tolist()
    ranked = dict.fromkeys([column for pair in pairs for column in pair] + frequent)
    return sorted(list(ranked)[:limit])


def per_class(
    truth: Int64[Tensor, " N"], predicted: Int64[Tensor, " N"], confidence: Float[Tensor, " N"], n_classes: int
) -> list[ClassFigures]:
    """Accuracy, precision and calibration of every class, in their order."""
    correct = (truth == predicted).double()
    support = torch.bincount(truth, minlength=n_classes)
    named = torch.bincount(predicted, minlength=n_classes)
    nothing = torch.zeros(n_classes, dtype=torch.float64)
    right = nothing.index_add(0, truth, correct)  # the same by truth and by prediction
    sure = nothing.index_add(0, predicted, confidence.double()) / named
    precision, (low, high) = right / named, wilson(right, named.double())
    columns = [
        torch.arange(n_classes), support, right / support, *wilson(right, support.double()),
        named, precision, low, high, sure, sure - precision, sure - high, sure - low,
    ]  # fmt: skip
    return [ClassFigures(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
