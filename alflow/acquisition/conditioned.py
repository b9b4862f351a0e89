"""Greedy picks as a Gaussian process sees them, each conditioned on all that is labelled and picked so far.

What a label teaches about other images is a Gaussian process with the kernel of `alflow.acquisition.likeness`, one and
the same for each class. Observing x with noise nu turns l into l'(a, b) = l(a, b) - l(a, x) l(x, b) / (l(x, x) + nu):
it needs no label, so a whole batch can be planned before anyone answers. What is unknown about an image x* that we aim
at, to second order, is

    U(x*) = 1/2 l'(x*, x*) tr(F*),   F* = diag(p*) - p* p*^T,   tr(F*) = 1 - sum_c p*_c^2

(BALD with unrelated classes), and the pick is the image whose label is expected to take most off it:

    score(x) = 1/2 sum_x* w(x*) tr(F*) l'(x, x*)^2 / (l'(x, x) + nu)

Axes: N pool items, T images aimed at, L labelled items, C classes, P width of the activations, B picks.
"""

from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.acquisition.aims import Aims, aims_of, centre_of
from alflow.acquisition.beliefs import Acquisition, Query
from alflow.acquisition.greedy import greedy
from alflow.acquisition.likeness import directions, likeness

NOISE = 0.02
"""nu; l(x, x) is 1."""

_ROWS = 4096  # pool rows a block: bounds the [rows T] temporaries


def conditioned_batch(query: Query, budget: int) -> Acquisition:
    """Greedy batch by the expected drop of uncertainty about the targets, conditioned on labels and on every pick.

    One pick costs N (P + L + B + T) operations: pool x target is updated by rank one, of pool x pool only the picked
    column is ever asked for. Memory: N (L + B + T) numbers.

    Args:
        query: what is aimed at is `alflow.acquisition.aims`.
        budget: B; a smaller pool is taken whole.
    """
    centre = centre_of(query.pool, query.labelled)
    pool, labelled = (directions(part.activations, centre) for part in (query.pool, query.labelled))
    field = _Field.conditioned(pool, aims_of(query, centre), labelled)
    picked = field.own.new_zeros(0, len(pool))

    def after(row: int) -> Float[Tensor, " N"]:
        nonlocal picked
        picked = torch.cat([picked, field.observe(row, picked)])
        return field.gains()

    return greedy(field.gains(), after, budget)


@dataclass(frozen=True)
class _Field:
    """What the greedy loop keeps of the Gaussian process; `own` and `covariance` are updated in place.

    pool: [N P] directions; seen: [L N] columns of the labelled items, with l' = l - seen^T seen; own: [N] l'(x, x);
    covariance: [N T] l'(x, x*); weights: [T].
    """

    pool: Tensor
    seen: Tensor
    own: Tensor
    covariance: Tensor
    weights: Tensor

    @classmethod
    def conditioned(cls, pool: Float[Tensor, "N P"], aims: Aims, labelled: Float[Tensor, "L P"]) -> Self:
        """Conditioned on noisy observations of the labelled items: l(a, L) (l(L, L) + nu I)^-1 l(L, b) less."""
        identity = torch.eye(len(labelled), dtype=torch.float64)
        root = torch.linalg.cholesky(likeness(labelled, labelled).double() + NOISE * identity).to(pool.dtype)
        seen = torch.linalg.solve_triangular(root, likeness(labelled, pool), upper=False)  # [L N]
        towards = torch.linalg.solve_triangular(root, likeness(labelled, aims.directions), upper=False)  # [L T]
        covariance = likeness(pool, aims.directions)
        for block, columns in zip(torch.split(covariance, _ROWS), torch.split(seen, _ROWS, dim=1), strict=True):
            block.addmm_(columns.T, towards, alpha=-1)
        own = (1 - seen.square().sum(dim=0)).clamp_min(0)
        return cls(pool, seen, own, covariance, aims.weights)

    def gains(self) -> Float[Tensor, " N"]:
        """Expected drop of uncertainty by the label of each pool row, under the field as it is."""
        shared = torch.cat([block.square() @ self.weights for block in torch.split(self.covariance, _ROWS)])
        return 0.5 * shared / (self.own + NOISE)

    def observe(self, row: int, picked: Float[Tensor, "B N"]) -> Float[Tensor, "1 N"]:
        """Condition on a pool row, in place; returns l'(., row) / sqrt(l'(row, row) + nu).

        `picked` are the columns of the earlier picks: with them and `seen` any column of pool x pool follows.
        """
        column = likeness(self.pool, self.pool[row][None])[:, 0]
        for known in (self.seen, picked):
            column = column - known.T @ known[:, row]
        deviation = (self.own[row] + NOISE).sqrt()
        column, towards = column / deviation, self.covariance[row] / deviation
        for block, weights in zip(torch.split(self.covariance, _ROWS), torch.split(column, _ROWS), strict=True):
            block.addr_(weights, towards, alpha=-1)
        self.own.sub_(column.square()).clamp_min_(0)
        return column[None]
