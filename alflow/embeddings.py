"""Rows of activations that remember their item ids.

Axes: N rows, P activation width (a last layer with a bias has a constant 1 as its last activation, so that every last
layer is one matrix), D width of the joint embedding.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from alflow.ids import ItemId


def places(
    ascending: Int64[Tensor, " N"], asked: Int64[Tensor, " M"]
) -> tuple[Int64[Tensor, " F"], Bool[Tensor, " M"]]:
    """Where those of the asked ids stand that are among these, in the order asked for; and which of them those are."""
    if not len(ascending):
        return asked.new_empty(0), torch.zeros(len(asked), dtype=torch.bool)
    nearest = torch.searchsorted(ascending, asked).clamp_(max=len(ascending) - 1)
    found = ascending[nearest] == asked
    return nearest[found], found


def among(ids: Int64[Tensor, " N"], wanted: Int64[Tensor, " M"]) -> Bool[Tensor, " N"]:
    """Which ids are wanted; `wanted` ascends (`torch.isin` would sort it again for every shard)."""
    return places(wanted, ids)[1]


@dataclass(frozen=True)
class LastLayers:
    """The last linear layers of both towers and the head: logit = scale * cos(g, h) + bias.

    `likelihood` says how logits were trained to become probabilities: `softmax` (CLIP) or `sigmoid` (SigLIP).
    """

    image_weight: Float[Tensor, "D P"]
    text_weight: Float[Tensor, "D P_t"]
    scale: float
    bias: float = 0.0
    likelihood: Literal["softmax", "sigmoid"] = "softmax"


@dataclass(frozen=True)
class Activations:
    """Inputs of a last linear layer, and what is added to its output (SigLIP's image tower), if anything."""

    values: Float[Tensor, "N P"]
    residuals: Float[Tensor, "N D"] | None = None

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Tensor) -> Self:
        residuals = None if self.residuals is None else self.residuals[rows]
        return type(self)(self.values[rows], residuals)

    def embed(self, weight: Float[Tensor, "D P"]) -> Float[Tensor, "N D"]:
        """Embeddings g = W phi + r, in the dtype of `weight`; not normalised."""
        linear = self.values.to(weight.dtype) @ weight.T  # [N D]
        return linear if self.residuals is None else linear + self.residuals.to(weight.dtype)

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """All rows of all parts, in order."""
        residuals = [part.residuals for part in parts if part.residuals is not None]
        return cls(torch.cat([part.values for part in parts]), torch.cat(residuals) if residuals else None)


@dataclass(frozen=True)
class Embeddings:
    """Image activations with the ids of their items: one shard, or all of them joined."""

    item_ids: Int64[Tensor, " N"]
    activations: Activations

    def __len__(self) -> int:
        return len(self.item_ids)

    def __getitem__(self, rows: Tensor) -> Self:
        return type(self)(self.item_ids[rows], self.activations[rows])

    def select(self, item_ids: Iterable[ItemId]) -> Self:
        """The rows of these items, in the order asked for; KeyError names one that is missing."""
        where = {item: row for row, item in enumerate(self.item_ids.tolist())}
        return self[torch.tensor([where[item] for item in item_ids], dtype=torch.int64)]

    @classmethod
    def concatenate(cls, shards: Sequence[Self]) -> Self:
        """Join shards, in order."""
        ids = torch.cat([shard.item_ids for shard in shards])
        return cls(ids, Activations.concatenate([shard.activations for shard in shards]))


def gather(shards: Iterable[Embeddings], groups: Sequence[Sequence[ItemId]], width: int) -> list[Embeddings]:
    """Rows of each group of items, in the order asked for and in float32; each shard is looked at once.

    Items without a row are left out; of an item with several the last counts. Every part is let go of as soon as it is
    in its place, so that no group is held twice.

    Args:
        shards: rows by shard.
        groups: ids, once each in a group.
        width: P, of a group without any row.
    """
    wanted = [torch.tensor(sorted(ids), dtype=torch.int64) for ids in groups]
    parts: list[list[Embeddings]] = [[] for _ in groups]
    for shard in shards:
        for ids, into in zip(wanted, parts, strict=True):
            into.append(shard[among(shard.item_ids, ids).nonzero()[:, 0]])
    return [_in_order(own, ids, width) for own, ids in zip(parts, groups, strict=True)]


def _in_order(parts: list[Embeddings], item_ids: Sequence[ItemId], width: int) -> Embeddings:
    there = {item for part in parts for item in part.item_ids.tolist()}
    place = {item: row for row, item in enumerate(item for item in dict.fromkeys(item_ids) if item in there)}
    values, residuals = torch.empty(len(place), width), None
    parts.reverse()
    while parts:
        part = parts.pop()
        rows = torch.tensor([place[item] for item in part.item_ids.tolist()], dtype=torch.int64)
        values[rows] = part.activations.values.float()
        if (more := part.activations.residuals) is not None:
            residuals = torch.empty(len(place), more.shape[1]) if residuals is None else residuals
            residuals[rows] = more.float()
    return Embeddings(torch.tensor(list(place), dtype=torch.int64), Activations(values, residuals))
