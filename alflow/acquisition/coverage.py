"""Greedy facility location: rows that together are most like what is to be covered.

What a row adds never rises as others are picked, so that what it added once bounds what it adds now (Minoux,
Accelerated greedy algorithms, 1978). So only the rows of the largest bounds are held, with their likeness to what is to
be covered; the others are looked at again when the best of those held falls to what one of them may still add. The
picks are those of the plain greedy loop, whatever is held.

Axes: N pool rows, n rows of a block, L labelled rows, M rows to be covered, K rows held, D width of points, B picks.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.acquisition.beliefs import Acquisition

Kernel = Callable[[Float[Tensor, "N D"]], Float[Tensor, "N M"]]
Blocks = Callable[[], Iterable[tuple[Int64[Tensor, " n"], Float[Tensor, "n D"]]]]

HELD: Final = 8_192
"""K; up to twice as many stand in memory."""

_ROWS: Final = 2048  # a block: bounds the [rows M] temporaries
_AT_ONCE: Final = 64  # rows whose bounds are made exact together
_WORTH: Final = 0.5  # of the best gain: rows with such a bound are rated again together, ahead of their need


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
    held: int = HELD,
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
        held: K.
    """
    bound, free = torch.full_like(surprise, torch.inf), torch.ones(len(surprise), dtype=torch.bool)
    aims = _Aims(kernel, weights, surprise, covered)
    first: Tensor | None = None
    rows: list[int] = []
    scores: list[Tensor] = []
    budget, best = min(budget, len(bound)), -torch.inf
    while first is None or len(rows) < budget:
        stale = free & (bound >= _WORTH * best)
        kept = _read(blocks, aims, bound, stale, held)
        first = bound.clone() if first is None else first
        outside = bound.where(free, -torch.inf).index_fill(0, kept.rows, -torch.inf)
        rival = int(outside.argmax()) if len(outside) else 0
        while len(rows) < budget and len(kept.rows):
            place = kept.best(aims)
            row, gain = int(kept.rows[place]), kept.gains[place].clone()
            best = float(gain)
            if gain < outside[rival] or (gain == outside[rival] and rival < row):
                break
            rows.append(row)
            scores.append(gain)
            free[row] = False
            kept.take(place, aims)
        bound[kept.rows] = kept.gains
    return Acquisition(torch.tensor(rows, dtype=torch.int64), torch.stack(scores) if scores else first[:0], first)


@dataclass
class _Aims:
    """What is to be covered, and how far it is: `covered` rises with every pick."""

    kernel: Kernel
    weights: Tensor
    surprise: Tensor
    covered: Tensor

    def gains(self, rows: Int64[Tensor, " n"], alike: Float[Tensor, "n M"]) -> Float[Tensor, " n"]:
        """What each of these rows would add now."""
        return self.surprise[rows] * ((alike - self.covered).clamp_min_(0) @ self.weights)


@dataclass
class _Held:
    """Rows in any order, their likeness [K M], and what each adds at most: exactly that where `exact`."""

    rows: Tensor
    alike: Tensor
    gains: Tensor
    exact: Tensor

    def best(self, aims: _Aims) -> int:
        """Place of the row that adds most now; of equals the first row."""
        while True:
            most = (self.gains == self.gains.max()).nonzero()[:, 0]
            if self.exact[most].all():
                return int(most[self.rows[most].argmin()])
            bounds = self.gains.where(~self.exact, -torch.inf)
            next_ones = bounds.topk(min(_AT_ONCE, int((~self.exact).sum()))).indices
            self.gains[next_ones] = aims.gains(self.rows[next_ones], self.alike[next_ones])
            self.exact[next_ones] = True

    def take(self, place: int, aims: _Aims) -> None:
        """Pick this row: it covers, and what others add is a bound from now on."""
        aims.covered = torch.maximum(aims.covered, self.alike[place])
        self.gains[place] = -torch.inf
        self.exact = self.gains == -torch.inf


def _read(blocks: Blocks, aims: _Aims, bound: Float[Tensor, " N"], stale: Tensor, held: int) -> _Held:
    """The K stale rows that add most now, up to 2 K; of every stale row the bound becomes what it adds now."""
    size = min(2 * held, int(stale.sum()))
    rows = torch.empty(size, dtype=torch.int64)
    alike = aims.covered.new_empty(size, len(aims.covered))
    filled = 0
    for its, points in blocks():
        wanted = stale[its].nonzero()[:, 0]
        for part in torch.split(wanted, min(_ROWS, held)):
            found = aims.kernel(points if len(part) == len(its) else points[part])
            bound[its[part]] = aims.gains(its[part], found)
            if filled + len(part) > size:
                filled = _sieve(rows, alike, bound, filled, held)
            rows[filled : filled + len(part)], alike[filled : filled + len(part)] = its[part], found
            filled += len(part)
    rows = rows[:filled]
    return _Held(rows, alike[:filled], bound[rows].clone(), torch.ones(filled, dtype=torch.bool))


def _sieve(rows: Tensor, alike: Tensor, bound: Tensor, filled: int, held: int) -> int:
    """Keep the K rows that add most, of equals the first, in front; returns how many."""
    ascending = rows[:filled].argsort()
    most = ascending[bound[rows[ascending]].argsort(descending=True, stable=True)[:held]].sort().values
    rows[: len(most)] = rows[most]
    for part in torch.split(torch.arange(len(most)), _ROWS):  # upwards: nothing is overwritten before it is moved
        alike[part] = alike[most[part]]
    return len(most)
