"""Greedy picks as a Gaussian process sees them, each conditioned on all that is labelled and picked so far.

What a label teaches about other images is a Gaussian process with the kernel of `alflow.acquisition.likeness`, one and
the same for each class. Observing x with noise nu turns l into l'(a, b) = l(a, b) - l(a, x) l(x, b) / (l(x, x) + nu):
it needs no label, so a whole batch can be planned before anyone answers. What is unknown about an image x* that we aim
at, to second order, is

    U(x*) = 1/2 l'(x*, x*) tr(F*),   F* = diag(p*) - p* p*^T,   tr(F*) = 1 - sum_c p*_c^2

(BALD with unrelated classes), and the pick is the image whose label is expected to take most off it:

    score(x) = 1/2 sum_x* w(x*) tr(F*) l'(x, x*)^2 / (l'(x, x) + nu)

The pool is read in blocks (`alflow.acquisition.held`). What a row adds may rise as others are picked, if rarely and by
little: of a pool that is held whole, of up to 2 `HELD` rows, the picks are those of the plain greedy loop; of a larger
one a row whose worth has risen since it was read counts for what it was worth then.

Axes: N pool items, n of a block, K held, T images aimed at, L labelled items, S labelled or picked before the pool was
read last, C classes, P width of the activations, B picks.
"""

from dataclasses import dataclass, field
from typing import Self

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.acquisition.aims import Aims, aims_of, centre_of
from alflow.acquisition.beliefs import Acquisition, Question
from alflow.acquisition.held import Gain, Held, lazily
from alflow.acquisition.likeness import directions, likeness

NOISE = 0.02
"""nu; l(x, x) is 1."""

_ROWS = 4096  # rows held that are rated together: bounds the [rows T] temporaries


def conditioned_batch(query: Question, budget: int, held: int | None = None) -> Acquisition:
    """Greedy batch by the expected drop of uncertainty about the targets, conditioned on labels and on every pick.

    The pool costs N (S P + S^2 + T P + T S) operations each time it is read, a pick K (P + S + T). Memory: `held.HELD`
    times twice P + S + T numbers.

    Args:
        query: what is aimed at is `alflow.acquisition.aims`.
        budget: B; a smaller pool is taken whole.
        held: K; `held.HELD` by default.
    """
    centre = centre_of(query.pool, query.labelled)
    labelled = directions(query.labelled.activations, centre)
    process = _Process.of(labelled, aims_of(query, centre), centre)
    return lazily(query.pool.points, process, len(query.pool), budget, held)


@dataclass
class _Process(Gain):
    """The Gaussian process given what is labelled and picked.

    Held of each row: its direction [K P], seen [K S] with l' = l - seen seen^T, own [K] = l'(x, x), and its covariance
    [K T] = l'(x, x*). The last two are updated in place; the columns of the picks since the rows were read, which
    continue `seen`, are in `picked` [K b].

    centre: [P]; given: [S P] directions; root: [S S] of l(S, S) + nu I; towards: [S T] = root^-1 l(S, x*).
    """

    centre: Tensor
    aims: Aims
    given: Tensor
    root: Tensor
    towards: Tensor
    held: Held | None = None
    picked: Tensor = field(default_factory=lambda: torch.empty(0, 0))
    new: list[tuple[Tensor, Tensor, Tensor]] = field(default_factory=list)
    """Of each pick since the pool was read: its direction, and its rows of `root` and of `towards`."""

    @classmethod
    def of(cls, labelled: Float[Tensor, "L P"], aims: Aims, centre: Float[Tensor, " P"]) -> Self:
        """Given noisy observations of the labelled items."""
        identity = torch.eye(len(labelled), dtype=torch.float64)
        root = torch.linalg.cholesky(likeness(labelled, labelled).double() + NOISE * identity).to(labelled.dtype)
        towards = torch.linalg.solve_triangular(root, likeness(labelled, aims.directions), upper=False)
        return cls(centre, aims, labelled, root, towards)

    def rate(
        self,
        rows: Int64[Tensor, " n"],  # noqa: ARG002 (what a label tells depends on the image alone)
        points: Float[Tensor, "n P"],
    ) -> tuple[Float[Tensor, " n"], tuple[Tensor, ...]]:
        """Conditioned on all that is labelled and picked: l(a, S) (l(S, S) + nu I)^-1 l(S, b) less."""
        self._take_in()
        at = directions(points, self.centre)
        seen = torch.linalg.solve_triangular(self.root, likeness(self.given, at), upper=False).T  # [n S]
        own = (1 - seen.square().sum(dim=1)).clamp_min(0)
        covariance = likeness(at, self.aims.directions).addmm_(seen, self.towards, alpha=-1)
        return self._gains(own, covariance), (at, seen, own, covariance)

    def again(self, held: Held, places: Int64[Tensor, " m"]) -> Float[Tensor, " m"]:
        """As they are: every pick rates all rows that are held."""
        return held.gains[places]

    def take(self, held: Held, place: int) -> None:
        """Condition the rows held on this one, in place."""
        at, seen, own, covariance = held.columns
        if self.held is not held:
            self.held, self.picked = held, at.new_empty(len(at), 0)
        column = likeness(at, at[place][None])[:, 0] - seen @ seen[place] - self.picked @ self.picked[place]
        deviation = (own[place] + NOISE).sqrt()
        column, towards = column / deviation, covariance[place] / deviation
        known = torch.cat([seen[place], self.picked[place], deviation[None]])
        self.new.append((at[place].clone(), known, towards))
        covariance.addr_(column, towards, alpha=-1)
        own.sub_(column.square()).clamp_min_(0)
        self.picked = torch.cat([self.picked, column[:, None]], dim=1)
        held.gains = self._gains(own, covariance)

    def _gains(self, own: Float[Tensor, " n"], covariance: Float[Tensor, "n T"]) -> Float[Tensor, " n"]:
        """Expected drop of uncertainty by the label of each row, under the process as it is."""
        shared = torch.cat([block.square() @ self.aims.weights for block in torch.split(covariance, _ROWS)])
        return 0.5 * shared / (own + NOISE)

    def _take_in(self) -> None:
        """What was picked is given from now on: the root grows by a row for each."""
        if not self.new:
            return
        given, rows, towards = zip(*self.new, strict=True)
        size = len(self.root) + len(rows)
        root = self.root.new_zeros(size, size)
        root[: len(self.root), : len(self.root)] = self.root
        for number, row in enumerate(rows, len(self.root)):
            root[number, : number + 1] = row
        self.given, self.towards = (
            torch.cat([self.given, torch.stack(given)]),
            torch.cat([self.towards, torch.stack(towards)]),
        )
        self.root, self.new = root, []
