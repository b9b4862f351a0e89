"""`STRATEGIES`: every named way to choose what to ask next; the first line of each docstring is its caption.

One table of functions (query, budget, generator) -> Acquisition feeds the settings, the command line, the pages and
the tests.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.acquisition import scores
from alflow.acquisition.batch import conditioned_batch, draw_control
from alflow.acquisition.beliefs import Acquisition, Beliefs, Query
from alflow.bayes.predictive import uncertainty_parts
from alflow.errors import InvalidInputError

Strategy = Callable[[Query, int, torch.Generator], Acquisition]


def acquire(
    query: Query, strategy: str, budget: int, control_fraction: float, generator: torch.Generator
) -> tuple[Acquisition, Int64[Tensor, " R"]]:
    """Choose what to ask next: the picks of a strategy, and a random control slice of the pool.

    The control rows are drawn first and never replaced. The strategy then sees the rest of the pool, and counts the
    control rows as labelled, since they will be asked in the same round.

    Args:
        query: beliefs about pool, target and labelled items.
        strategy: a name in `STRATEGIES`.
        budget: rows to choose in all; a pool that is smaller is taken whole, so fewer rows come back.
        control_fraction: share of the budget, in [0, 1], that is drawn at random (see `batch.draw_control`).
        generator: every random draw.

    Returns:
        The strategy's acquisition, in rows of `query.pool`, with NaN in `all_scores` for the control rows; and the
        control rows.

    Raises:
        InvalidInputError: the strategy is unknown, the pool is empty, there are fewer than two classes, the budget is
            not positive or the fraction is no fraction.
    """
    choose = find(strategy)
    _check(query, budget, control_fraction)
    budget = min(budget, len(query.pool))
    control = draw_control(len(query.pool), budget, control_fraction, generator)
    rest = _others(len(query.pool), control)
    if budget == len(control):
        return _nothing(query.pool), control
    labelled = Beliefs.concatenate([query.labelled, query.pool[control]])
    chosen = choose(replace(query, pool=query.pool[rest], labelled=labelled), budget - len(control), generator)
    all_scores = chosen.all_scores.new_full((len(query.pool),), torch.nan).index_copy(0, rest, chosen.all_scores)
    return Acquisition(rest[chosen.rows], chosen.scores, all_scores), control


def find(name: str) -> Strategy:
    """The strategy of that name.

    Raises:
        InvalidInputError: there is none; the message lists those that exist.
    """
    if name not in STRATEGIES:
        raise InvalidInputError(f"There is no strategy '{name}'. Choose one of: {', '.join(STRATEGIES)}.")
    return STRATEGIES[name]


def caption(name: str) -> str:
    """One line that says what the strategy does: the first of its docstring."""
    return (find(name).__doc__ or "").partition("\n")[0]


def random(query: Query, budget: int, generator: torch.Generator) -> Acquisition:
    """Uniformly at random: the baseline that a strategy must beat."""
    return _best(torch.rand(len(query.pool), generator=generator), budget)


def entropy(query: Query, budget: int, generator: torch.Generator) -> Acquisition:  # noqa: ARG001
    """Where the prediction is most spread over the classes."""
    return _best(scores.entropy(query.pool.probabilities), budget)


def margin(query: Query, budget: int, generator: torch.Generator) -> Acquisition:  # noqa: ARG001
    """Where the two most probable classes are nearly tied."""
    return _best(scores.margin(query.pool.probabilities), budget)


def bald(query: Query, budget: int, generator: torch.Generator) -> Acquisition:  # noqa: ARG001
    """Where the label tells most about the model itself, whether or not the targets care."""
    pool = query.pool
    parts = uncertainty_parts(pool.probabilities, pool.image_scale, pool.text_scale, query.covariances)
    return _best(parts.epistemic, budget)


def default(query: Query, budget: int, generator: torch.Generator) -> Acquisition:  # noqa: ARG001
    """Where the labels together tell most about the targets: closed-form EPIG, a batch without near-copies.

    Each pick is conditioned on what is labelled and on the picks before it; see `batch.conditioned_batch`. A project
    without target items aims at its own pool.
    """
    return conditioned_batch(query, budget)


STRATEGIES: Mapping[str, Strategy] = MappingProxyType({
    "default": default,
    "bald": bald,
    "margin": margin,
    "entropy": entropy,
    "random": random,
})


def _check(query: Query, budget: int, control_fraction: float) -> None:
    if len(query.pool) == 0:
        raise InvalidInputError("The pool is empty: every item is labelled or none was imported. Import more images.")
    if query.pool.probabilities.shape[1] < 2:
        raise InvalidInputError("There is only one class, so no label can tell anything. Add a second class.")
    if budget < 1:
        raise InvalidInputError(f"The budget must be at least 1, not {budget}.")
    if not 0 <= control_fraction <= 1:
        raise InvalidInputError(f"The control fraction must lie between 0 and 1, not {control_fraction}.")


def _best(score: Float[Tensor, " N"], budget: int) -> Acquisition:
    """The largest scores; of equals the first row, so that the same scores give the same picks."""
    ordered, rows = score.sort(descending=True, stable=True)
    return Acquisition(rows[:budget], ordered[:budget], score)


def _others(n_rows: int, taken: Int64[Tensor, " R"]) -> Int64[Tensor, " M"]:
    return torch.ones(n_rows, dtype=torch.bool).index_fill(0, taken, value=False).nonzero()[:, 0]


def _nothing(pool: Beliefs) -> Acquisition:
    scores_of_none = pool.mean.new_empty(0)
    return Acquisition(torch.empty(0, dtype=torch.int64), scores_of_none, pool.mean.new_full((len(pool),), torch.nan))
