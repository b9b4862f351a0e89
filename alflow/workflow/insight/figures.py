"""Figures of a model: what `alflow model show`, the Model page and reports say of it, from one place.

Columns of the model become class ids here. Reads what is kept (`evaluated`, `outlook`); nothing is predicted.

Axes: N images, C classes, B bins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from alflow.confusion import ClassFigures, Mistake, confusion, mistakes, most_confused, per_class
from alflow.domain.images import Split
from alflow.ids import ClassId, ItemId, ProjectId
from alflow.reliability import Bin, Covered, reliability, risk_coverage
from alflow.store.images import items
from alflow.workflow.insight.evaluated import Evaluated
from alflow.workflow.model.kept import outlook
from alflow.workspace import Workspace

SHOWN_CLASSES: Final = 20
"""Rows of a confusion matrix, at most."""

SHOWN_MISTAKES: Final = 100
_BINS: Final = 30
PARTS: Final = ("total", "aleatoric", "epistemic")


@dataclass(frozen=True)
class Confusions:
    """Which classes are taken for which, by what is shown.

    Attributes:
        class_ids: of the rows and columns, in the order of the project.
        n_classes: how many the model has; the matrix shows the most confused where there are more than fit.
        counts: images of each class (row) that are predicted as each class (column).
        elsewhere: images of each row that are predicted as a class that is not shown.
        mistakes: pairs of classes (columns of the model), the most frequent first, over all classes.
        n_mistakes: how many pairs there are.
    """

    class_ids: tuple[ClassId, ...]
    n_classes: int
    counts: tuple[tuple[int, ...], ...]
    elsewhere: tuple[int, ...]
    mistakes: tuple[Mistake, ...]
    n_mistakes: int


@dataclass(frozen=True)
class PredictedImage:
    """An image whose class is known: what was predicted, how surely, and the probability of the known class."""

    item_id: ItemId
    class_id: ClassId
    predicted_class_id: ClassId
    confidence: float
    density: float


@dataclass(frozen=True)
class Histogram:
    """Images by one part of the uncertainty, in nats.

    Attributes:
        edges: of the bins, [B + 1].
        counts: images of each bin, [B].
        mean: over the images.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    mean: float


def reliability_of(one: Evaluated) -> dict[str, list[Bin]]:
    """The bins of each way."""
    return {way: reliability(one.confidence[row], one.correct[row]) for row, way in enumerate(one.ways)}


def risk_of(one: Evaluated) -> dict[str, list[Covered]]:
    """Risk against coverage of each way."""
    return {way: risk_coverage(one.confidence[row], one.correct[row]) for row, way in enumerate(one.ways)}


def covered_at(risks: Sequence[Covered], risk: float) -> Covered | None:
    """The largest part whose risk is at most this; None where not even the most confident image is below it."""
    below = [one for one in risks if one.risk <= risk]
    return below[-1] if below else None


def classes_of(one: Evaluated) -> list[ClassFigures]:
    """Accuracy, support and calibration of each class, by what is shown, in the order of the columns."""
    row = one.way("shown")
    return per_class(one.labels, one.predicted[row], one.confidence[row], len(one.class_ids))


def confusions(one: Evaluated, n_shown: int = SHOWN_CLASSES) -> Confusions:
    """The matrix, or its most confused part where there are more classes than that."""
    counts = confusion(one.labels, one.predicted[one.way("shown")], len(one.class_ids))
    pairs, shown = mistakes(counts), most_confused(counts, n_shown)
    part = counts[shown][:, shown]
    return Confusions(
        tuple(one.class_ids[column] for column in shown),
        len(one.class_ids),
        tuple(tuple(row) for row in part.tolist()),
        tuple((counts[shown].sum(dim=1) - part.sum(dim=1)).tolist()),
        tuple(pairs[:SHOWN_MISTAKES]),
        len(pairs),
    )


def images_of(
    one: Evaluated, truth: ClassId | None, predicted: ClassId | None, *, only_wrong: bool, limit: int
) -> tuple[list[PredictedImage], int]:
    """The images of a cell of the confusion matrix, the most confident first; and how many there are.

    Args:
        one: whose images.
        truth: their known class; None for any.
        predicted: what is predicted; None for any.
        only_wrong: leave out those that are predicted right.
        limit: images at most.
    """
    row = one.way("shown")
    among = torch.ones(len(one), dtype=torch.bool)
    for class_id, columns in ((truth, one.labels), (predicted, one.predicted[row])):
        if class_id is not None:
            among &= columns == one.class_ids.index(class_id)
    if only_wrong:
        among &= one.predicted[row] != one.labels
    (found,) = among.nonzero(as_tuple=True)
    best = found[one.confidence[row][found].argsort(descending=True, stable=True)][:limit]
    return [_image(one, row, place) for place in best.tolist()], len(found)


def histograms(
    workspace: Workspace, project_id: ProjectId, number: int, other: int, split: Split | None = None
) -> Mapping[str, tuple[Histogram, Histogram]]:
    """Total, aleatoric and epistemic part of all embedded images (of a split) after two rounds, with the same bins.

    Raises:
        NotFoundError: there is no such closed round, or nothing is embedded.
    """
    both = [outlook(workspace, project_id, each) for each in (number, other)]
    among = _among(workspace, project_id, both[0].item_ids, split)
    parts = {name: [getattr(one, name)[among].double().numpy() for one in both] for name in PARTS}
    return {name: _histograms(*values) for name, values in parts.items()}


def _among(workspace: Workspace, project_id: ProjectId, item_ids: Tensor, split: Split | None) -> Tensor:
    """Which of these items are of the split."""
    if split is None:
        return torch.ones(len(item_ids), dtype=torch.bool)
    with workspace.database.read() as tx:
        every = items.columns(tx, project_id)
    wanted = every.item_ids[every.splits == items.SPLITS.index(split)]
    return torch.isin(item_ids, torch.from_numpy(wanted))


def _histograms(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[Histogram, Histogram]:
    largest = max((float(values.max()) for values in (one, other) if len(values)), default=0.0) or 1.0
    edges = np.linspace(0, largest, _BINS + 1)
    return _histogram(one, edges), _histogram(other, edges)


def _histogram(values: NDArray[np.float64], edges: NDArray[np.float64]) -> Histogram:
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    return Histogram(tuple(edges.tolist()), tuple(counts.tolist()), float(values.mean()) if len(values) else 0.0)


def _image(one: Evaluated, row: int, place: int) -> PredictedImage:
    return PredictedImage(
        ItemId(int(one.item_ids[place])),
        one.class_ids[int(one.labels[place])],
        one.class_ids[int(one.predicted[row][place])],
        float(one.confidence[row][place]),
        float(one.density[row][place]),
    )
