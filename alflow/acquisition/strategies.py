"""`STRATEGIES`: every named way to choose what to ask next; the first line of each docstring is its caption.

One table of functions (query, budget, generator) -> Acquisition feeds the settings, the command line, the pages and
the tests. Diversity is measured on the activations before the last layer, which no fit moves.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.acquisition import diversity, scores
from alflow.acquisition.aims import MAX_TARGETS, centre_of, representatives
from alflow.acquisition.batch import covering_batch, draw_control
from alflow.acquisition.beliefs import Acquisition, Beliefs, Query
from alflow.acquisition.combine import Strategy, balanced, combined, parse
from alflow.acquisition.conditioned import conditioned_batch
from alflow.acquisition.draws import FieldDraws
from alflow.acquisition.epig import epig as closed_form_epig
from alflow.acquisition.epig import epig_from_draws
from alflow.acquisition.epig_draws import largest, u_statistic, upper_bound
from alflow.acquisition.likeness import directions
from alflow.acquisition.neighbours import targeted, wasserstein_points
from alflow.acquisition.stochastic import batch_bald as draw_batch_bald
from alflow.acquisition.stochastic import gumbel_top_k
from alflow.bayes.predictive import uncertainty_parts
from alflow.errors import InvalidInputError

U_STATISTIC_DRAWS: Final = 128
JOINT_DRAWS: Final = 64
JOINT_TARGETS: Final = 200
BATCH_BALD_DRAWS: Final = 64
BATCH_BALD_ROWS: Final = 2_000


def acquire(
    query: Query, strategy: str, budget: int, control_fraction: float, generator: torch.Generator
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
    """The strategy of that name, or the combination that it spells (see `alflow.acquisition.combine`).

    Raises:
        InvalidInputError: there is none; the message lists those that exist.
    """
    if name in STRATEGIES:
        return STRATEGIES[name]
    combination = parse(name)
    if combination is None:
        raise InvalidInputError(f"There is no strategy '{name}'. Choose one of: {', '.join(STRATEGIES)}.")
    return combined(combination, find)


def caption(name: str) -> str:
    """One line that says what the strategy does: the first of its docstring."""
    return (find(name).__doc__ or "").partition("\n")[0]


def default(query: Query, budget: int, generator: torch.Generator) -> Acquisition:  # noqa: ARG001
    """Where the labels together take most off the uncertainty about the targets: a batch without near-copies.

    Each pick is conditioned on what is labelled and on the picks before it; see `batch.covering_batch`. A project
    without target items aims at its own pool.
    """
    return covering_batch(query, budget)


def random(query: Query, budget: int, generator: torch.Generator) -> Acquisition:
    """Uniformly at random: the baseline that a strategy must beat."""
    return _best(torch.rand(len(query.pool), generator=generator), budget)


def least_confidence(query: Query, budget: int, generator: torch.Generator) -> Acquisition:  # noqa: ARG001
    """Where the most probable class is least probable."""
    return _best(scores.least_confidence(query.pool.probabilities), budget)


def margin(query: Query, budget: int, generator: torch.Generator) -> Acquisition:  # noqa: ARG001
    """Where the two most probable classes are nearly tied."""
    return _best(scores.margin(query.pool.probabilities), budget)


def entropy(query: Query, budget: int, generator: torch.Generator) -> Acquisition:  # noqa: ARG001
    """Where the prediction is most spread over the classes."""
    return _best(scores.entropy(query.pool.probabilities), budget)


def variance(query: Query, budget: int, generator: torch.Generator) -> Acquisition:  # noqa: ARG001
    """Where the logits are least certain, whatever they say about the class."""
    return _best(scores.variance(query.pool.variance), budget)


def bald(query: Query, budget: int, generator: torch.Generator) -> Acquisition:  # noqa: ARG001
    """Where the label tells most about the model itself, whether or not the targets care."""
    return _best(_bald(query), budget)


def power_bald(query: Query, budget: int, generator: torch.Generator) -> Acquisition:
    """Drawn at random with probability proportional to BALD; the scores are the selection probabilities."""
    return gumbel_top_k(_bald(query), budget, generator)


def batch_bald(query: Query, budget: int, generator: torch.Generator) -> Acquisition:
    """Where the labels of the whole batch tell most about the model, from joint draws.

    Draws are kept for the 2,000 rows of largest BALD: it bounds what a row can add to any batch.
    """
    closed = _bald(query)
    kept = closed.topk(min(max(BATCH_BALD_ROWS, budget), len(closed))).indices
    draws = FieldDraws.of(query, BATCH_BALD_DRAWS, generator)
    found = draw_batch_bald(torch.cat(list(draws.blocks(query.pool[kept]))), budget, generator)
    return Acquisition(kept[found.rows], found.scores, closed.index_copy(0, kept, found.all_scores))


def epig(query: Query, budget: int, generator: torch.Generator) -> Acquisition:  # noqa: ARG001
    """Where a label by itself tells most about the targets: closed-form EPIG, blind to the rest of the batch."""
    return _best(closed_form_epig(_aimed(query)), budget)


def epig_monte_carlo(query: Query, budget: int, generator: torch.Generator) -> Acquisition:
    """EPIG from joint draws without bias, linear in pool and targets."""
    draws, aimed = FieldDraws.of(query, U_STATISTIC_DRAWS, generator), _aimed(query)
    return _best(u_statistic(draws.blocks(query.pool), draws.blocks(aimed.target)), budget)


def epig_joint(query: Query, budget: int, generator: torch.Generator) -> Acquisition:
    """EPIG of the joint of few draws, as published, with the best rows found by its upper bound."""
    draws, aimed = FieldDraws.of(query, JOINT_DRAWS, generator), _aimed(query)
    target = draws.probabilities(representatives(aimed.target, JOINT_TARGETS))
    bound = upper_bound(draws.blocks(query.pool), [target])
    rows, values = largest(bound, lambda rows: epig_from_draws(draws.probabilities(query.pool[rows]), target), budget)
    return Acquisition(rows, values, bound)


def epig_conditioned(query: Query, budget: int, generator: torch.Generator) -> Acquisition:  # noqa: ARG001
    """Second-order EPIG with a local kernel, each pick conditioned on all before it as in a Gaussian process."""
    return conditioned_batch(query, budget)


def k_centre(query: Query, budget: int, generator: torch.Generator) -> Acquisition:  # noqa: ARG001
    """Farthest from everything labelled or picked: covers the pool, outliers first."""
    return Acquisition(*diversity.k_centre(*_points(query), budget))


def badge(query: Query, budget: int, generator: torch.Generator) -> Acquisition:
    """K-means++ on gradient embeddings: uncertain images that differ from each other."""
    return Acquisition(*diversity.badge(query.pool.probabilities, query.pool.embeddings, budget, generator))


def typiclust(query: Query, budget: int, generator: torch.Generator) -> Acquisition:
    """The most typical image of each large cluster without a label: for the first labels."""
    seed = int(torch.randint(2**31 - 1, (), generator=generator))
    return Acquisition(*diversity.typiclust(*_points(query), budget, seed))


def prob_cover(query: Query, budget: int, generator: torch.Generator) -> Acquisition:
    """Balls that cover most of the pool, as large as the classes allow."""
    n_classes = query.pool.probabilities.shape[1]
    return Acquisition(*diversity.prob_cover(*_points(query), budget, n_classes, generator))


def nearest_wasserstein(query: Query, budget: int, generator: torch.Generator) -> Acquisition:  # noqa: ARG001
    """The nearest neighbours of the targets by 2-Wasserstein distance."""
    return _targeted(query, budget, wasserstein_points)


def nearest_cosine(query: Query, budget: int, generator: torch.Generator) -> Acquisition:  # noqa: ARG001
    """The nearest neighbours of the targets by expected cosine."""
    return _targeted(query, budget, lambda rows: rows.embeddings)


STRATEGIES: Mapping[str, Strategy] = MappingProxyType({
    "default": default,
    "random": random,
    "least-confidence": least_confidence,
    "margin": margin,
    "entropy": entropy,
    "variance": variance,
    "bald": bald,
    "power-bald": power_bald,
    "batch-bald": batch_bald,
    "epig": epig,
    "epig-monte-carlo": epig_monte_carlo,
    "epig-joint": epig_joint,
    "epig-conditioned": epig_conditioned,
    "k-centre": k_centre,
    "badge": badge,
    "typiclust": typiclust,
    "probcover": prob_cover,
    "nearest-wasserstein": nearest_wasserstein,
    "nearest-cosine": nearest_cosine,
    "balanced-margin": balanced(margin, "Nearly tied predictions, the predicted classes in turn."),
    "balanced-entropy": balanced(entropy, "Spread-out predictions, the predicted classes in turn."),
    "balanced-epig": balanced(epig, "Closed-form EPIG, the predicted classes in turn."),
})
"""Every strategy by its name; `find` also reads combinations of these names."""


def _bald(query: Query) -> Float[Tensor, " N"]:
    pool = query.pool
    return uncertainty_parts(pool.probabilities, pool.image_scale, pool.text_scale, query.covariances).epistemic


def _aimed(query: Query) -> Query:
    """With at most `MAX_TARGETS` targets, stratified by predicted class; the pool stands in where there are none."""
    return replace(query, target=representatives(query.target if len(query.target) else query.pool, MAX_TARGETS))


def _points(query: Query) -> tuple[Float[Tensor, "N P"], Float[Tensor, "L P"]]:
    """Pool and labelled items on the unit sphere, as the default strategy sees them."""
    centre = centre_of(query.pool, query.labelled)
    return directions(query.pool.activations, centre), directions(query.labelled.activations, centre)


def _targeted(query: Query, budget: int, points: Callable[[Beliefs], Tensor]) -> Acquisition:
    aimed = _aimed(query)
    return targeted(points(aimed.pool), points(aimed.target), closed_form_epig(aimed), budget)


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
