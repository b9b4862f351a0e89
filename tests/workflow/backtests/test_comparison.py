"""Standings and bands from points that were written out, against scipy's paired test."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from alflow.domain.trials import Trial, TrialPoint
from alflow.errors import InvalidInputError
from alflow.workflow.backtests.comparison import curves, gaps, standings

LABELS = (0, 20, 40)


def points(*accuracies, seconds=1.0):
    return [
        TrialPoint(labels, accuracy, 1 - accuracy, 0.1, seconds, 0.0, ())
        for labels, accuracy in zip(LABELS, accuracies, strict=True)
    ]


GOOD = np.array([[0.2, 0.40, 0.60], [0.3, 0.52, 0.70], [0.1, 0.33, 0.51], [0.2, 0.44, 0.62]])
POOR = np.array([[0.2, 0.30, 0.50], [0.3, 0.45, 0.60], [0.1, 0.20, 0.45], [0.2, 0.31, 0.50]])
RESULTS = {
    Trial(name, seed): points(*row)
    for name, table in (("random", POOR), ("good", GOOD))
    for seed, row in enumerate(table)
}


def test_areas_and_paired_differences() -> None:
    good, random = standings(RESULTS)
    assert (good.strategy, random.strategy) == ("good", "random")
    areas = GOOD[:, 1:].mean(axis=1), POOR[:, 1:].mean(axis=1)
    assert good.area == pytest.approx(areas[0].mean())
    assert good.standard_error == pytest.approx(stats.sem(areas[0]))
    interval = stats.ttest_rel(*areas).confidence_interval(0.95)
    assert (good.to_reference.low, good.to_reference.high) == pytest.approx((interval.low, interval.high))
    assert good.to_reference.standard_error == pytest.approx(stats.sem(areas[0] - areas[1]))
    assert random.to_reference is None
    assert random.to_best_other.mean == pytest.approx(-good.to_best_other.mean)
    assert random.best_other == "good"


def test_two_strategies_are_compared_after_each_round() -> None:
    found = gaps(RESULTS, "good", "random")
    assert list(found) == list(LABELS)
    for column, labels in enumerate(LABELS[1:], 1):
        pair = GOOD[:, column], POOR[:, column]
        interval = stats.ttest_rel(*pair).confidence_interval(0.95)
        assert found[labels].mean == pytest.approx((pair[0] - pair[1]).mean())
        assert (found[labels].low, found[labels].high) == pytest.approx((interval.low, interval.high))
    assert gaps(RESULTS, "random", "good")[20].mean == pytest.approx(-found[20].mean)


def test_labels_needed_are_where_the_mean_curve_crosses() -> None:
    good, random = standings(RESULTS)
    level, mean = POOR[:, 2].mean(), GOOD.mean(axis=0)
    assert good.labels_needed == pytest.approx(20 + 20 * (level - mean[1]) / (mean[2] - mean[1]))
    assert random.labels_needed == pytest.approx(40)
    assert standings(RESULTS, level=0.99)[0].labels_needed is None
    assert standings(RESULTS, level=0.05)[0].labels_needed == 0


def test_smaller_is_better_where_it_is() -> None:
    assert [one.strategy for one in standings(RESULTS, "nlpd")] == ["good", "random"]


def test_the_parts_are_compared_where_every_point_has_them() -> None:
    told = {trial: [replace(point, epistemic=point.accuracy / 10) for point in each] for trial, each in RESULTS.items()}
    assert [one.strategy for one in standings(told, "epistemic")] == ["random", "good"]
    assert curves(told, "epistemic")[0].mean == pytest.approx(POOR[:, 0].mean() / 10)
    old = told | {Trial("good", 2): points(*GOOD[2])}
    for compare in (standings, curves):
        with pytest.raises(InvalidInputError, match="have no 'epistemic': without a posterior"):
            compare(old, "epistemic")


def test_two_bands_have_the_width_of_the_paired_difference() -> None:
    """Of two strategies each Morey band is the paired interval over sqrt 2: what both share has gone."""
    found = {(one.strategy, one.labels): one for one in curves(RESULTS)}
    for column, labels in enumerate(LABELS):
        difference = GOOD[:, column] - POOR[:, column]
        half = stats.sem(difference) * stats.t.ppf(0.975, 3) / np.sqrt(2)
        for name, table in (("good", GOOD), ("random", POOR)):
            one = found[name, labels]
            assert one.mean == pytest.approx(table[:, column].mean())
            assert (one.high - one.low) / 2 == pytest.approx(half, abs=1e-12)


def test_seeds_that_are_not_through_wait() -> None:
    unfinished = RESULTS | {Trial("good", 3): points(*GOOD[3])[:2]}
    assert standings(unfinished)[0].seeds == 3
    with pytest.raises(InvalidInputError, match="let the back-test go on"):
        standings({Trial("good", 0): points(*GOOD[0]), Trial("random", 1): points(*POOR[1])})


def test_strategies_are_compared_over_the_rounds_that_all_have() -> None:
    shorter = {trial: each[:2] if trial.strategy == "good" else each for trial, each in RESULTS.items()}
    good, random = standings(shorter)
    assert good.area == pytest.approx(GOOD[:, 1].mean())
    assert random.area == pytest.approx(POOR[:, 1].mean())
    assert {one.labels for one in curves(shorter)} == {0, 20}


def test_set_ups_are_not_mixed() -> None:
    with pytest.raises(InvalidInputError, match="one set-up at a time"):
        standings(RESULTS | {Trial("good", 0, batch=7): points(*GOOD[0])})


def test_cost_is_the_mean_over_batches() -> None:
    mixed = {Trial("a", 0): points(0.1, 0.2, 0.3, seconds=2.0), Trial("a", 1): points(0.1, 0.2, 0.3, seconds=4.0)}
    assert standings(mixed)[0].seconds == pytest.approx(3.0)
