"""The greedy loop over a pool that is read in blocks: only the rows that may be picked next are held.

What a row added when it was last looked at is taken for the most that it adds now (Minoux, Accelerated greedy
algorithms, 1978). So the rows of the largest numbers are held, with what it takes to rate them after every pick; the
others are read again when the best of those held falls to what one of them may still add. Where nothing that a row adds
ever rises as others are picked, the picks are those of the plain greedy loop, whatever is held.

Axes: N pool rows, n rows of a block, K rows held, D width of points, B picks.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from alflow.acquisition.beliefs import Acquisition

Blocks = Callable[[], Iterable[tuple[Int64[Tensor, " n"], Float[Tensor, "n D"]]]]

HELD: Final = 8_192
"""K; up to twice as many stand in memory."""

_ROWS: Final = 2048  # a block: bounds the temporaries
_AT_ONCE: Final = 64  # rows whose bounds are made exact together
_WORTH: Final = 0.5  # of the best gain: rows with such a bound are rated again together, ahead of their need


@dataclass
class Held:
    """Rows in any order, what it takes to rate them [K ...], and what each adds at most: exactly that where `exact`."""

    rows: Int64[Tensor, " K"]
    columns: tuple[Tensor, ...]
    gains: Float[Tensor, " K"]
    exact: Bool[Tensor, " K"]
    free: Bool[Tensor, " K"]


class Gain(ABC):
    """What a row adds to what is picked; it changes with every pick."""

    @abstractmethod
    def rate(
        self, rows: Int64[Tensor, " n"], points: Float[Tensor, "n D"]
    ) -> tuple[Float[Tensor, " n"], tuple[Tensor, ...]]:
        """What each of these rows adds now, and what it takes to rate it later."""

    @abstractmethod
    def again(self, held: Held, places: Int64[Tensor, " m"]) -> Float[Tensor, " m"]:
        """What these of the rows held add now."""

    @abstractmethod
    def take(self, held: Held, place: int) -> None:
        """Pick this row of those held: what they add falls, and which of their gains are still exact is told."""


def lazily(blocks: Blocks, gain: Gain, n_rows: int, budget: int, held: int | None = None) -> Acquisition:
    """Greedy batch; of equals the first row wins, and the score of a pick is what it adds at that moment.

    Args:
        blocks: points in blocks, each with its rows; every call begins anew, and every row comes once.
        gain: what a row adds.
        n_rows: N.
        budget: B; a smaller pool is taken whole.
        held: K; `HELD` by default.
    """
    bound, free = torch.full((n_rows,), torch.inf), torch.ones(n_rows, dtype=torch.bool)
    first: Tensor | None = None
    rows: list[int] = []
    scores: list[Tensor] = []
    budget, best = min(budget, n_rows), -torch.inf
    while first is None or len(rows) < budget:
        kept, bound = _read(blocks, gain, bound, free & (bound >= _WORTH * best), held or HELD)
        first = bound.clone() if first is None else first
        outside = bound.where(free, -torch.inf).index_fill(0, kept.rows, -torch.inf)
        rival = int(outside.argmax()) if n_rows else 0
        while len(rows) < budget and len(kept.rows):
            place = _best(kept, gain)
            row, most = int(kept.rows[place]), kept.gains[place].clone()
            best = float(most)
            if most < outside[rival] or (most == outside[rival] and rival < row):
                break
            rows.append(row)
            scores.append(most)
            free[row] = kept.free[place] = False
            gain.take(kept, place)
            kept.gains[~kept.free] = -torch.inf
        bound[kept.rows] = kept.gains
    return Acquisition(torch.tensor(rows, dtype=torch.int64), torch.stack(scores) if scores else first[:0], first)


def _best(held: Held, gain: Gain) -> int:
    """Place of the row that adds most now; of equals the first row."""
    while True:
        most = (held.gains == held.gains.max()).nonzero()[:, 0]
        if held.exact[most].all():
            return int(most[held.rows[most].argmin()])
        bounds = held.gains.where(~held.exact, -torch.inf)
        next_ones = bounds.topk(min(_AT_ONCE, int((~held.exact).sum()))).indices
        held.gains[next_ones] = gain.again(held, next_ones)
        held.exact[next_ones] = True


def _read(
    blocks: Blocks, gain: Gain, bound: Float[Tensor, " N"], stale: Bool[Tensor, " N"], held: int
) -> tuple[Held, Float[Tensor, " N"]]:
    """The K stale rows that add most now, up to 2 K; of every stale row the bound becomes what it adds now."""
    size, filled = min(2 * held, int(stale.sum())), 0
    rows = torch.empty(size, dtype=torch.int64)
    columns: Sequence[Tensor] = ()
    for its, points in blocks():
        wanted = stale[its].nonzero()[:, 0]
        for part in torch.split(wanted, min(_ROWS, held)):
            gains, found = gain.rate(its[part], points if len(part) == len(its) else points[part])
            bound = bound.to(gains.dtype)
            bound[its[part]] = gains
            columns = columns or [column.new_empty(size, *column.shape[1:]) for column in found]
            if filled + len(part) > size:
                filled = _sieve([rows, *columns], bound, filled, held)
            for column, new in zip([rows, *columns], [its[part], *found], strict=True):
                column[filled : filled + len(part)] = new
            filled += len(part)
    rows = rows[:filled]
    every = torch.ones(filled, dtype=torch.bool)
    return Held(rows, tuple(column[:filled] for column in columns), bound[rows], every, every.clone()), bound


def _sieve(columns: Sequence[Tensor], bound: Float[Tensor, " N"], filled: int, held: int) -> int:
    """Keep the K rows that add most, of equals the first, in front; returns how many."""
    rows = columns[0]
    ascending = rows[:filled].argsort()
    most = ascending[bound[rows[ascending]].argsort(descending=True, stable=True)[:held]].sort().values
    for column in columns:
        for part in torch.split(torch.arange(len(most)), _ROWS):  # upwards: nothing is overwritten before it is moved
            column[part] = column[most[part]]
    return len(most)
