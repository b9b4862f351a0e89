"""Targeted support sets: the pool items that are nearest to the targets.

Axes: N pool rows, T targets, E width of the points, B picks, k neighbours of each target.

References:
    Baumann et al., Post-hoc Probabilistic Vision-Language Models, arXiv 2412.06014 (targeted support sets).
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.acquisition.beliefs import Acquisition, Beliefs
from alflow.bayes.wasserstein import lift

MOST_NEIGHBOURS = 50

_ROWS = 4_096


def wasserstein_points(rows: Beliefs) -> Float[Tensor, "N E"]:
    """Points whose Euclidean distance is the 2-Wasserstein distance of the Gaussian embeddings over their norms.

    Over its expected norm an embedding has expected square length 1 = |e|^2 + k(x, x) tr(Binv): the last coordinate,
    sqrt(k tr(Binv)), follows from the mean, and the points lie on the unit sphere.
    """
    return lift(rows.embeddings, 1 - rows.embeddings.square().sum(dim=1).clamp_max(1), 1.0)


def targeted(
    pool: Float[Tensor, "N E"], target: Float[Tensor, "T E"], fall_back: Float[Tensor, " N"], budget: int
) -> Acquisition:
    """The pool rows that most targets have among their k nearest by inner product, k as small as fills the budget.

    k grows until the targets' neighbours are at least B different rows. Where even k = 50 does not suffice, the rest
    is taken by `fall_back`. The score is the number of targets that have the row among their neighbours, plus its
    place among rows of the same number in [0, 1): by its largest inner product, or, without any, by `fall_back`.
    """
    budget = min(budget, len(pool))
    near, closeness = _nearest(pool, target, min(MOST_NEIGHBOURS, len(pool)))
    counts = _votes(near, len(pool), budget)
    closest = pool.new_full((len(pool),), -torch.inf).scatter_reduce(
        0, near.flatten(), closeness.flatten(), "amax", include_self=True
    )
    wanted = counts > 0
    order = torch.where(wanted, closest, fall_back)
    place = pool.new_empty(len(pool))
    for side in (wanted, ~wanted):
        size = int(side.sum())
        place[side] = order[side].argsort(stable=True).argsort().to(pool.dtype) / max(1, size)
    score = counts + place
    ordered, rows = score.sort(descending=True, stable=True)
    return Acquisition(rows[:budget], ordered[:budget], score)


def _votes(near: Int64[Tensor, "T k"], n_rows: int, budget: int) -> Float[Tensor, " N"]:
    """How many targets have each row among their first k neighbours, for the smallest k that names enough rows."""
    counts = torch.zeros(n_rows, dtype=torch.float32)
    for column in near.T:
        counts += column.bincount(minlength=n_rows)
        if int((counts > 0).sum()) >= budget:
            break
    return counts


def _nearest(
    pool: Float[Tensor, "N E"], target: Float[Tensor, "T E"], size: int
) -> tuple[Int64[Tensor, "T k"], Float[Tensor, "T k"]]:
    """Rows of the largest inner products of each target, best first; the [T N] matrix never stands whole."""
    rows = torch.empty(len(target), 0, dtype=torch.int64)
    best = target.new_empty(len(target), 0)
    for part in torch.split(torch.arange(len(pool)), _ROWS):
        inner = torch.cat([best, target @ pool[part].T], dim=1)
        known = torch.cat([rows, part.expand(len(target), -1)], dim=1)
        best, where = inner.topk(min(size, inner.shape[1]), dim=1)
        rows = known.gather(1, where)
    return rows, best
