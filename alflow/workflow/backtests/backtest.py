"""Back-test: what would a strategy have brought, where the labels are known already? One strategy, one seed, in memory.

With the functions that the rounds of a project call: the same beliefs, the same acquisition, the same fit. Each seed
splits the images anew; all strategies see the same splits, so that differences are paired.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Int64
from torch import Tensor

from alflow import metrics
from alflow.acquisition.acquire import acquire
from alflow.acquisition.strategies import BOSS
from alflow.bayes.model import Model
from alflow.bounds import unfit
from alflow.domain.trials import Trial, TrialMode, TrialPoint
from alflow.embeddings import Activations
from alflow.errors import InvalidInputError
from alflow.store.artifacts import digest
from alflow.workflow.backtests.boss import Known, best_of_strategies
from alflow.workflow.backtests.learners import Learner, ModelLearner, RegressionLearner, check_strategy
from alflow.workflow.projects.settings import listed

ROUNDS = 5

MAX_JUDGED = 2_000
"""Groups of the test side, and of the target side, at most."""

MAX_TARGETS = 500


@dataclass(frozen=True)
class World:
    """Labelled images and the model before any label, where there is one.

    Attributes:
        images: activations, [N P].
        labels: rows of the model's classes, [N]; without a model numbered from 0.
        model: the zero-shot model; None where images and labels are all there is.
        group: images of one group (the same thing drawn twice) never stand on two sides of a split, [N].
        domain: kinds of images, [N]; a trial may aim at one of them.
    """

    images: Activations
    labels: Int64[Tensor, " N"]
    model: Model | None
    group: Int64[Tensor, " N"] | None = None
    domain: Int64[Tensor, " N"] | None = None

    def learner(self) -> Learner:
        """What learns here, before any label."""
        if self.model is None:
            return RegressionLearner.before_labels(self.images, int(self.labels.max()) + 1)
        return ModelLearner(self.model, self.model)


@dataclass(frozen=True)
class Sides:
    """Rows of a world, disjoint, also by group."""

    pool: Int64[Tensor, " N"]
    target: Int64[Tensor, " T"]
    test: Int64[Tensor, " M"]


def backtest(world: World, trial: Trial, rounds: int = ROUNDS, done: Sequence[TrialPoint] = ()) -> Iterator[TrialPoint]:
    """The points of a trial: zero-shot first, then one after each round; those that are `done` are not made again.

    Every round draws from generators of its own, seeded by trial and round, so that a trial that was stopped goes on
    as if it had not been. A pool that is used up ends it early.

    Raises:
        InvalidInputError: the strategy is unknown or needs a posterior where there is none, a number cannot be used,
            or too few images are left on a side.
    """
    check_trial(trial, rounds, with_posterior=world.model is not None)
    sides = split(world, trial.seed, trial.pool, trial.domain)
    support = torch.tensor([row for point in done for row in point.picked], dtype=torch.int64)
    learner = world.learner()
    if not done:
        yield _judge(world, learner, sides.test, _Choice(support, 0.0, 0.0), 0)
    first = max(1, len(done))
    if len(support) and first <= rounds:
        learner = _fit(world, learner, support, trial, first - 1)
    for number in range(first, rounds + 1):
        free = replace(sides, pool=sides.pool[~torch.isin(sides.pool, support)])
        if not len(free.pool):
            return
        choose = _choose_batch if trial.mode is TrialMode.BATCH else _choose_one_by_one
        chosen = choose(world, learner, free, support, trial, number)
        support = torch.cat([support, chosen.rows])
        learner = _fit(world, learner, support, trial, number)
        yield _judge(world, learner, sides.test, chosen, len(support))


def split(world: World, seed: int, pool: int, domain: int | None = None) -> Sides:
    """A quarter of the groups (at most 2,000) each for test and target, the rest for the pool, at random.

    Raises:
        InvalidInputError: a side would be empty, or the world has no domains.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(world.images), generator=generator)
    group = torch.arange(len(order)) if world.group is None else world.group
    groups = torch.unique(group)
    groups = groups[torch.randperm(len(groups), generator=generator)]
    size = min(len(groups) // 4, MAX_JUDGED)
    parts = groups[:size], groups[size : 2 * size], groups[2 * size :]
    test, target, rest = (order[torch.isin(group[order], part)] for part in parts)
    if domain is not None:
        if world.domain is None:
            raise InvalidInputError(f"domain {domain} was asked for, but these images have no domains")
        test, target = (rows[world.domain[rows] == domain] for rows in (test, target))
    sides = Sides(rest[:pool], target[:MAX_TARGETS], test)
    if not min(len(sides.pool), len(sides.target), len(sides.test)):
        raise InvalidInputError(
            f"the split leaves {len(sides.pool)} images in the pool, {len(sides.target)} targets and "
            f"{len(sides.test)} to judge by: each needs one at least"
        )
    return sides


def check_trial(trial: Trial, rounds: int, *, with_posterior: bool = True) -> None:
    """Refuse what cannot be tried, before any work.

    Raises:
        InvalidInputError: the strategy is unknown or needs a posterior where there is none, or a number cannot be used.
    """
    if bad := unfit(trial):
        raise InvalidInputError(f"these numbers of a back-test cannot be used: {listed(trial, bad)}")
    if rounds < 1:
        raise InvalidInputError(f"these numbers of a back-test cannot be used: rounds = {rounds}")
    check_strategy(trial.strategy, with_posterior=with_posterior)


@dataclass(frozen=True)
class _Choice:
    """What was picked, how long it took, and what the strategy expected of it."""

    rows: Int64[Tensor, " B"]
    seconds: float
    information: float


def _choose_batch(
    world: World, learner: Learner, sides: Sides, support: Int64[Tensor, " L"], trial: Trial, number: int
) -> _Choice:
    return _acquire(world, learner, sides, support, trial, _generator(trial, number, 0))


def _choose_one_by_one(
    world: World, learner: Learner, sides: Sides, support: Int64[Tensor, " L"], trial: Trial, number: int
) -> _Choice:
    """A batch in which each label is answered and fitted before the next pick."""
    picked: list[_Choice] = []
    for place in range(min(trial.batch, len(sides.pool))):
        if place:
            learner = _fit(world, learner, support, trial, number)
        one = _acquire(world, learner, sides, support, replace(trial, batch=1), _generator(trial, number, place))
        picked.append(one)
        sides = replace(sides, pool=sides.pool[sides.pool != one.rows])
        support = torch.cat([support, one.rows])
    return _Choice(
        torch.cat([one.rows for one in picked]),
        sum(one.seconds for one in picked),
        sum(one.information for one in picked),
    )


def _acquire(
    world: World,
    learner: Learner,
    sides: Sides,
    support: Int64[Tensor, " L"],
    trial: Trial,
    generator: torch.Generator,
) -> _Choice:
    if trial.strategy == BOSS:
        before = time.perf_counter()
        known = Known(world.images, world.labels, sides.pool, sides.target, sides.test)
        best = best_of_strategies(learner, known, support, trial, generator)
        return _Choice(best.rows, time.perf_counter() - before, best.gain)
    query = learner.ask(world.images[sides.pool], world.images[sides.target], world.images[support])
    before = time.perf_counter()
    chosen, control = acquire(query, trial.strategy, trial.batch, trial.control_fraction, generator)
    seconds = time.perf_counter() - before
    rows = sides.pool[torch.cat([chosen.rows, control])]
    return _Choice(rows, seconds, float(chosen.scores.double().nansum()))


def _fit(world: World, learner: Learner, support: Int64[Tensor, " L"], trial: Trial, number: int) -> Learner:
    return learner.fitted(world.images[support], world.labels[support], _generator(trial, number, -1))


def _judge(world: World, learner: Learner, test: Int64[Tensor, " M"], chosen: _Choice, n_labels: int) -> TrialPoint:
    judged, labels = learner.judge(world.images[test]), world.labels[test]
    probabilities = judged.probabilities.double()
    return TrialPoint(
        labels=n_labels,
        accuracy=float(metrics.accuracy(probabilities, labels)),
        nlpd=float(metrics.nlpd(probabilities, labels)),
        ece=float(metrics.ece(probabilities, labels)),
        seconds=chosen.seconds,
        information=chosen.information,
        picked=tuple(chosen.rows.tolist()),
        total=float(judged.total.double().mean()),
        aleatoric=_mean(judged.aleatoric),
        epistemic=_mean(judged.epistemic),
    )


def _mean(values: Tensor | None) -> float | None:
    return None if values is None else float(values.double().mean())


def _generator(trial: Trial, number: int, place: int) -> torch.Generator:
    seed = int(digest(seed=trial.seed, round=number, place=place)[:12], 16)
    return torch.Generator().manual_seed(seed)
