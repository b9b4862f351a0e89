"""Batches that cover the pool: k-centre, k-means++ on gradients (BADGE), TypiClust, ProbCover.

Axes: N pool rows, L labelled rows, M rows to be covered, D width of the points, C classes, B picks. Points are unit
vectors unless said otherwise, so that squared distance = 2 - 2 cosine.
"""

from dataclasses import replace

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from alflow.acquisition.beliefs import Acquisition
from alflow.acquisition.greedy import best_free, greedy
from alflow.acquisition.likeness import directions, likeness

MAX_CLUSTERS = 500
"""Of TypiClust, as in its paper: with more, clusters are too small to tell what is typical."""

PURITY = 0.95
"""Share of ProbCover's balls that hold one pseudo-label only."""

_NEIGHBOURS = 20
_SMALL_CLUSTER = 5  # rows: below, a cluster is only asked about when no larger one is left
_MINI_BATCHES_FROM = 20_000  # rows: above, k-means sees samples
_COVERED = 4_000  # rows that ProbCover's balls are counted by: bounds the [N M] adjacency
TOLD = 0.9
"""Squared likeness above which an image is told by another: a near copy."""

_ROWS = 2_048


def k_centre(points: Float[Tensor, "N D"], labelled: Float[Tensor, "L D"], budget: int) -> Acquisition:
    """Greedy k-centre: always the row farthest from what is labelled or picked; the score is that distance.

    Without labels the row nearest to the mean comes first.

    References:
        Sener and Savarese, Active Learning for Convolutional Neural Networks: A Core-Set Approach, arXiv 1708.00489.
    """
    if len(labelled):
        distance = torch.cat([torch.cdist(block, labelled).amin(dim=1) for block in torch.split(points, _ROWS)])
        nearest = distance
    else:
        distance = -(points - points.mean(dim=0)).norm(dim=1)
        nearest = torch.full_like(distance, torch.inf)

    def after(row: int) -> Float[Tensor, " N"]:
        nonlocal nearest
        nearest = torch.minimum(nearest, (points - points[row]).norm(dim=1))
        return nearest

    return greedy(distance, after, budget)


def badge(
    probabilities: Float[Tensor, "N C"], points: Float[Tensor, "N D"], budget: int, generator: torch.Generator
) -> Acquisition:
    """K-means++ on the gradients (p - e_argmax) (x) point of the last layer: uncertain and diverse at once.

    The first pick has the longest gradient, each further one is drawn with probability proportional to its squared
    distance to the nearest pick, which is the score. The gradients [N C D] are never formed: distances follow from the
    inner products of both factors. Points need not be normalised.

    References:
        Ash et al., Deep Batch Active Learning by Diverse, Uncertain Gradient Lower Bounds, arXiv 1906.03671.
    """
    error = probabilities.scatter_add(
        1, probabilities.argmax(dim=1, keepdim=True), probabilities.new_full((len(probabilities), 1), -1.0)
    )
    squares = error.square().sum(dim=1) * points.square().sum(dim=1)
    nearest = torch.full_like(squares, torch.inf)

    def after(row: int) -> Float[Tensor, " N"]:
        nonlocal nearest
        inner = (error @ error[row]) * (points @ points[row])
        nearest = torch.minimum(nearest, (squares + squares[row] - 2 * inner).clamp_min(0))
        return nearest

    def choose(distance: Float[Tensor, " N"], free: Bool[Tensor, " N"]) -> int:
        return best_free(distance, free) if free.all() else _draw(distance, free, generator)

    return greedy(squares, after, budget, choose)


def typiclust(points: Float[Tensor, "N D"], labelled: Float[Tensor, "L D"], budget: int, seed: int) -> Acquisition:
    """TypiClust: the most typical row of each of the largest clusters that hold no label yet.

    Pool and labelled rows together fall into L + B clusters (at most `MAX_CLUSTERS`). Typicality is the inverse mean
    distance to the 20 nearest rows of the cluster. Clusters are visited from those with fewest labels, among these the
    largest first, and again from the start when all were visited; clusters of fewer than five rows come last.

    References:
        Hacohen et al., Active Learning on a Budget: Opposite Strategies Suit High and Low Budgets, arXiv 2202.02794.
    """
    everything = torch.cat([points, labelled])
    n_clusters = min(len(labelled) + budget, MAX_CLUSTERS, len(everything))
    cluster = clusters(everything, n_clusters, seed)
    of_pool, of_labelled = cluster[: len(points)], cluster[len(points) :]
    typical = _typicality(points, of_pool, n_clusters)
    labels, sizes = of_labelled.bincount(minlength=n_clusters), cluster.bincount(minlength=n_clusters)
    free = of_pool.bincount(minlength=n_clusters)
    chosen = 0

    def next_cluster() -> Float[Tensor, " N"]:
        nonlocal chosen
        key = (labels + 1_000_000 * (sizes < _SMALL_CLUSTER)).where(free > 0, torch.iinfo(torch.int64).max)
        chosen = int(sizes.where(key == key.min(), -1).argmax())
        return typical.where(of_pool == chosen, -torch.inf)

    def after(_: int) -> Float[Tensor, " N"]:
        labels[chosen] += 1
        free[chosen] -= 1
        return next_cluster()

    return replace(greedy(next_cluster(), after, budget), all_scores=typical)


def prob_cover(
    points: Float[Tensor, "N D"],
    labelled: Float[Tensor, "L D"],
    budget: int,
    n_classes: int,
    generator: torch.Generator,
) -> Acquisition:
    """ProbCover: always the row whose ball covers most rows that no labelled or picked ball covers yet.

    The radius is the largest at which `PURITY` of the balls hold one pseudo-label only, the pseudo-labels being those
    of k-means with one cluster a class. Above 4,000 rows coverage is counted on a random sample of that size. The score
    is the share of the sample that a ball newly covers; rows that cover nothing new come in random order.

    References:
        Yehuda et al., Active Learning Through a Covering Lens, arXiv 2205.11320.
    """
    sample = points[torch.randperm(len(points), generator=generator)[:_COVERED]]
    seed = int(torch.randint(2**31 - 1, (), generator=generator))
    within = _cosine_of(_pure_radius(sample, n_classes, seed))
    covers = torch.cat([block @ sample.T >= within for block in torch.split(points, _ROWS)])  # [N M]
    open_ones = ~(labelled @ sample.T >= within).any(dim=0) if len(labelled) else covers.new_ones(len(sample))
    tie = torch.rand(len(points), generator=generator) / 2
    gain = covers[:, open_ones].sum(dim=1).to(points.dtype)

    def after(row: int) -> Float[Tensor, " N"]:
        nonlocal open_ones, gain
        newly = covers[row] & open_ones
        open_ones = open_ones & ~newly
        gain = gain - covers[:, newly].sum(dim=1)
        return gain

    def choose(covered: Float[Tensor, " N"], free: Bool[Tensor, " N"]) -> int:
        return best_free(covered + tie, free)

    found = greedy(gain, after, budget, choose)
    return Acquisition(found.rows, found.scores / len(sample), found.all_scores / len(sample))


def near_duplicates(rows: Float[Tensor, "B P"], centre: Float[Tensor, " P"]) -> int:
    """How many rows of a batch are nearly told by another: knowing it leaves less than a tenth of their variance.

    By the kernel that batches are planned with, l(x, x')^2 > 0.9. Of a group of copies all but one count.

    Args:
        rows: activations, in the order of the batch.
        centre: mean activation of the pool.
    """
    batch = directions(rows, centre)
    alike = likeness(batch, batch).square() > TOLD
    kept: list[int] = []
    for row in range(len(rows)):
        if not alike[row, kept].any():
            kept.append(row)
    return len(rows) - len(kept)


def clusters(points: Float[Tensor, "N D"], n_clusters: int, seed: int) -> Int64[Tensor, " N"]:
    """K-means: the cluster of each row."""
    few = len(points) <= _MINI_BATCHES_FROM
    from sklearn.cluster import KMeans, MiniBatchKMeans  # noqa: PLC0415 - takes a second and a half to import

    method = KMeans if few else MiniBatchKMeans
    options = {"max_iter": 30} if few else {"batch_size": 4_096}
    found = method(n_clusters, n_init=1, random_state=seed % 2**32, **options).fit_predict(points.float().numpy())
    return torch.from_numpy(found).long()


def _pure_radius(points: Float[Tensor, "M D"], n_classes: int, seed: int) -> float:
    """The ball of a row is pure up to its nearest row of another pseudo-label: a quantile of those distances."""
    pseudo = clusters(points, min(n_classes, len(points)), seed)
    to_other = torch.full((len(points),), 2.0)
    for rows in torch.split(torch.arange(len(points)), _ROWS):
        cosine = points[rows] @ points.T
        closest = cosine.masked_fill(pseudo[rows, None] == pseudo, -1).amax(dim=1)
        to_other[rows] = (2 - 2 * closest).clamp_min(0).sqrt().float()
    return float(to_other.quantile(1 - PURITY))


def _cosine_of(distance: float) -> float:
    return 1 - distance**2 / 2


def _typicality(points: Float[Tensor, "N D"], cluster: Int64[Tensor, " N"], n_clusters: int) -> Float[Tensor, " N"]:
    """1 / mean distance to the nearest rows of the same cluster (a row alone is not typical of anything)."""
    typical = points.new_zeros(len(points))
    for one in range(n_clusters):
        rows = (cluster == one).nonzero()[:, 0]
        if len(rows) < 2:
            continue
        size = min(_NEIGHBOURS, len(rows) - 1)
        for part in torch.split(rows, _ROWS):
            cosine = points[part] @ points[rows].T
            cosine[part[:, None] == rows] = -torch.inf  # not its own neighbour
            near = (2 - 2 * cosine.topk(size, dim=1).values).clamp_min(0).sqrt()
            typical[part] = 1 / near.mean(dim=1).clamp_min(1e-6)
    return typical


def _draw(weights: Float[Tensor, " N"], free: Bool[Tensor, " N"], generator: torch.Generator) -> int:
    """A row with probability proportional to its weight; rows that coincide with all picks still come at last."""
    usable = weights.where(free, 0)
    if not float(usable.sum()) > 0:
        usable = free.to(weights.dtype)
    return int(torch.multinomial(usable.double(), 1, generator=generator))
