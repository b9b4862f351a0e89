"""Batches by generalised coverage: MaxHerding, and UHerding, which weighs what is to be covered by its uncertainty.

With S labelled or picked and u(x) the weight of a row, the coverage is

    U(S) = mean_x u(x) max_{s in S} k(x, s),   k(x, s) = exp(-|x - s|^2 / RADIUS^2)

It is monotone and submodular, so that the greedy batch achieves at least 1 - 1/e of the best gain. The score of a pick
is what it adds: mean_x u(x) max(0, k(x, pick) - max_{s in S} k(x, s)).

Axes: N pool rows, L labelled rows, M rows to be covered, D width of the points, C classes, B picks. Points are unit
vectors.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.acquisition.beliefs import Acquisition
from alflow.acquisition.coverage import cover, most_alike
from alflow.acquisition.scores import margin

RADIUS = 1.0
"""Of the kernel, on the unit sphere, where unrelated points are sqrt(2) apart: MaxHerding's own, for all data."""

_COVERED = 4_000  # rows that coverage is counted on: bounds the kernel
_ROWS = 2_048
_SAME = 1e-3  # closer rows are copies: so small a radius would tell the pool apart by rounding errors


def max_herding(
    points: Float[Tensor, "N D"], labelled: Float[Tensor, "L D"], budget: int, generator: torch.Generator
) -> Acquisition:
    """Greedy generalised coverage, all rows alike (u = 1), with `RADIUS`.

    Above 4,000 rows coverage is estimated on a random sample of that size.

    References:
        Bae, Noh and Sutherland, Generalized Coverage for More Robust Low-Budget Active Learning, arXiv 2407.12212,
        algorithm 1.
    """
    return herd(points, labelled, points.new_ones(len(points)), RADIUS, budget, generator)


def uherding(
    probabilities: Float[Tensor, "N C"],
    points: Float[Tensor, "N D"],
    labelled: Float[Tensor, "L D"],
    budget: int,
    generator: torch.Generator,
) -> Acquisition:
    """Greedy coverage of uncertain rows: u(x) = 1 - (p_1 - p_2), one less the margin of the two largest probabilities.

    The radius is the smallest distance between two labelled rows, so that coverage gives way to uncertainty as labels
    grow dense (`radius_among`). The paper also divides the logits by a temperature that minimises the calibration error
    of a part of the labels held out of a fit. A strategy sees no labels here; the probabilities are taken as they are,
    and how sharp they are is the matter of the fit. Where nothing is uncertain, every row counts alike.

    References:
        Bae, Oliveira and Sutherland, Uncertainty Herding: One Active Learning Method for All Label Budgets, arXiv
        2412.20644, algorithm 1 and section 3.3.
    """
    uncertainty = margin(probabilities)
    if not float(uncertainty.sum()) > 0:
        uncertainty = torch.ones_like(uncertainty)
    return herd(points, labelled, uncertainty, radius_among(labelled), budget, generator)


def herd(
    points: Float[Tensor, "N D"],
    labelled: Float[Tensor, "L D"],
    weights: Float[Tensor, " N"],
    radius: float,
    budget: int,
    generator: torch.Generator,
) -> Acquisition:
    """Greedy batch by the gain of U; of equals the first row wins. Costs N M a pick."""
    covered_rows = torch.randperm(len(points), generator=generator)[:_COVERED].sort().values
    sample, weights = points[covered_rows], weights[covered_rows] / max(1, len(covered_rows))

    def kernel(rows: Float[Tensor, "n D"]) -> Float[Tensor, "n M"]:
        return _kernel(rows, sample, radius)

    def blocks() -> Iterator[tuple[Tensor, Tensor]]:
        return zip(torch.split(torch.arange(len(points)), _ROWS), torch.split(points, _ROWS), strict=True)

    covered = most_alike(labelled, kernel, sample.new_zeros(len(sample)))
    return cover(blocks, kernel, covered, weights, budget, points.new_ones(len(points)))


def radius_among(labelled: Float[Tensor, "L D"]) -> float:
    """The smallest distance between two labelled rows that differ; `RADIUS` where there are none."""
    smallest = float("inf")
    for start in range(0, len(labelled), _ROWS):
        distance = torch.cdist(labelled[start : start + _ROWS].double(), labelled.double())
        apart = distance[distance > _SAME]
        smallest = min(smallest, float(apart.min()) if len(apart) else smallest)
    return smallest if smallest < float("inf") else RADIUS


def _kernel(a: Float[Tensor, "N D"], b: Float[Tensor, "M D"], radius: float) -> Float[Tensor, "N M"]:
    return torch.exp((2 * (a @ b.T) - 2).clamp_max(0) / radius**2)
