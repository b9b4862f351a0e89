"""Strategies that need no posterior: what is asked follows from probabilities, activations and embeddings alone.

Each is (query, budget, generator) -> Acquisition. Diversity is measured on the activations before the last layer, which
no fit moves.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from alflow.acquisition import diversity, fisher, herding, scores
from alflow.acquisition.aims import centre_of
from alflow.acquisition.beliefs import Acquisition, Beliefs, Query, Question
from alflow.acquisition.combine import Choose
from alflow.acquisition.drop_query import drop_query as drop_query_of
from alflow.acquisition.drop_query import head_of
from alflow.acquisition.likeness import directions
from alflow.acquisition.refine import refine as sieve


def random(query: Question, budget: int, generator: torch.Generator) -> Acquisition:
    """Uniformly at random."""
    return best(torch.rand(len(query.pool), generator=generator), budget)


def k_centre(query: Query, budget: int, _: torch.Generator) -> Acquisition:
    """See `diversity.k_centre`."""
    return diversity.k_centre(*_points(query), budget)


def badge(query: Query, budget: int, generator: torch.Generator) -> Acquisition:
    """See `diversity.badge`."""
    return diversity.badge(query.pool.probabilities, query.pool.embeddings, budget, generator)


def typiclust(query: Query, budget: int, generator: torch.Generator) -> Acquisition:
    """See `diversity.typiclust`."""
    seed = int(torch.randint(2**31 - 1, (), generator=generator))
    return diversity.typiclust(*_points(query), budget, seed)


def prob_cover(query: Query, budget: int, generator: torch.Generator) -> Acquisition:
    """See `diversity.prob_cover`."""
    n_classes = query.pool.probabilities.shape[1]
    return diversity.prob_cover(*_points(query), budget, n_classes, generator)


def max_herding(query: Query, budget: int, generator: torch.Generator) -> Acquisition:
    """See `herding.max_herding`."""
    return herding.max_herding(*_points(query), budget, generator)


def uherding(query: Query, budget: int, generator: torch.Generator) -> Acquisition:
    """See `herding.uherding`."""
    return herding.uherding(query.pool.probabilities, *_points(query), budget, generator)


def drop_query(query: Query, budget: int, generator: torch.Generator) -> Acquisition:
    """See `drop_query.drop_query`; the head is read from all rows of the query."""
    known = Beliefs.concatenate([query.pool, query.labelled, query.target])
    logits = known.probabilities.log() if known.mean.isnan().any() else known.mean
    points = inputs_of_logits(known)
    return drop_query_of(head_of(logits, points), points[: len(query.pool)], budget, generator)


def inputs_of_logits(rows: Beliefs) -> Float[Tensor, "N E"]:
    """What logits are linear in: unit embeddings (zero-shot) and activations (what labels add), of like length."""
    length = rows.activations.norm(dim=1).mean().clamp_min(torch.finfo(rows.activations.dtype).tiny)
    return torch.cat([normalize(rows.embeddings, dim=1), rows.activations / length], dim=1)


def bait(query: Query, budget: int, _: torch.Generator) -> Acquisition:
    """See `fisher.bait`."""
    pool, labelled = _points(query)
    of_pool, of_labelled = query.pool.probabilities, query.labelled.probabilities
    return fisher.bait(fisher.root_information(of_pool, pool), fisher.root_information(of_labelled, labelled), budget)


def refine(query: Query, budget: int, generator: torch.Generator) -> Acquisition:
    """See `refine.refine`: eight strategies sieve, UHerding has the last word."""
    ensemble = (random, margin, badge, bait, typiclust, drop_query, max_herding, uherding)
    return sieve(query, budget, generator, ensemble, uherding)


def margin(query: Question, budget: int, _: torch.Generator) -> Acquisition:
    """The rows of the smallest margins."""
    return best(scores.margin(query.pool.probabilities), budget)


def largest(score: Callable[[Question], Float[Tensor, " N"]]) -> Choose:
    """The rows of the largest scores, each by itself."""
    return lambda query, budget, _: best(score(query), budget)


def best(score: Float[Tensor, " N"], budget: int) -> Acquisition:
    """The largest scores; of equals the first row, so that the same scores give the same picks."""
    ordered, rows = score.sort(descending=True, stable=True)
    return Acquisition(rows[:budget], ordered[:budget], score)


def _points(query: Query) -> tuple[Float[Tensor, "N P"], Float[Tensor, "L P"]]:
    """Pool and labelled items on the unit sphere, as the default strategy sees them."""
    centre = centre_of(query.pool, query.labelled)
    return directions(query.pool.activations, centre), directions(query.labelled.activations, centre)
