"""Which images of the pool are near copies of those that are asked about.

Axes: N pool items, B images asked about, P width of the activations.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.acquisition.beliefs import Pool
from alflow.acquisition.diversity import TOLD
from alflow.acquisition.likeness import directions, likeness


@dataclass(frozen=True)
class Copies:
    """Near copies of one image: how many there are, and the rows and likenesses of those most like it."""

    number: int
    rows: Int64[Tensor, " M"]
    likeness: Float[Tensor, " M"]


def near_copies(
    pool: Pool, asked: Int64[Tensor, " B"], own: Float[Tensor, "B P"], centre: Float[Tensor, " P"], most: int
) -> list[Copies]:
    """For each row that is asked about, the other rows of the pool with a squared likeness above `TOLD`.

    The measure is that of `diversity.near_duplicates`: knowing one leaves less than a tenth of the variance of the
    other. One pass over the pool.

    Args:
        pool: in memory or in blocks.
        asked: rows of the pool.
        own: their activations.
        centre: mean activation of all images.
        most: of each, as many are named; the most alike first.
    """
    wanted, number = directions(own, centre), torch.zeros(len(asked), dtype=torch.int64)
    best, rows = own.new_zeros(len(asked), 0), torch.zeros(len(asked), 0, dtype=torch.int64)
    for block, points in pool.points():
        alike = likeness(wanted, directions(points, centre))  # [B n]
        alike[asked[:, None] == block] = 0  # no image is its own copy
        number += (alike.square() > TOLD).sum(dim=1)
        best, rows = torch.cat([best, alike], dim=1), torch.cat([rows, block.expand(len(asked), -1)], dim=1)
        best, places = best.topk(min(most, best.shape[1]), dim=1)
        rows = rows.gather(1, places)
    kept = best.square() > TOLD
    return [
        Copies(int(n), found[keep], alike[keep]) for n, found, alike, keep in zip(number, rows, best, kept, strict=True)
    ]
