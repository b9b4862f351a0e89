"""The greedy loop that every planned batch runs: take the best row, see what the others are worth then, go on.

Axes: N pool rows, B picks.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from alflow.acquisition.beliefs import Acquisition

After = Callable[[int], Float[Tensor, " N"]]
Choose = Callable[[Float[Tensor, " N"], Bool[Tensor, " N"]], int]


def best_free(gains: Float[Tensor, " N"], free: Bool[Tensor, " N"]) -> int:
    """The free row of the largest gain; the first of equals."""
    return int(gains.clamp_min(torch.finfo(gains.dtype).min).where(free, -math.inf).argmax())


def greedy(gains: Float[Tensor, " N"], after: After, budget: int, choose: Choose = best_free) -> Acquisition:
    """Pick rows one after the other; the score of each is its gain at that moment.

    Args:
        gains: of every row before the first pick.
        after: the gains once this row is picked as well; called between two picks only.
        budget: B; a smaller pool is taken whole.
        choose: the next row, from the gains and the rows that are still free.
    """
    first, size = gains, min(budget, len(gains))
    free = torch.ones(len(gains), dtype=torch.bool)
    rows: list[int] = []
    scores: list[Tensor] = []
    while len(rows) < size:
        row = choose(gains, free)
        rows.append(row)
        scores.append(gains[row])
        free[row] = False
        if len(rows) < size:
            gains = after(row)
    return Acquisition(torch.tensor(rows, dtype=torch.int64), torch.stack(scores) if scores else first[:0], first)
