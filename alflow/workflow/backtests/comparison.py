"""What the trials of a back-test say about strategies: curves, areas, labels needed, cost; paired by seed.

Two strategies on one seed share pool, target and test, so what the split does to both cancels in their difference. The
bands are those of Cousineau (2005) with Morey's (2008) correction: the mean of each seed over all strategies is taken
out before the standard error, so that bands can be compared with each other as paired differences are.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from alflow.domain.trials import Trial, TrialPoint
from alflow.errors import InvalidInputError

Results = Mapping[Trial, Sequence[TrialPoint]]
Measure = Literal["accuracy", "nlpd", "ece", "total", "aleatoric", "epistemic"]

LEVEL: Final = 0.95
SMALLER_IS_BETTER: Final = frozenset({"nlpd", "ece", "total", "aleatoric", "epistemic"})
"""Of the uncertainty and its parts: less is left open."""


@dataclass(frozen=True)
class CurvePoint:
    """Mean of a measure over seeds after so many labels, with its paired band."""

    strategy: str
    labels: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """A mean over seeds of paired differences, its standard error and its 95% interval (Student)."""

    mean: float
    standard_error: float
    low: float
    high: float


@dataclass(frozen=True)
class Standing:
    """One strategy among all.

    Attributes:
        strategy: its name.
        seeds: how many trials it was judged by.
        area: mean of the measure over the rounds after the first label, averaged over seeds.
        standard_error: of that mean, unpaired.
        to_reference: area less that of the reference strategy, paired; None for the reference itself.
        to_best_other: area less that of the best other strategy, paired; None when there is no other.
        best_other: its name.
        labels_needed: labels at which the mean curve reaches the asked level, None if it does not.
        seconds: what choosing one batch took, mean.
    """

    strategy: str
    seeds: int
    area: float
    standard_error: float
    to_reference: Difference | None
    to_best_other: Difference | None
    best_other: str | None
    labels_needed: float | None
    seconds: float


def curves(results: Results, measure: Measure = "accuracy") -> list[CurvePoint]:
    """One point per strategy and number of labels, over the seeds that every strategy has."""
    table = _Table.of(results, measure)
    bands = _paired_half_widths(table.values)
    means = table.values.mean(axis=1)
    return [
        CurvePoint(strategy, labels, *_around(means[row, column], bands[row, column]))
        for row, strategy in enumerate(table.strategies)
        for column, labels in enumerate(table.labels)
    ]


def standings(
    results: Results, measure: Measure = "accuracy", reference: str = "random", level: float | None = None
) -> list[Standing]:
    """Every strategy, best area first.

    Args:
        results: points by trial; seeds that a strategy has not finished are left out for all.
        measure: what is compared.
        reference: the strategy that the others are held against.
        level: the value whose price in labels is asked for; that of the reference after its last round by default.

    Raises:
        InvalidInputError: no seed has been tried by all strategies, or a point has no such measure.
    """
    table = _Table.of(results, measure)
    sign = -1 if measure in SMALLER_IS_BETTER else 1
    areas = table.values[:, :, 1:].mean(axis=2) if table.values.shape[2] > 1 else table.values[:, :, 0]  # [S seeds]
    order = (-sign * areas.mean(axis=1)).argsort(kind="stable")
    if level is None and reference in table.strategies:
        level = float(table.values[table.strategies.index(reference), :, -1].mean())
    found = []
    for row in order:
        others = [other for other in order if other != row]
        best = others[0] if others else None
        strategy = table.strategies[row]
        against = table.strategies.index(reference) if reference in table.strategies else None
        found.append(
            Standing(
                strategy=strategy,
                seeds=areas.shape[1],
                area=float(areas[row].mean()),
                standard_error=_standard_error(areas[row]),
                to_reference=None if against in {None, row} else difference(areas[row], areas[against]),
                to_best_other=None if best is None else difference(areas[row], areas[best]),
                best_other=None if best is None else table.strategies[best],
                labels_needed=None if level is None else _reached(table, int(row), level, sign),
                seconds=_seconds(results, strategy),
            )
        )
    return found


def gaps(results: Results, first: str, second: str, measure: Measure = "accuracy") -> dict[int, Difference]:
    """By labels, the measure of the first strategy less that of the second, paired over the seeds that both have.

    Raises:
        InvalidInputError: no seed has been tried by both, or a point has no such measure.
    """
    both = {trial: points for trial, points in results.items() if trial.strategy in {first, second}}
    table = _Table.of(both, measure)
    one, other = (table.values[table.strategies.index(name)] for name in (first, second))
    return {labels: difference(one[:, column], other[:, column]) for column, labels in enumerate(table.labels)}


def difference(left: NDArray[np.float64], right: NDArray[np.float64]) -> Difference:
    """Paired difference left - right over seeds."""
    each = left - right
    mean, error = float(each.mean()), _standard_error(each)
    half = error * _quantile(len(each))
    return Difference(mean, error, mean - half, mean + half)


@dataclass(frozen=True)
class _Table:
    """A measure as an array [strategy seed round]: the rounds that all strategies have reached, and their seeds."""

    strategies: tuple[str, ...]
    labels: tuple[int, ...]
    values: NDArray[np.float64]

    @classmethod
    def of(cls, results: Results, measure: Measure) -> "_Table":
        strategies = tuple(dict.fromkeys(trial.strategy for trial in results))
        found = {(trial.strategy, trial.seed): points for trial, points in results.items() if points}
        if len(found) < sum(bool(points) for points in results.values()):
            raise InvalidInputError("these trials differ in more than strategy and seed: compare one set-up at a time")
        seeds = sorted({trial.seed for trial in results})
        reached = {each: max(len(found.get((each, seed), ())) for seed in seeds) for each in strategies}
        rounds = min(reached.values(), default=0)
        through = [
            seed for seed in seeds if rounds and all(len(found.get((each, seed), ())) >= rounds for each in strategies)
        ]
        if not through:
            raise InvalidInputError("no seed has been tried by every strategy yet: let the back-test go on")
        values = [
            [[getattr(point, measure) for point in found[strategy, seed][:rounds]] for seed in through]
            for strategy in strategies
        ]
        if any(value is None for of_strategy in values for curve in of_strategy for value in curve):
            raise InvalidInputError(
                f"some of these points have no '{measure}': without a posterior there is none; those of an earlier "
                "alflow can be made again (`alflow backtest --fresh`)"
            )
        labels = tuple(point.labels for point in found[strategies[0], through[0]][:rounds])
        return cls(strategies, labels, np.array(values, dtype=np.float64))


def _paired_half_widths(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half widths [strategy round] of the Cousineau-Morey bands."""
    strategies, seeds, rounds = values.shape
    if seeds < 2:
        return np.full((strategies, rounds), np.nan)
    centred = values - values.mean(axis=0, keepdims=True) if strategies > 1 else values
    correction = strategies / (strategies - 1) if strategies > 1 else 1.0
    return np.asarray(np.sqrt(correction * centred.var(axis=1, ddof=1) / seeds) * _quantile(seeds))


def _around(mean: float, half: float) -> tuple[float, float, float]:
    return float(mean), float(mean - half), float(mean + half)


def _reached(table: _Table, row: int, level: float, sign: int) -> float | None:
    """Labels at which the mean curve first crosses the level, linear between rounds."""
    curve = sign * table.values[row].mean(axis=0)
    goal = sign * level
    for here, there in enumerate(range(1, len(curve))):
        if curve[here] >= goal:
            return float(table.labels[here])
        if curve[there] >= goal:
            share = (goal - curve[here]) / (curve[there] - curve[here])
            return float(table.labels[here] + share * (table.labels[there] - table.labels[here]))
    return float(table.labels[-1]) if curve[-1] >= goal else None


def _seconds(results: Results, strategy: str) -> float:
    times = [point.seconds for trial, points in results.items() if trial.strategy == strategy for point in points[1:]]
    return sum(times) / len(times) if times else math.nan


def _standard_error(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.nan


def _quantile(seeds: int) -> float:
    return float(student.ppf((1 + LEVEL) / 2, seeds - 1)) if seeds > 1 else math.nan
