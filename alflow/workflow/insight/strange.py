"""Pool images that labels will not make clear: those between classes, and those that are like none.

A high aleatoric part stays however many labels come: the classes overlap there, and guidelines can say which one it is.
A high novelty is unlike the pretraining data: perhaps the image belongs to none of the classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.domain.images import Split
from alflow.ids import ClassId, ItemId, ProjectId
from alflow.store.answers import outcomes
from alflow.store.images import items
from alflow.workflow.model.kept import Outlook, outlook
from alflow.workspace import Workspace


@dataclass(frozen=True)
class Strange:
    """An image of the pool.

    Attributes:
        item_id: the image.
        value: aleatoric entropy in nats, or novelty (1 is average).
        top: the two most probable classes with their probabilities.
        label: its settled class, if it has one.
    """

    item_id: ItemId
    value: float
    top: tuple[tuple[ClassId, float], tuple[ClassId, float]]
    label: ClassId | None


@dataclass(frozen=True)
class Stranger:
    """The most ambiguous images of the pool, and the most unfamiliar of those without a label; most first."""

    ambiguous: tuple[Strange, ...]
    unfamiliar: tuple[Strange, ...]


def strange_images(workspace: Workspace, project_id: ProjectId, count: int) -> Stranger:
    """By the newest model, of every embedded image of the pool.

    Raises:
        NotFoundError: there is no such project, nothing is embedded, or it has no posterior yet.
        ConflictError: it has fewer than two classes.
        InvalidInputError: two classes look the same to the model, or something stored is damaged.
    """
    seen = outlook(workspace, project_id)
    with workspace.database.read() as tx:
        columns, settled = items.columns(tx, project_id), outcomes.settled(tx, project_id)
    pool = torch.from_numpy(columns.item_ids[columns.splits == items.SPLITS.index(Split.POOL)])
    rows, _ = seen.rows(pool)
    labelled = torch.isin(seen.item_ids[rows], torch.tensor(sorted(settled), dtype=torch.int64))
    return Stranger(
        _most(seen, rows, seen.aleatoric, count, settled),
        _most(seen, rows[~labelled], seen.novelty, count, settled),
    )


def _most(
    seen: Outlook,
    rows: Int64[Tensor, " M"],
    values: Float[Tensor, " N"],
    count: int,
    settled: Mapping[ItemId, ClassId],
) -> tuple[Strange, ...]:
    best = values[rows].topk(min(count, len(rows)))
    chosen = rows[best.indices]
    p, columns = seen.probabilities[chosen].topk(2, dim=1)
    found = []
    for item, value, of_item, at in zip(
        seen.item_ids[chosen].tolist(), best.values.tolist(), p.tolist(), columns.tolist(), strict=True
    ):
        first, second = ((seen.class_ids[column], chance) for column, chance in zip(at, of_item, strict=True))
        found.append(Strange(item, value, (first, second), settled.get(item)))
    return tuple(found)
