"""What other prompts change: images whose prediction turns, from what to what, and what is expected of each class.

Axes: N images, C classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.domain.projects import ClassLabel
from alflow.ids import ClassId, ItemId

MOST_TURNS: Final = 100
"""Pairs of classes that are told, the most frequent ones."""

PICTURES: Final = 24
"""Images of each pair, those that turn most decidedly."""


@dataclass(frozen=True)
class Turned:
    """An image that turns.

    Attributes:
        item_id: the image.
        before: probability of the class that it was predicted as.
        after: probability of the class that it is predicted as then.
    """

    item_id: ItemId
    before: float
    after: float


@dataclass(frozen=True)
class Turn:
    """Images that are predicted as one class and would be as another: how many, and some of them."""

    before: ClassId
    after: ClassId
    count: int
    images: tuple[Turned, ...]


@dataclass(frozen=True)
class ClassEffect:
    """One class.

    Attributes:
        class_id: which.
        share_before, share_after: expected share of the images, the mean of its probability.
        deviation_before, deviation_after: standard deviation of the logit of a typical image that is due to its name.
    """

    class_id: ClassId
    share_before: float
    share_after: float
    deviation_before: float
    deviation_after: float


def turns(
    item_ids: Int64[Tensor, " N"],
    before: Float[Tensor, "N C"],
    after: Float[Tensor, "N C"],
    class_ids: Sequence[ClassId],
) -> tuple[Turn, ...]:
    """Pairs of classes, the most frequent first; of each the images with the largest change come first."""
    was, is_ = before.max(dim=1), after.max(dim=1)
    rows = (was.indices != is_.indices).nonzero()[:, 0]
    pair = was.indices[rows] * len(class_ids) + is_.indices[rows]
    kinds, counts = torch.unique(pair, return_counts=True)
    found = []
    for place in counts.argsort(descending=True, stable=True)[:MOST_TURNS].tolist():
        old, new = divmod(int(kinds[place]), len(class_ids))
        own = rows[pair == kinds[place]]
        moved = after[own, new] - before[own, new] + before[own, old] - after[own, old]
        own = own[moved.argsort(descending=True, stable=True)[:PICTURES]]
        columns = (item_ids[own].tolist(), was.values[own].tolist(), is_.values[own].tolist())
        images = tuple(Turned(*row) for row in zip(*columns, strict=True))
        found.append(Turn(class_ids[old], class_ids[new], int(counts[place]), images))
    return tuple(found)


def class_effects(
    classes: Sequence[ClassLabel],
    shares: tuple[Float[Tensor, " C"], Float[Tensor, " C"]],
    deviations: tuple[Float[Tensor, " C"], Float[Tensor, " C"]],
) -> tuple[ClassEffect, ...]:
    """One row a class, in order; each pair is before and after."""
    columns = (*(one.tolist() for one in shares), *(one.tolist() for one in deviations))
    return tuple(ClassEffect(label.id, *row) for label, *row in zip(classes, *columns, strict=True))
