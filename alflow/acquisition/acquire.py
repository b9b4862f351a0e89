"""Choose what to ask next: the picks of a strategy, and a random control slice.

Axes: N pool rows, R control rows.
"""

from dataclasses import replace
from typing import Final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from alflow.acquisition.batch import draw_control
from alflow.acquisition.beliefs import Acquisition, Beliefs, Pool, Question
from alflow.acquisition.strategies import find
from alflow.errors import InvalidInputError
from alflow.estimates import gumbel_chances, uniform

BEHIND: Final = 2048
"""Rows of a large pool that may come behind a batch."""


def acquire(
    query: Question,
    strategy: str,
    budget: int,
    control_fraction: float,
    generator: torch.Generator,
    spared: Bool[Tensor, " N"] | None = None,
) -> tuple[Acquisition, Int64[Tensor, " R"]]:
    """Choose what to ask next: the picks of a strategy, and a random control slice of the pool.

    The control rows are drawn first and never replaced. The strategy then sees the rest of the pool, and counts the
    control rows as labelled, since they will be asked in the same round.

    Args:
        query: beliefs about pool, target and labelled items.
        strategy: a name in `STRATEGIES`, or a combination such as `0.7*epig+0.3*typiclust`.
        budget: rows to choose in all; a pool that is smaller is taken whole, so fewer rows come back.
        control_fraction: share of the budget, in [0, 1], that is drawn at random (see `batch.draw_control`).
        generator: every random draw.
        spared: rows that the strategy leaves alone, such as accepted images; the control slice is drawn out of all.

    Returns:
        The strategy's acquisition, in rows of `query.pool`, with NaN in `all_scores` for the rows that it did not see;
        and the control rows.

    Raises:
        InvalidInputError: the strategy is unknown, the pool is empty, there are fewer than two classes, the budget is
            not positive or the fraction is no fraction.
        UnavailableError: the strategy needs more memory than there is.
    """
    choose = find(strategy)
    _check(query, budget, control_fraction)
    budget = min(budget, len(query.pool))
    control = draw_control(len(query.pool), budget, control_fraction, generator)
    away = control if spared is None else spared.index_fill(0, control, value=True).nonzero()[:, 0]
    if len(away) == len(query.pool) and not len(control):  # all are spared, but something has to be asked
        away = control
    if budget == len(control) or len(away) == len(query.pool):
        return _nothing(query.pool), control
    labelled = Beliefs.concatenate([query.labelled, query.pool[control]])
    pool, rest = query.pool.without(away)
    chosen = choose(replace(query, pool=pool, labelled=labelled), budget - len(control), generator)
    all_scores = chosen.all_scores.new_full((len(query.pool),), torch.nan).index_copy(0, rest, chosen.all_scores)
    return Acquisition(rest[chosen.rows], chosen.scores, all_scores), control


def next_picks(
    query: Question, strategy: str, size: int, chosen: Acquisition, generator: torch.Generator
) -> tuple[Int64[Tensor, " B"], Float[Tensor, " B"]]:
    """What the strategy chooses behind a batch: rows of the pool, and their scores.

    The batch is never planned together with them, since many a strategy would then choose another one. Of a large pool
    the strategy is asked about the `BEHIND` rows alone that it rated highest before any pick: so this costs next to
    nothing in a pool of any size.

    Args:
        query: that was acquired for, with all of the batch among the labelled.
        strategy: that chose.
        size: how many; fewer come back where fewer are left of those that the strategy rated.
        chosen: what it chose, by `acquire`.
        generator: of its draws; not the one that acquired.
    """
    rest = (~chosen.all_scores.isnan()).index_fill(0, chosen.rows, value=False).nonzero()[:, 0]
    if not size or not len(rest):
        return rest[:0], chosen.scores[:0]
    best = chosen.all_scores[rest].sort(descending=True, stable=True).indices[:BEHIND]
    rest = rest[best.sort().values]
    found = find(strategy)(replace(query, pool=query.pool[rest]), min(size, len(rest)), generator)
    return rest[found.rows], found.scores


def chances(
    query: Question,
    strategy: str,
    chosen: Acquisition,
    control: Int64[Tensor, " R"],
    generator: torch.Generator,
    spared: Bool[Tensor, " N"] | None = None,
) -> Float[Tensor, " N"] | None:
    """The chance of every row to be asked about, as control or as pick; None where the strategy does not draw.

    A row is drawn as control with chance R / N, else picked with the chance that its score gives it; control rows are
    rated for it too. Rows that were spared are asked about as control alone.

    Args:
        query: that was acquired for.
        strategy: that chose.
        chosen: what it chose, by `acquire`.
        control: rows.
        generator: of what a strategy needs to rate a row; not the one that acquires next.
        spared: as `acquire` was told.
    """
    found = find(strategy)
    if not found.by_chance or not len(chosen.rows):
        return None
    scores, rated = chosen.all_scores.clone(), control if spared is None else control[~spared[control]]
    if len(rated):
        of_control = replace(query, pool=query.pool[rated])
        scores[rated] = found(of_control, len(rated), generator).all_scores.to(scores.dtype)
    as_control = uniform(len(control), len(query.pool))
    picked = torch.from_numpy(gumbel_chances(scores.double().numpy(), len(chosen.rows) / (1 - as_control)))
    return as_control + (1 - as_control) * picked


def _check(query: Question, budget: int, control_fraction: float) -> None:
    if len(query.pool) == 0:
        raise InvalidInputError("the pool is empty: every item is labelled, or none was imported; import more images")
    if query.pool.probabilities.shape[1] < 2:
        raise InvalidInputError("there is only one class, so no label is informative; add a second class")
    if budget < 1:
        raise InvalidInputError(f"the budget must be at least 1, not {budget}")
    if not 0 <= control_fraction <= 1:
        raise InvalidInputError(f"the control fraction must lie between 0 and 1, not {control_fraction}")


def _nothing(pool: Pool) -> Acquisition:
    of_none = pool.probabilities.new_full((len(pool),), torch.nan)
    return Acquisition(torch.empty(0, dtype=torch.int64), of_none[:0], of_none)
