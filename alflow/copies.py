"""Pairs of rows that are nearly the same, among many: exact, in blocks, with bounded memory.

Rows are unit vectors. They are rotated so that the first `_FIRST` coordinates carry most of what tells them apart. With
u = (a, b) split there, u . v = a . a' + b . b' <= a . a' + |b| |b'|: what does not reach the threshold by this bound
cannot reach it at all, and the bound costs a tenth of the whole product at the widths of CLIP.

Axes: N rows, D width, M pairs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import torch
from jaxtyping import Float, Int64
from torch import Tensor

_FIRST: Final = 48
_TALL, _WIDE = 1024, 8192  # of a block: 32 MB in float32
_DENSE: Final = 0.02  # share of a block above which it is multiplied whole
_SLACK: Final = 1e-5  # of float32 sums


@dataclass(frozen=True)
class Pairs:
    """Pairs of rows, the most alike first: `first` < `second`, with their cosine."""

    first: Int64[Tensor, " M"]
    second: Int64[Tensor, " M"]
    cosine: Float[Tensor, " M"]

    def __len__(self) -> int:
        return len(self.first)

    @classmethod
    def none(cls) -> Self:
        """No pair."""
        nothing = torch.empty(0, dtype=torch.int64)
        return cls(nothing, nothing, torch.empty(0))

    def best(self, most: int) -> Self:
        """The most alike; of those as alike as each other the first rows."""
        order = torch.argsort(self.cosine, descending=True, stable=True)[:most]
        return type(self)(self.first[order], self.second[order], self.cosine[order])

    def joined(self, other: Self) -> Self:
        """Both, in no order."""
        return type(self)(
            torch.cat([self.first, other.first]),
            torch.cat([self.second, other.second]),
            torch.cat([self.cosine, other.cosine]),
        )


def near_pairs(rows: Float[Tensor, "N D"], least: float, most: int, new_from: int = 0) -> Pairs:
    """Pairs with a cosine of `least` or more; where there are more than `most`, about the `most` most alike.

    Memory: a copy of the first coordinates of each row, and blocks of some 100 MB together. Work: N^2 / 2 products of
    `_FIRST` + 1 numbers, and the whole of those that come near.

    Args:
        rows: of length 1, in float32.
        least: the threshold.
        most: pairs that are kept.
        new_from: only pairs in which one row is this one or a later one.
    """
    found = Pairs.none()
    if len(rows) < 2:
        return found
    first = _first(rows)
    for tall, wide in _blocks(len(rows), new_from):
        found = found.joined(_of_block(rows, first, tall, wide, least))
        if len(found) > 2 * most:
            found = found.best(most)
            least = max(least, float(found.cosine[-1]))
    return found.best(most)


def _first(rows: Float[Tensor, "N D"]) -> Float[Tensor, "N F"]:
    """The first coordinates in the eigenvectors of the second moments, and the length of the rest."""
    if rows.shape[1] <= _FIRST + 1:
        return rows
    sample = rows[:: max(1, len(rows) // 20_000)].double()
    _, vectors = torch.linalg.eigh(sample.T @ sample)
    first = rows @ vectors[:, -_FIRST:].to(rows.dtype)
    rest = (rows.square().sum(dim=1) - first.square().sum(dim=1)).clamp_min(0).sqrt()
    return torch.cat([first, rest[:, None]], dim=1)


def _blocks(n: int, new_from: int) -> Iterator[tuple[slice, slice]]:
    """Blocks that hold each pair once, below the diagonal: the later row is the taller side's."""
    for top in range(new_from, n, _TALL):
        bottom = min(top + _TALL, n)
        for left in range(0, bottom, _WIDE):
            yield slice(top, bottom), slice(left, min(left + _WIDE, bottom))


def _of_block(rows: Float[Tensor, "N D"], first: Float[Tensor, "N F"], tall: slice, wide: slice, least: float) -> Pairs:
    bound = first[tall] @ first[wide].T
    later, earlier = _below(bound, tall, wide, least)
    if len(later) > _DENSE * bound.numel() and first is not rows:
        later, earlier = _below(rows[tall] @ rows[wide].T, tall, wide, least)
    cosine = torch.cat([
        (rows[i] * rows[j]).sum(dim=1)
        for i, j in zip(torch.split(later, _WIDE), torch.split(earlier, _WIDE), strict=True)
    ])
    near = cosine >= least
    return Pairs(earlier[near], later[near], cosine[near])


def _below(
    bound: Float[Tensor, "R S"], tall: slice, wide: slice, least: float
) -> tuple[Int64[Tensor, " M"], Int64[Tensor, " M"]]:
    """Rows and columns of the entries that may reach the threshold, with the column before the row."""
    least -= _SLACK
    hit = (bound.amax(dim=1) >= least).nonzero()[:, 0]
    found = (bound[hit] >= least).nonzero()
    later, earlier = hit[found[:, 0]] + tall.start, found[:, 1] + wide.start
    before = earlier < later
    return later[before], earlier[before]
