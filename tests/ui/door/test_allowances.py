"""Bursts pass, floods do not, and nobody pays for another."""

import pytest

from alflow.ui.door.allowances import Allowance


def test_a_burst_passes_and_what_follows_comes_at_the_rate() -> None:
    allowance = Allowance(3, 2.0)
    assert [allowance.take("a", 0.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert allowance.take("a", 0.4) == pytest.approx(0.1)
    assert [allowance.take("a", 0.5), allowance.take("a", 0.5)] == [0, 0.5]


def test_after_a_while_everything_is_there_again_and_no_more() -> None:
    allowance = Allowance(2, 1.0)
    assert [allowance.take("a", 0.0) for _ in range(2)] == [0, 0]
    assert [allowance.take("a", 1000.0) for _ in range(3)] == [0, 0, 1]


def test_what_costs_as_much_as_several_is_counted_as_several() -> None:
    allowance = Allowance(5, 2.0)
    assert [allowance.take("a", 0.0, cost=3), allowance.take("a", 0.0, cost=3)] == [0, 0.5]
    assert allowance.take("a", 0.0, cost=2) == 0


def test_nobody_pays_for_another() -> None:
    allowance = Allowance(1, 1.0)
    assert [allowance.take(who, 0.0) for who in "aab"] == [0, 1, 0]


def test_who_has_not_asked_for_long_is_forgotten() -> None:
    allowance = Allowance(1, 1.0)
    for who in range(30_000):
        allowance.take(who, who / 10)
    assert len(allowance._left) <= 10_001
