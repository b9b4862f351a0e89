"""Greedy facility location: rows that together are most like what is to be covered.

Axes: N pool rows, L labelled rows, M rows to be covered, D width of the points, B picks.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.acquisition.beliefs import Acquisition
from alflow.acquisition.greedy import greedy

Kernel = Callable[[Float[Tensor, "N D"]], Float[Tensor, "N M"]]

_ROWS = 4096  # a block: bounds the [rows M] temporaries


def most_alike(labelled: Float[Tensor, "L D"], kernel: Kernel, nothing: Float[Tensor, " M"]) -> Float[Tensor, " M"]:
    """Likeness of each row to be covered to the labelled row that is most like it; `nothing` where none is."""
    covered = nothing
    for block in torch.split(labelled, _ROWS):
        if len(block):  # an empty tensor is one empty block
            covered = torch.maximum(covered, kernel(block).amax(dim=0))
    return covered


def cover(
    alike: Float[Tensor, "N M"],
    covered: Float[Tensor, " M"],
    weights: Float[Tensor, " M"],
    budget: int,
    surprise: Float[Tensor, " N"] | float = 1.0,
) -> Acquisition:
    """Greedy batch; a pick scores surprise * sum_m weights_m max(0, alike_m - covered_m), and then covers too.

    Of equals the first row wins. One pick costs N M operations.
    """

    def gains() -> Float[Tensor, " N"]:
        return surprise * torch.cat([(block - covered).clamp_min_(0) @ weights for block in torch.split(alike, _ROWS)])

    def after(row: int) -> Float[Tensor, " N"]:
        nonlocal covered
        covered = torch.maximum(covered, alike[row])
        return gains()

    return greedy(gains(), after, budget)
