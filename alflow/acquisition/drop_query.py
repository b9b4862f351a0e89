"""DropQuery: images whose predicted class changes when most of their features are dropped, one of each kind.

Axes: N pool rows, M rows that the head is read from, D width of the points, W = D + 1, C classes, B picks.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import normalize

from alflow.acquisition.beliefs import Acquisition
from alflow.acquisition.diversity import clusters

DROPPED = 0.75
"""Share of the features that a pass drops, as in the paper."""

PASSES = 3

_LEAST = -1_000.0  # stands for the logarithm of 0
_RIDGE = 1e-8  # of the mean square: for directions that no row takes


def drop_query(
    head: Float[Tensor, "C W"], points: Float[Tensor, "N D"], budget: int, generator: torch.Generator
) -> Acquisition:
    """The row nearest to the centre of each of B clusters of the rows whose prediction does not hold.

    A prediction does not hold if more than half of `PASSES` passes with features dropped name another class. Where
    fewer than B rows are such, those join that changed at all; where these are fewer still (as before any label, when
    the head may tell nothing), all rows: the paper begins with the centres of the whole pool too. The score of a row is
    the share of passes that name another class.

    Args:
        head: of the logits (`head_of`).
        points: embeddings; they are clustered by direction.
        budget: B; a smaller pool is taken whole.
        generator: of what is dropped, and of the clusters.

    References:
        Gupte et al., Revisiting Active Learning in the Era of Vision Foundation Models, arXiv 2401.14555, algorithm 1.
    """
    changed = disagreement(head, points, generator)
    size = min(budget, len(points))
    candidates = next(rows for least in (0.5, 0.0, -1.0) if len(rows := _above(changed, least)) >= size)
    seed = int(torch.randint(2**31 - 1, (), generator=generator))
    picks = _nearest_to_centres(normalize(points[candidates].double(), dim=1), size, seed)
    chosen = torch.zeros(len(points), dtype=torch.bool).index_fill(0, candidates[picks], value=True)
    order = (changed + 2 * chosen).argsort(descending=True, stable=True)  # copies share a cluster: others fill up
    return Acquisition(order[:size], changed[order[:size]], changed)


def disagreement(
    head: Float[Tensor, "C W"], points: Float[Tensor, "N D"], generator: torch.Generator
) -> Float[Tensor, " N"]:
    """Share of the passes that name another class than the whole embedding does."""
    whole = _logits(head, points).argmax(dim=1)
    changed = points.new_zeros(len(points))
    for _ in range(PASSES):
        kept = torch.rand(points.shape, generator=generator) >= DROPPED
        changed += _logits(head, points * kept / (1 - DROPPED)).argmax(dim=1) != whole
    return changed / PASSES


def head_of(logits: Float[Tensor, "M C"], points: Float[Tensor, "M D"]) -> Float[Tensor, "C W"]:
    """Weights and offset of the linear head that gives these logits, by least squares.

    A query tells predictions, but not the head that made them. The logits of a cosine head and of logistic regression
    are linear in the embedding, so that D + 1 rows tell the head exactly; from fewer rows, it is the shortest that
    tells them. What all classes share is left out.

    Args:
        logits: or log-probabilities, which differ from them by what all classes share; -inf where a class is
            impossible. A class that is so in every row is never predicted.
        points: embeddings.
    """
    possible = (logits > -torch.inf).any(dim=0)
    logs = logits[:, possible].double().clamp_min(_LEAST)
    inputs = _with_one(points.double())
    square = inputs.T @ inputs
    square.diagonal().add_(_RIDGE * square.diagonal().mean().clamp_min(torch.finfo(square.dtype).tiny))
    found = torch.linalg.solve(square, inputs.T @ (logs - logs.mean(dim=1, keepdim=True)))  # [W C]
    head = found.new_zeros(logits.shape[1], len(found))
    head[~possible, -1] = -torch.inf
    head[possible] = found.T
    return torch.as_tensor(head, dtype=points.dtype)


def _logits(head: Float[Tensor, "C W"], points: Float[Tensor, "N D"]) -> Float[Tensor, "N C"]:
    return points @ head[:, :-1].T + head[:, -1]


def _with_one(points: Float[Tensor, "M D"]) -> Float[Tensor, "M W"]:
    return torch.cat([points, points.new_ones(len(points), 1)], dim=1)


def _above(changed: Float[Tensor, " N"], least: float) -> Int64[Tensor, " n"]:
    return (changed > least).nonzero()[:, 0]


def _nearest_to_centres(points: Float[Tensor, "n D"], size: int, seed: int) -> Int64[Tensor, " b"]:
    """The row nearest to the mean of each cluster; fewer than `size` where rows are copies."""
    cluster = clusters(points, size, seed)
    picks = []
    for one in torch.unique(cluster):
        rows = (cluster == one).nonzero()[:, 0]
        centre = points[rows].mean(dim=0)
        picks.append(rows[(points[rows] - centre).norm(dim=1).argmin()])
    return torch.stack(picks)
