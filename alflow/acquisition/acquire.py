"""Choose what to ask next: the picks of a strategy, and a random control slice.

Axes: N pool rows, R control rows.
"""

from dataclasses import replace

import torch
from jaxtyping import Int64
from torch import Tensor

from alflow.acquisition.batch import draw_control
from alflow.acquisition.beliefs import Acquisition, Beliefs, Pool, Question
from alflow.acquisition.strategies import find
from alflow.errors import InvalidInputError


def acquire(
    query: Question, strategy: str, budget: int, control_fraction: float, generator: torch.Generator
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

    Returns:
        The strategy's acquisition, in rows of `query.pool`, with NaN in `all_scores` for the control rows; and the
        control rows.

    Raises:
        InvalidInputError: the strategy is unknown, the pool is empty, there are fewer than two classes, the budget is
            not positive or the fraction is no fraction.
        UnavailableError: the strategy needs more memory than there is.
    """
    choose = find(strategy)
    _check(query, budget, control_fraction)
    budget = min(budget, len(query.pool))
    control = draw_control(len(query.pool), budget, control_fraction, generator)
    if budget == len(control):
        return _nothing(query.pool), control
    labelled = Beliefs.concatenate([query.labelled, query.pool[control]])
    pool, rest = query.pool.without(control)
    chosen = choose(replace(query, pool=pool, labelled=labelled), budget - len(control), generator)
    all_scores = chosen.all_scores.new_full((len(query.pool),), torch.nan).index_copy(0, rest, chosen.all_scores)
    return Acquisition(rest[chosen.rows], chosen.scores, all_scores), control


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
