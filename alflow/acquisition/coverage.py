"""Facility location: rows that together are most like what is to be covered.

What a row adds never rises as others are picked: the picks of `held.lazily` are those of the plain greedy loop.

Axes: N pool rows, n rows of a block, L labelled rows, M rows to be covered, K rows held, D width of points, B picks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.acquisition.beliefs import Acquisition
from alflow.acquisition.held import Blocks, Gain, Held, lazily

Kernel = Callable[[Float[Tensor, "N D"]], Float[Tensor, "N M"]]

_ROWS: Final = 2048  # a block: bounds the [rows M] temporaries


def most_alike(labelled: Float[Tensor, "L D"], kernel: Kernel, nothing: Float[Tensor, " M"]) -> Float[Tensor, " M"]:
    """Likeness of each row to be covered to the labelled row that is most like it; `nothing` where none is."""
    covered = nothing
    for block in torch.split(labelled, _ROWS):
        if len(block):  # an empty tensor is one empty block
            covered = torch.maximum(covered, kernel(block).amax(dim=0))
    return covered


def cover(
    blocks: Blocks,
    kernel: Kernel,
    covered: Float[Tensor, " M"],
    weights: Float[Tensor, " M"],
    budget: int,
    surprise: Float[Tensor, " N"],
    held: int | None = None,
) -> Acquisition:
    """Greedy batch; a pick scores surprise * sum_m weights_m max(0, kernel_m - covered_m), and then covers too.

    Of equals the first row wins. Costs N M D operations, and again for the rows that are looked at again.

    Args:
        blocks: points in blocks, each with its rows; every call begins anew, and every row comes once.
        kernel: likeness of points to each row that is to be covered.
        covered: how well each is covered already.
        weights: what each counts.
        budget: B; a smaller pool is taken whole.
        surprise: factor of each row.
        held: K; `held.HELD` by default.
    """
    return lazily(blocks, _Covering(kernel, weights, surprise, covered), len(surprise), budget, held)


@dataclass
class _Covering(Gain):
    """What is to be covered, and how far it is: `covered` rises with every pick. Held is the likeness [K M]."""

    kernel: Kernel
    weights: Tensor
    surprise: Tensor
    covered: Tensor

    def rate(
        self, rows: Int64[Tensor, " n"], points: Float[Tensor, "n D"]
    ) -> tuple[Float[Tensor, " n"], tuple[Tensor, ...]]:
        """By their likeness to what is to be covered."""
        alike = self.kernel(points)
        return self._gains(rows, alike), (alike,)

    def again(self, held: Held, places: Int64[Tensor, " m"]) -> Float[Tensor, " m"]:
        """By the likeness that is held."""
        return self._gains(held.rows[places], held.columns[0][places])

    def take(self, held: Held, place: int) -> None:
        """It covers, and what others add is a bound from now on."""
        self.covered = torch.maximum(self.covered, held.columns[0][place])
        held.exact = ~held.free

    def _gains(self, rows: Int64[Tensor, " n"], alike: Float[Tensor, "n M"]) -> Float[Tensor, " n"]:
        return self.surprise[rows] * ((alike - self.covered).clamp_min_(0) @ self.weights)
