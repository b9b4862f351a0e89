from collections import Counter

import pytest
import torch

from alflow.acquisition.acquire import acquire
from alflow.acquisition.beliefs import Acquisition
from alflow.acquisition.combine import Combination, Strategy, combined, parse
from alflow.acquisition.strategies import find
from alflow.errors import InvalidInputError


def rated(*scores):
    """A strategy with these scores, whose picks are the largest."""

    def strategy(_query, budget, _generator):
        score = torch.tensor(scores, dtype=torch.float64)
        rows = score.argsort(descending=True, stable=True)[:budget]
        return Acquisition(rows, score[rows], score)

    return Strategy("rated", "", strategy)


def planned(*rows):
    """A strategy that picks these rows of five, which are not those that it rates highest."""
    found = Acquisition(
        torch.tensor(rows), torch.ones(len(rows), dtype=torch.float64), torch.arange(5, 0, -1, dtype=torch.float64)
    )
    return Strategy("planned", "", lambda *_: found)


@pytest.fixture
def query(make_world):
    return make_world().query


@pytest.mark.parametrize(
    ("text", "combination"),
    [
        ("margin", None),
        ("k-centre", None),
        ("0.7*epig+0.3*typiclust", Combination((("epig", 0.7), ("typiclust", 0.3)))),
        (" epig + 2*margin ", Combination((("epig", 1.0), ("margin", 2.0)))),
        ("standardised(.5*epig+margin)", Combination((("epig", 0.5), ("margin", 1.0)), standardised=True)),
    ],
)
def test_combinations_are_read(text, combination):
    assert parse(text) == combination


@pytest.mark.parametrize(
    "text", ["0.7*epig+", "0*epig+margin", "epig+epig", "epig*0.7+margin", "ranks(epig)", "-1*epig+margin"]
)
def test_what_cannot_be_read_is_refused_with_an_example(text):
    with pytest.raises(InvalidInputError, match=r"0\.7\*epig\+0\.3\*typiclust"):
        parse(text)


def test_an_unknown_part_is_named():
    with pytest.raises(InvalidInputError, match="no strategy 'epigg'"):
        find("0.7*epigg+0.3*margin")


def test_weighted_ranks_by_hand(query):
    parts = {"a": rated(5.0, 4.0, 3.0, 2.0, 1.0), "b": rated(0.0, 0.0, 9.0, 9.5, 0.0)}
    found = combined(Combination((("a", 3.0), ("b", 1.0))), parts.__getitem__)(query, 5, torch.Generator())
    b = torch.tensor([1, 1, 3, 4, 1], dtype=torch.float64) / 4  # the three equal ones share places 0, 1, 2
    a = torch.tensor([4, 3, 2, 1, 0], dtype=torch.float64) / 4
    torch.testing.assert_close(found.all_scores, 0.75 * a + 0.25 * b)
    assert found.rows[0] == 0


def test_a_planned_batch_keeps_its_order_ahead_of_all_other_rows(query):
    parts = {"plan": planned(3, 1), "a": rated(5.0, 4.0, 3.0, 2.0, 1.0)}
    found = combined(Combination((("plan", 1.0),)), parts.__getitem__)(query, 2, torch.Generator())
    assert found.rows.tolist() == [3, 1]
    mixed = combined(Combination((("plan", 0.9), ("a", 0.1))), parts.__getitem__)(query, 3, torch.Generator())
    assert mixed.rows.tolist() == [3, 1, 0]


def test_standardised_scores_by_hand(query):
    parts = {"a": rated(1.0, 2.0, 3.0), "b": rated(30.0, 20.0, 10.0)}
    found = combined(Combination((("a", 2.0), ("b", 1.0)), standardised=True), parts.__getitem__)(
        query, 3, torch.Generator()
    )
    torch.testing.assert_close(found.all_scores, torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64) / 3)


def test_balanced_classes_take_turns_and_their_best_rows_first(make_world):
    query = make_world(labelled=0).query
    chosen, _ = acquire(query, "balanced-margin", 12, 0.0, torch.Generator().manual_seed(0))
    predicted = query.pool.probabilities.argmax(dim=1)
    available, taken = Counter(predicted.tolist()), Counter(predicted[chosen.rows].tolist())
    full = [taken[one] for one in available if available[one] > taken[one]]
    assert max(taken.values()) <= min(full, default=12) + 1
    for one, count in taken.items():
        mine = torch.where(predicted == one, chosen.all_scores, -torch.inf)
        assert set(mine.topk(count).indices.tolist()) <= set(chosen.rows.tolist())


def test_a_combination_has_a_caption():
    assert find("0.7*epig+0.3*margin").caption == "Weighted mean of ranks: epig and margin."
