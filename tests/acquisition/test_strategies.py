from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alflow.acquisition.acquire import acquire
from alflow.acquisition.strategies import STRATEGIES, find
from alflow.errors import InvalidInputError

NAMED = {
    "random", "least-confidence", "margin", "entropy", "variance", "bald", "power-bald", "batch-bald", "epig",
    "epig-monte-carlo", "default", "k-centre", "badge", "typiclust", "probcover", "nearest-wasserstein",
    "nearest-cosine", "max-herding", "uherding", "drop-query", "bait", "refine",
}  # fmt: skip
PLANNED = {
    "power-bald", "typiclust", "probcover", "epig-joint", "drop-query", "bait", "refine",
    *(name for name in STRATEGIES if "balanced" in name),
}  # fmt: skip
"""Those whose first pick need not be the largest of all scores: drawn, by cluster or class, by a bound, pruned."""

NAMES = sorted([*STRATEGIES, "0.7*epig+0.3*typiclust", "standardised(margin+2*bald)"])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_table_holds_what_people_ask_for():
    assert set(STRATEGIES) >= NAMED
    captions = [strategy.caption for strategy in STRATEGIES.values()]
    assert all(text.endswith(".") and len(text) < 110 for text in captions)
    assert len(set(captions)) == len(captions)


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_picks(make_world, name):
    query = make_world().query
    first, again = (acquire(query, name, 10, 0.2, seeded(4)) for _ in range(2))
    assert first[0].rows.tolist() == again[0].rows.tolist()
    assert first[1].tolist() == again[1].tolist()


@pytest.mark.parametrize("name", NAMES)
def test_control_slice_is_drawn_first_whatever_the_strategy(make_world, name):
    query = make_world().query
    chosen, control = acquire(query, name, 10, 0.2, seeded())
    assert control.tolist() == torch.randperm(40, generator=seeded())[:2].tolist()
    assert len(chosen.rows) == 8
    assert not set(chosen.rows.tolist()) & set(control.tolist())
    assert chosen.all_scores.isnan().nonzero()[:, 0].tolist() == sorted(control.tolist())


@pytest.mark.parametrize("name", NAMES)
def test_small_pool_is_taken_whole(make_world, name):
    chosen, control = acquire(make_world(pool=7).query, name, 50, 0.1, seeded())
    assert sorted(chosen.rows.tolist() + control.tolist()) == list(range(7))


@pytest.mark.parametrize("name", sorted(set(NAMES) - PLANNED))
def test_scores_are_of_the_rows_they_stand_beside(make_world, name):
    chosen, _ = acquire(make_world().query, name, 10, 0.1, seeded())
    assert chosen.all_scores.nan_to_num(-1).argmax() == chosen.rows[0]
    torch.testing.assert_close(chosen.scores[0], chosen.all_scores[chosen.rows[0]])


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pool=st.integers(1, 30), budget=st.integers(1, 40), fraction=st.floats(0, 1), name=st.sampled_from(NAMES))
def test_no_row_is_asked_twice_and_the_budget_is_spent(make_world, pool, budget, fraction, name):
    query = make_world(pool=pool).query
    chosen, control = acquire(query, name, budget, fraction, seeded())
    rows = chosen.rows.tolist() + control.tolist()
    assert len(rows) == len(set(rows)) == min(pool, budget)
    assert all(0 <= row < pool for row in rows)


def test_default_counts_the_control_slice_as_labelled(make_world):
    query = make_world().query
    chosen, control = acquire(query, "default", 12, 0.25, seeded())
    rest = torch.tensor([row for row in range(40) if row not in control.tolist()])
    informed = replace(
        query, pool=query.pool[rest], labelled=type(query.pool).concatenate([query.labelled, query.pool[control]])
    )
    assert chosen.rows.tolist() == rest[find("default")(informed, 9, seeded()).rows].tolist()


def test_control_alone_needs_no_strategy(make_world):
    chosen, control = acquire(make_world().query, "margin", 6, 1.0, seeded())
    assert len(control) == 6
    assert len(chosen.rows) == len(chosen.scores) == 0
    assert chosen.all_scores.isnan().all()


def test_unknown_strategy_names_those_that_exist(make_world):
    with pytest.raises(InvalidInputError, match=r"'defualt'.*default, random, least-confidence"):
        acquire(make_world().query, "defualt", 5, 0.1, seeded())


def test_what_cannot_be_asked_is_refused_with_a_remedy(make_world):
    query = make_world().query
    empty = replace(query, pool=query.pool[torch.arange(0)])
    with pytest.raises(InvalidInputError, match="pool is empty"):
        acquire(empty, "default", 5, 0.1, seeded())
    with pytest.raises(InvalidInputError, match="only one class"):
        acquire(make_world(classes=1).query, "random", 5, 0.1, seeded())
    with pytest.raises(InvalidInputError, match="budget"):
        acquire(query, "random", 0, 0.1, seeded())
    with pytest.raises(InvalidInputError, match="between 0 and 1"):
        acquire(query, "random", 5, 1.5, seeded())
