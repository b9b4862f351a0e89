"""A batch, not B copies of the same image: greedy picks, each conditioned on all that is labelled and picked so far.

The image side is a Gaussian process with the scalar kernel of the last layer, k(x, x') = u . u' (`Beliefs.features`).
Observing x with noise nu turns k into k'(a, b) = k(a, b) - k(a, x) k(x, b) / (k(x, x) + nu): it needs no label, so a
whole batch can be planned before anyone answers.

Axes: N pool items, T target items, L labelled items, C classes, P feature width, B picks.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.acquisition.beliefs import Acquisition, Beliefs, Query
from alflow.acquisition.epig import class_term

MAX_TARGETS = 1_000
NOISE = 0.1
"""nu as a share of the mean k(x, x) of the pool."""

_ROWS = 4096  # pool rows a block: bounds the [rows T] temporaries


def conditioned_batch(query: Query, budget: int) -> Acquisition:
    """Greedy batch by expected information about the targets, conditioned on what is labelled and on every pick.

    score(x) = mean_x* 1/2 k'(x, x*)^2 tr(F Q F* Q) / (k'(x, x) + nu): the closed-form EPIG of the image projection,
    which is what labels are fitted to, divided by the variance of the noisy observation. One pick costs N (P + T)
    operations: pool x target is updated by rank one, pool x pool is only ever asked for the picked column.

    Args:
        query: targets beyond `MAX_TARGETS` are thinned by predicted class; without targets the pool stands in for them.
        budget: B; a smaller pool is taken whole.
    """
    pool, target = query.pool, representatives(query.target if len(query.target) else query.pool, MAX_TARGETS)
    noise = NOISE * pool.image_scale.mean().item()
    features = condition(pool.features, query.labelled.features, noise)
    covariance = features @ condition(target.features, query.labelled.features, noise).T  # [N T]
    Q = query.covariances.Q
    blocks = torch.split(pool.probabilities, _ROWS)
    relevance = torch.cat([class_term(p, target.probabilities, Q, Q) for p in blocks])  # [N T]
    return _greedy(_Field(features, features.square().sum(dim=1), covariance, relevance, noise), budget)


def condition(features: Float[Tensor, "N P"], labelled: Float[Tensor, "L P"], noise: float) -> Float[Tensor, "N P"]:
    """Features of the kernel conditioned on noisy observations of the labelled rows: u' . u' = k'.

    k(a, b) - k(a, L) (K_LL + nu I)^-1 k(L, b) = nu u_a^T (nu I + U_L^T U_L)^-1 u_b, so one triangular solve of width P
    conditions on any number of labels.
    """
    if len(labelled) == 0:
        return features
    wide = labelled.double()
    identity = torch.eye(wide.shape[1], dtype=wide.dtype)
    root = torch.linalg.cholesky(identity + wide.T @ wide / noise)
    whitening: Tensor = torch.linalg.solve_triangular(root, identity, upper=False)
    return features @ whitening.T.to(features.dtype)


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


@dataclass(frozen=True)
class _Field:
    """What the greedy loop keeps of the Gaussian process; `own` and `covariance` are updated in place.

    features: [N P], conditioned on the labelled items; own: [N] k'(x, x); covariance: [N T] k'(x, x*);
    relevance: [N T] tr(F Q F* Q); noise: nu.
    """

    features: Tensor
    own: Tensor
    covariance: Tensor
    relevance: Tensor
    noise: float


def _greedy(field: _Field, budget: int) -> Acquisition:
    """Pick the largest gain, condition on it, repeat; the first of equals wins."""
    gains = first = _gains(field)
    free = torch.ones_like(first, dtype=torch.bool)
    picked: list[int] = []
    scores: list[Tensor] = []
    columns = field.own.new_zeros(0, len(first))
    while len(picked) < min(budget, len(first)):
        row = int(gains.where(free, -math.inf).argmax())
        picked.append(row)
        scores.append(gains[row])
        free[row] = False
        columns = torch.cat([columns, _observe(field, columns, row)])
        gains = _gains(field)
    return Acquisition(torch.tensor(picked, dtype=torch.int64), torch.stack(scores), first)


def _gains(field: _Field) -> Float[Tensor, " N"]:
    """Expected information of each pool row about the targets, under the field as it is."""
    blocks = zip(torch.split(field.covariance, _ROWS), torch.split(field.relevance, _ROWS), strict=True)
    shared = torch.cat([(k.square() * relevance).mean(dim=1) for k, relevance in blocks])
    return 0.5 * shared / (field.own + field.noise)


def _observe(field: _Field, columns: Float[Tensor, "B N"], row: int) -> Float[Tensor, "1 N"]:
    """Condition the field on a pool row, in place; returns k'(., row) / sqrt(k'(row, row) + nu).

    `columns` are those of the earlier picks: with them any column of the conditioned pool x pool kernel follows.
    """
    column = field.features @ field.features[row] - columns.T @ columns[:, row]
    column = column / (field.own[row] + field.noise).sqrt()
    towards_targets = field.covariance[row] / (field.own[row] + field.noise).sqrt()
    for block, weights in zip(torch.split(field.covariance, _ROWS), torch.split(column, _ROWS), strict=True):
        block.addr_(weights, towards_targets, alpha=-1)
    field.own.sub_(column.square()).clamp_min_(0)
    return column[None]
