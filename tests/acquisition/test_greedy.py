import pytest
import torch

from alflow.acquisition.greedy import greedy


def halving(gains):
    """Gains that halve with every pick."""

    def after(_row):
        nonlocal gains
        gains = gains / 2
        return gains

    return after


def test_picks_the_largest_gain_of_the_moment_and_the_first_of_equals():
    gains = torch.tensor([1.0, 8.0, 4.0, 8.0])
    found = greedy(gains, halving(gains), 3)
    assert found.rows.tolist() == [1, 3, 2]
    assert found.scores.tolist() == [8.0, 4.0, 1.0]
    assert found.all_scores.tolist() == gains.tolist()


@pytest.mark.parametrize("budget", [5, 50])
def test_a_small_pool_is_taken_whole_and_nothing_is_computed_after_the_last_pick(budget):
    gains, asked = torch.arange(5.0), []

    def after(row):
        asked.append(row)
        return gains

    assert greedy(gains, after, budget).rows.tolist() == [4, 3, 2, 1, 0]
    assert asked == [4, 3, 2, 1]


def test_nothing_to_pick_is_an_empty_batch():
    found = greedy(torch.empty(0), halving(torch.empty(0)), 3)
    assert len(found.rows) == len(found.scores) == len(found.all_scores) == 0


def test_rows_worth_minus_infinity_come_last_but_once_each():
    gains = torch.tensor([-torch.inf, 1.0, -torch.inf])
    assert sorted(greedy(gains, lambda _: gains, 3).rows.tolist()) == [0, 1, 2]
