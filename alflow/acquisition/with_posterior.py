"""Strategies that need the posterior: what is asked follows from how the logits of images vary together.

Each is (query, budget, generator) -> Acquisition, or gives a score for each row of the pool.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.acquisition import epig_draws, stochastic
from alflow.acquisition.aims import MAX_TARGETS, representatives
from alflow.acquisition.beliefs import Acquisition, Beliefs, Pool, Query, Question
from alflow.acquisition.combine import Choose
from alflow.acquisition.draws import FieldDraws
from alflow.acquisition.epig import epig as second_order_epig
from alflow.acquisition.epig import epig_from_draws
from alflow.acquisition.neighbours import targeted
from alflow.acquisition.pool import rated
from alflow.acquisition.posterior_free import best

U_STATISTIC_DRAWS: Final = 128
JOINT_DRAWS: Final = 64
JOINT_TARGETS: Final = 200
BATCH_BALD_DRAWS: Final = 64
BATCH_BALD_ROWS: Final = 2_000


def bald(query: Question) -> Float[Tensor, " N"]:
    """The epistemic part of each pool row, in nats."""
    return query.pool.parts(query.Q).epistemic


def epig(query: Question) -> Float[Tensor, " N"]:
    """See `epig.epig`; of at most `MAX_TARGETS` targets."""
    return second_order_epig(_aimed(query))


def power_bald(query: Question, budget: int, generator: torch.Generator) -> Acquisition:
    """See `stochastic.gumbel_top_k`, of BALD."""
    return stochastic.gumbel_top_k(bald(query), budget, generator)


def batch_bald(query: Question, budget: int, generator: torch.Generator) -> Acquisition:
    """See `stochastic.batch_bald`; draws are kept for the rows of largest BALD, which bounds what a row can add."""
    alone = bald(query)
    kept = alone.topk(min(max(BATCH_BALD_ROWS, budget), len(alone))).indices
    draws = FieldDraws.of(query, BATCH_BALD_DRAWS, generator)
    found = stochastic.batch_bald(torch.cat(list(draws.blocks(query.pool[kept]))), budget, generator)
    return Acquisition(kept[found.rows], found.scores, alone.index_copy(0, kept, found.all_scores))


def epig_monte_carlo(query: Question, budget: int, generator: torch.Generator) -> Acquisition:
    """See `epig_draws.u_statistic`."""
    draws, aimed = FieldDraws.of(query, U_STATISTIC_DRAWS, generator), _aimed(query)
    rate = epig_draws.u_statistic_towards(draws.blocks(aimed.target))
    return best(_of_draws(query.pool, draws, rate), budget)


def epig_joint(query: Question, budget: int, generator: torch.Generator) -> Acquisition:
    """See `epig.epig_from_draws`; its best rows are found by `epig_draws.upper_bound`."""
    draws, aimed = FieldDraws.of(query, JOINT_DRAWS, generator), _aimed(query)
    target = draws.probabilities(representatives(aimed.target, JOINT_TARGETS))
    bound = _of_draws(query.pool, draws, epig_draws.upper_bound_towards([target]))

    def evaluate(rows: Tensor) -> Tensor:
        return epig_from_draws(draws.probabilities(query.pool[rows]), target)

    rows, values = epig_draws.largest(bound, evaluate, budget)
    return Acquisition(rows, values, bound)


def _of_draws(pool: Pool, draws: FieldDraws, rate: epig_draws.Rate) -> Float[Tensor, " N"]:
    return rated(pool, lambda block: torch.cat([rate(part) for part in draws.blocks(block)]))


def nearest(points: Callable[[Beliefs], Tensor]) -> Choose:
    """The rows that are nearest to the targets."""

    def choose(query: Query, budget: int, _: torch.Generator) -> Acquisition:
        aimed = _aimed(query)
        return targeted(points(query.pool), points(aimed.target), second_order_epig(aimed), budget)

    return choose


def _aimed(query: Question) -> Question:
    """With at most `MAX_TARGETS` targets, stratified by predicted class; the pool stands in where there are none."""
    return replace(query, target=representatives(query.target if len(query.target) else query.pool, MAX_TARGETS))
