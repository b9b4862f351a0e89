"""Stopping rules on histories that were written out, and the calibration against the normal equations."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alflow.stopping_rules import History, Rules, calibrate, first_stop, reason_to_stop

RISING = History(
    labels=(0, 20, 40, 60, 80, 100),
    quality=(0.20, 0.40, 0.50, 0.55, 0.551, 0.552),
    information=(0.0, 8.0, 4.0, 2.0, 0.2, 0.1),
)


def test_without_rules_nothing_stops() -> None:
    assert reason_to_stop(RISING, Rules()) is None
    assert first_stop(RISING, Rules()) is None


def test_budget_stops_at_its_number() -> None:
    assert first_stop(RISING, Rules(max_labels=60)).labels == 60
    assert first_stop(RISING, Rules(max_labels=61)).labels == 80
    assert reason_to_stop(RISING, Rules(max_labels=101)) is None


def test_plateau_compares_the_best_of_the_last_rounds_with_the_best_before() -> None:
    stop = first_stop(RISING, Rules(plateau_rounds=2, plateau_gain=0.005))
    assert (stop.number, stop.labels) == (5, 100)
    assert "from 55.0% to 55.2%" in stop.reason
    assert first_stop(RISING, Rules(plateau_rounds=1, plateau_gain=0.005)).labels == 80
    assert first_stop(RISING, Rules(plateau_rounds=2, plateau_gain=0.001)) is None


def test_a_quality_that_is_not_known_is_no_plateau() -> None:
    blind = replace(RISING, quality=(math.nan,) * 6)
    assert first_stop(blind, Rules(plateau_rounds=1, label_price=1.0)) is None


def test_low_information_is_told_against_the_best_round() -> None:
    assert first_stop(RISING, Rules(min_information=0.3)).labels == 60  # 2 of 8
    assert first_stop(RISING, Rules(min_information=0.1)).labels == 80
    assert first_stop(RISING, Rules(min_information=0.001)) is None


def test_calibration_is_least_squares_through_the_origin() -> None:
    found = calibrate(RISING)
    x, y = np.array(RISING.information[1:]), np.diff(RISING.quality)
    slope, *_ = np.linalg.lstsq(x[:, None], y, rcond=None)
    assert found.slope == pytest.approx(slope[0])
    residual = y - slope[0] * x
    assert found.standard_error == pytest.approx(np.sqrt(residual @ residual / 4 / (x @ x)))
    assert found.gains == pytest.approx(y)


def test_price_stops_when_a_label_is_expected_to_bring_less() -> None:
    found = calibrate(RISING.until(5))
    expected = (found.slope + found.standard_error) * 0.2 / 20
    assert first_stop(RISING, Rules(label_price=1.01 * expected)).labels == 80
    assert first_stop(RISING, Rules(label_price=1e-9)) is None


def test_two_rounds_calibrate_nothing() -> None:
    assert calibrate(RISING.until(3)).standard_error == math.inf
    assert first_stop(RISING.until(3), Rules(label_price=10.0, min_information=1.0)) is None


def test_rules_are_joined_by_or_and_all_reasons_are_told() -> None:
    both = Rules(max_labels=80, min_information=0.1)
    assert first_stop(RISING, both).labels == 80
    assert reason_to_stop(RISING.until(5), both).count(";") == 1
    assert first_stop(RISING, replace(both, max_labels=40)).labels == 40


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 100)), min_size=1, max_size=8),
    st.integers(1, 4),
    st.floats(0, 1),
    st.floats(0, 0.1),
)
def test_a_stop_knows_nothing_of_later_rounds(
    rounds: list[tuple[float, float]], last: int, share: float, cost: float
) -> None:
    labels = tuple(10 * i for i in range(len(rounds)))
    history = History(labels, tuple(each[0] for each in rounds), tuple(each[1] for each in rounds))
    rules = Rules(plateau_rounds=last, min_information=share, label_price=cost)
    stop = first_stop(history, rules)
    for length in range(1, len(history) + 1):
        told = reason_to_stop(history.until(length), rules)
        assert (told is not None) == (stop is not None and length == stop.number + 1) or (
            stop is not None and length > stop.number + 1
        )
