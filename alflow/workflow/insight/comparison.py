"""Two models on the same images whose class is known: how good each is, and by how much the second is better.

Axes: N images, C classes.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from alflow.bayes.fit import folds, refit
from alflow.bayes.model import Model
from alflow.bootstrap import LEVEL, Interval, paired_differences
from alflow.embeddings import Activations
from alflow.metrics import accuracy, nlpd

_RESAMPLED: Final = 10_000_000  # images times resamples: a second or so
_FITTED: Final = 60_000  # labels times classes times folds: some seconds


@dataclass(frozen=True)
class Compared:
    """Two predictions of the same images.

    Attributes:
        images: how many.
        accuracy_before, accuracy_after: of each prediction.
        accuracy: by how much the second is higher, with the 95% interval of the paired difference.
        nlpd_before, nlpd_after: negative log predictive density of each, in nats an image.
        nlpd: by how much the second is higher (worse), with the 95% interval of the paired difference.
        righted, wronged: images that become right, and that become wrong.
    """

    images: int
    accuracy_before: float
    accuracy_after: float
    accuracy: Interval
    nlpd_before: float
    nlpd_after: float
    nlpd: Interval
    righted: int
    wronged: int


@dataclass(frozen=True)
class HeldOut:
    """Predictions of labelled images by fits that have not seen them, and their labels."""

    probabilities: Float[Tensor, "M C"]
    labels: Int64[Tensor, " M"]


def compared(before: Float[Tensor, "N C"], after: Float[Tensor, "N C"], labels: Int64[Tensor, " N"]) -> Compared | None:
    """The two predictions on these images; None where there are none.

    Where not one image becomes right or wrong, every resample says 0; the interval of the accuracy is then that within
    which so many images may all stay as they are: with three images it says next to nothing.
    """
    if not len(labels):
        return None
    n_resamples = min(1000, max(200, _RESAMPLED // len(labels)))
    generator = torch.Generator().manual_seed(0)
    gaps = paired_differences(after, before, labels, generator, n_resamples, ("accuracy", "nlpd"))
    was, is_ = (one.argmax(dim=1) == labels for one in (before, after))
    righted, wronged = int((is_ & ~was).sum()), int((was & ~is_).sum())
    gap = gaps["accuracy"]
    if not righted + wronged:
        reach = 1 - ((1 - LEVEL) / 2) ** (1 / len(labels))
        gap = Interval(0.0, -reach, reach)
    both = [(float(accuracy(one, labels)), float(nlpd(one, labels))) for one in (before.double(), after.double())]
    (accuracy_before, nlpd_before), (accuracy_after, nlpd_after) = both
    return Compared(
        len(labels),
        accuracy_before,
        accuracy_after,
        gap,
        nlpd_before,
        nlpd_after,
        gaps["nlpd"],
        righted,
        wronged,
    )


def held_out(
    make: Callable[[Bool[Tensor, " N"]], Model], rows: Activations, labels: Int64[Tensor, " N"], seed: int
) -> HeldOut:
    """What a model says of labelled images that it has not seen: five folds.

    Where there are many labels or classes, a part of the folds is predicted.

    Args:
        make: of the images to learn from -> the model before any label; it is then fitted to these.
        rows: of the labelled images.
        labels: columns of the model.
        seed: deals the folds.
    """
    if not len(labels):
        return HeldOut(torch.empty(0, 0), labels)
    dealt = folds(labels, torch.Generator().manual_seed(seed))
    n_folds = _affordable(int(dealt.max()) + 1, len(labels) * len(make(dealt >= 0).classes))
    parts = [dealt == fold for fold in range(n_folds)]
    found = [_fitted(make(~held), rows[~held], labels[~held], seed).probabilities(rows[held]) for held in parts]
    return HeldOut(torch.cat(found), torch.cat([labels[held] for held in parts]))


def _affordable(n_folds: int, size: int) -> int:
    return min(n_folds, max(1, _FITTED // size))


def _fitted(zero_shot: Model, rows: Activations, labels: Int64[Tensor, " N"], seed: int) -> Model:
    zero_shot = replace(zero_shot, learnt=None)
    return refit(zero_shot, rows, labels, torch.Generator().manual_seed(seed)) if len(labels) else zero_shot
