"""A batch, not B copies of the same image: greedy picks, each conditioned on all that is labelled and picked so far.

What a label teaches about other images is a Gaussian process with the kernel of `alflow.acquisition.likeness`, one and
the same for each class. Observing x with noise nu turns l into l'(a, b) = l(a, b) - l(a, x) l(x, b) / (l(x, x) + nu):
it needs no label, so a whole batch can be planned before anyone answers. What is unknown about an image x* that we aim
at, to second order, is

    U(x*) = 1/2 l'(x*, x*) tr(F*),   F* = diag(p*) - p* p*^T,   tr(F*) = 1 - sum_c p*_c^2

(closed-form BALD with unrelated classes), and the pick is the image whose label is expected to take most off it:

    score(x) = 1/2 sum_x* w(x*) tr(F*) l'(x, x*)^2 / (l'(x, x) + nu)

Axes: N pool items, T images aimed at, L labelled items, C classes, P width of the activations, B picks.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.acquisition.beliefs import Acquisition, Beliefs, Query
from alflow.acquisition.likeness import directions, likeness

MAX_TARGETS = 1_000
NOISE = 0.02
"""nu; l(x, x) is 1."""

TARGETS_OWN_SHARE = 0.2
"""Of the weight of the targets, what stays on themselves; the rest goes to the pool images that are like them."""

_SHARPNESS = 8  # a target's weight goes to pool images by this power of the likeness: to near ones only
_ROWS = 4096  # pool rows a block: bounds the [rows T] temporaries


def conditioned_batch(query: Query, budget: int) -> Acquisition:
    """Greedy batch by the expected drop of uncertainty about the targets, conditioned on labels and on every pick.

    One pick costs N (P + L + B + T) operations: pool x target is updated by rank one, of pool x pool only the picked
    column is ever asked for. Memory: N (L + B + T) numbers.

    Args:
        query: targets beyond `MAX_TARGETS` are thinned by predicted class; without targets the pool stands in for them.
        budget: B; a smaller pool is taken whole.
    """
    centre = centre_of(query.pool, query.labelled)
    pool, labelled = (directions(part.activations, centre) for part in (query.pool, query.labelled))
    return _greedy(_Field.conditioned(pool, _aims(query, centre), labelled), budget)


def representatives(beliefs: Beliefs, limit: int) -> Beliefs:
    """At most `limit` rows, evenly spaced in the order of predicted class: each class keeps its share of the rows."""
    if len(beliefs) <= limit:
        return beliefs
    by_class = beliefs.probabilities.argmax(dim=1).argsort(stable=True)
    return beliefs[by_class[torch.arange(limit) * len(beliefs) // limit]]


def draw_control(n_rows: int, budget: int, fraction: float, generator: torch.Generator) -> Int64[Tensor, " R"]:
    """The random slice of a batch: `fraction` of the budget, rounded up, but one place is left to the strategy.

    It is drawn before the strategy sees the pool and never replaced, so that its labels are an unbiased sample.
    """
    size = math.ceil(round(fraction * budget, 9))
    if fraction < 1:
        size = min(size, budget - 1)
    return torch.randperm(n_rows, generator=generator)[:size]


def centre_of(pool: Beliefs, labelled: Beliefs) -> Float[Tensor, " P"]:
    """Mean activation of all that was ever in the pool."""
    return torch.cat([pool.activations, labelled.activations]).mean(dim=0)


class _Aims(NamedTuple):
    """Images whose uncertainty is to fall, and what each counts: w tr(F)."""

    directions: Float[Tensor, "T P"]
    weights: Float[Tensor, " T"]


def _aims(query: Query, centre: Float[Tensor, " P"]) -> _Aims:
    """The targets, and pool images in proportion to how many targets they are like.

    A few hundred targets are a rough picture of where targets lie; the pool, where it is like them, refines it. Every
    target hands most of its weight to the pool images nearest to it, so that a pool of another kind gets none.
    """
    pool = representatives(query.pool, MAX_TARGETS)
    target = representatives(query.target, MAX_TARGETS)
    of_pool, of_target = (directions(part.activations, centre) for part in (pool, target))
    if len(target) == 0:
        return _Aims(of_pool, _label_variance(pool) / len(pool))
    share = TARGETS_OWN_SHARE / len(target)
    handed = likeness(of_pool, of_target) ** _SHARPNESS  # [N T]
    handed = (1 - TARGETS_OWN_SHARE) * (handed / handed.sum(dim=0)).mean(dim=1)
    own = _label_variance(target) * share
    return _Aims(torch.cat([of_target, of_pool]), torch.cat([own, _label_variance(pool) * handed]))


def _label_variance(beliefs: Beliefs) -> Float[Tensor, " N"]:
    """tr(F) = 1 - sum_c p_c^2: the probability that two answers drawn from the prediction differ."""
    return 1 - beliefs.probabilities.square().sum(dim=1)


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
    def conditioned(cls, pool: Float[Tensor, "N P"], aims: _Aims, labelled: Float[Tensor, "L P"]) -> Self:
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


def _greedy(field: _Field, budget: int) -> Acquisition:
    """Pick the largest gain, condition on it, repeat; the first of equals wins."""
    gains = first = field.gains()
    free = torch.ones_like(first, dtype=torch.bool)
    rows: list[int] = []
    scores: list[Tensor] = []
    picked = field.own.new_zeros(0, len(first))
    while len(rows) < min(budget, len(first)):
        row = int(gains.where(free, -math.inf).argmax())
        rows.append(row)
        scores.append(gains[row])
        free[row] = False
        picked = torch.cat([picked, field.observe(row, picked)])
        gains = field.gains()
    return Acquisition(torch.tensor(rows, dtype=torch.int64), torch.stack(scores), first)
