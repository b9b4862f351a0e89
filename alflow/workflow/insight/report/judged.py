"""What the model predicts of images whose class is known: by class, and by how sure it is.

Axes: N images whose class is known.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from alflow.confusion import ClassFigures, confusion, per_class
from alflow.domain.images import Split
from alflow.domain.rounds import Origin
from alflow.errors import ConflictError, NotFoundError
from alflow.ids import ClassId, ItemId
from alflow.reliability import Bin, reliability
from alflow.store.images import items
from alflow.store.images.items import SPLITS
from alflow.store.rounds import candidates
from alflow.workflow.insight.report.scope import Scope
from alflow.workflow.model.kept import Outlook, outlook
from alflow.workspace import Workspace


@dataclass(frozen=True)
class Judged:
    """Images whose class is known, with what was predicted of them.

    Attributes:
        source: "test", by the model of the report; or "control", each as it was predicted before its label was known.
        item_ids: [N].
        truths, predicted: [N], places among the classes of the project.
        confidence: [N], the probability of the predicted class.
        n_classes: of the project.
    """

    source: Literal["test", "control"]
    item_ids: Int64[Tensor, " N"]
    truths: Int64[Tensor, " N"]
    predicted: Int64[Tensor, " N"]
    confidence: Float[Tensor, " N"]
    n_classes: int

    @property
    def images(self) -> int:
        """How many."""
        return len(self.truths)

    @property
    def right(self) -> Bool[Tensor, " N"]:
        """Whether the predicted class is the known one."""
        return self.truths == self.predicted

    @property
    def bins(self) -> list[Bin]:
        """By how sure the model is."""
        return reliability(self.confidence, self.right.double())

    @property
    def by_class(self) -> list[ClassFigures]:
        """The figures of each class, in their order."""
        return per_class(self.truths, self.predicted, self.confidence, self.n_classes)

    @property
    def taken_for(self) -> list[tuple[int, int] | None]:
        """For each class, the place of the class that it is taken for most often, and how often; None if never."""
        counts = confusion(self.truths, self.predicted, self.n_classes).fill_diagonal_(0)
        most, other = counts.max(dim=1)
        return [(place, n) if n else None for place, n in zip(other.tolist(), most.tolist(), strict=True)]


@dataclass(frozen=True)
class Pool:
    """The images of the pool that are embedded, and the means of their uncertainty and its parts, in nats.

    `most` is the uncertainty of whoever holds all classes alike.
    """

    images: int
    most: float
    total: float
    aleatoric: float
    epistemic: float


@dataclass(frozen=True)
class Predictions:
    """What a model says.

    Attributes:
        outlook: of all embedded images.
        pool: of the pool; None where nothing of it is embedded.
        unsure: images of the pool that nobody answered, those first of whose uncertainty labels could remove most.
    """

    outlook: Outlook
    pool: Pool | None
    unsure: Int64[Tensor, " U"]


def read_predictions(workspace: Workspace, scope: Scope, answered: Collection[ItemId]) -> Predictions | str:
    """What the last model of the scope says; or why there is none, in words."""
    try:
        found = outlook(workspace, scope.project.id, scope.closed)
    except (NotFoundError, ConflictError) as error:
        return str(error)
    with workspace.database.read() as tx:
        columns = items.columns(tx, scope.project.id)
    pool = columns.item_ids[columns.splits == SPLITS.index(Split.POOL)]
    rows, there = found.rows(torch.from_numpy(pool))
    if not len(rows):
        return Predictions(found, None, rows)
    means = (float(part[rows].mean()) for part in (found.total, found.aleatoric, found.epistemic))
    free = rows[torch.from_numpy(~np.isin(pool[there.numpy()], list(answered)))]
    unsure = free[found.epistemic[free].argsort(descending=True, stable=True)]
    return Predictions(found, Pool(len(rows), log(len(found.class_ids)), *means), found.item_ids[unsure])


def judge(
    workspace: Workspace, scope: Scope, found: Predictions | None, settled: Mapping[ItemId, ClassId]
) -> Judged | None:
    """The test split by the model of the scope; without one, the control slice; None where neither is known."""
    on_test = None if found is None else _on_test(workspace, scope, found.outlook)
    return on_test or _on_control(workspace, scope, settled)


def _on_test(workspace: Workspace, scope: Scope, found: Outlook) -> Judged | None:
    with workspace.database.read() as tx:
        columns = items.columns(tx, scope.project.id)
    known = (columns.splits == SPLITS.index(Split.TEST)) & np.isin(columns.truths, found.class_ids)
    rows, there = found.rows(torch.from_numpy(columns.item_ids[known]))
    if not len(rows):
        return None
    confidence, column = found.probabilities[rows].max(dim=1)
    truths = columns.truths[known][there.numpy()].tolist()
    predicted = [found.class_ids[one] for one in column.tolist()]
    return _judged("test", scope, found.item_ids[rows].tolist(), truths, predicted, confidence.tolist())


def _on_control(workspace: Workspace, scope: Scope, settled: Mapping[ItemId, ClassId]) -> Judged | None:
    """An image that was drawn again counts once, as it was drawn first."""
    mine = {one.id for one in scope.rounds}
    with workspace.database.read() as tx:
        drawn = [one for one in candidates.of_origin(tx, scope.project.id, Origin.CONTROL) if one.round_id in mine]
    judged = [one for one in {one.item_id: one for one in drawn}.values() if one.item_id in settled]
    if not judged:
        return None
    truths, predicted = [settled[one.item_id] for one in judged], [one.predicted_class_id for one in judged]
    confidence = [one.probabilities[one.predicted_class_id] for one in judged]
    return _judged("control", scope, [one.item_id for one in judged], truths, predicted, confidence)


def _judged(
    source: Literal["test", "control"],
    scope: Scope,
    item_ids: Sequence[ItemId],
    truths: Sequence[int],
    predicted: Sequence[int],
    confidence: Sequence[float],
) -> Judged:
    """From ids of classes to their places."""
    place: dict[int, int] = {one.id: number for number, one in enumerate(scope.classes)}
    return Judged(
        source,
        torch.tensor(item_ids),
        torch.tensor([place[one] for one in truths]),
        torch.tensor([place[one] for one in predicted]),
        torch.tensor(confidence, dtype=torch.float64),
        len(scope.classes),
    )
