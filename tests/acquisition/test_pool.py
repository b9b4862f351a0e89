from dataclasses import replace

import pytest
import torch

from alflow.acquisition import held as lazy
from alflow.acquisition import pool as module
from alflow.acquisition.acquire import acquire
from alflow.acquisition.beliefs import Question
from alflow.acquisition.coverage import cover
from alflow.acquisition.pool import StreamedPool, in_memory, rated
from alflow.acquisition.strategies import STRATEGIES
from alflow.embeddings import Activations
from alflow.errors import UnavailableError

pytestmark = pytest.mark.slow

IN_BLOCKS = sorted(name for name, strategy in STRATEGIES.items() if strategy.copies is None)
WHOLE = sorted(name for name, strategy in STRATEGIES.items() if strategy.copies is not None)


def streamed(world, sizes=(7, 1, 0, 20, 12)):
    """The world's question with its pool in blocks whose rows are in no order; and how often the pool was read."""
    query, passes = world.query, []
    shuffled = torch.randperm(len(world.pool), generator=torch.Generator().manual_seed(1))

    def read():
        passes.append(1)
        for rows in shuffled.split([*sizes, len(shuffled) - sum(sizes)]):
            yield rows, Activations(world.pool.values[rows])

    of_all = query.pool.probabilities, query.pool.variance, query.pool.novelty
    pool = StreamedPool(world.model, read, *of_all)
    return Question(pool, query.target, query.labelled, query.Q), passes


@pytest.mark.parametrize("targets", [0, 30])
@pytest.mark.parametrize("name", [*IN_BLOCKS, *WHOLE, "0.7*epig+0.3*typiclust"])
def test_a_pool_in_blocks_gives_the_picks_of_one_in_memory(make_world, name, targets):
    world = make_world(target=targets)
    expected, control = acquire(world.query, name, 12, 0.2, torch.Generator().manual_seed(3))
    found, same = acquire(streamed(world)[0], name, 12, 0.2, torch.Generator().manual_seed(3))
    assert found.rows.tolist() == expected.rows.tolist()
    assert same.tolist() == control.tolist()
    torch.testing.assert_close(found.scores, expected.scores, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(found.all_scores, expected.all_scores, rtol=1e-9, atol=1e-12, equal_nan=True)


def test_beliefs_about_some_rows_are_those_of_the_whole_pool(make_world):
    world = make_world()
    question, passes = streamed(world)
    for rows in (torch.tensor([39, 0, 17]), torch.arange(0)):
        for found, expected in zip(question.pool[rows].columns(), world.query.pool[rows].columns(), strict=True):
            torch.testing.assert_close(found, expected)
    assert len(passes) == 2
    torch.testing.assert_close(question.pool.variance, world.query.pool.variance)
    torch.testing.assert_close(rated(question.pool, lambda block: block.novelty), question.pool.novelty)


def test_rows_that_are_taken_out_are_gone_and_the_others_are_numbered_anew(make_world):
    world = make_world()
    taken = torch.tensor([3, 30])
    rest, others = streamed(world)[0].pool.without(taken)
    memory, same = world.query.pool.without(taken)
    assert torch.equal(others, same)
    assert len(rest) == len(memory) == 38
    torch.testing.assert_close(rest.probabilities, memory.probabilities)
    seen = torch.cat([rows for rows, _ in rest.points()])
    assert sorted(seen.tolist()) == list(range(38))
    torch.testing.assert_close(rest[torch.tensor([37])].activations, memory[torch.tensor([37])].activations)


@pytest.mark.parametrize("held", [1, 2, 5, 40])
def test_coverage_is_the_plain_greedy_loop_whatever_is_held(held, monkeypatch):
    monkeypatch.setattr(lazy, "_ROWS", 3)
    generator = torch.Generator().manual_seed(held)
    points = torch.rand(40, 6, generator=generator, dtype=torch.float64).round(decimals=1)  # many equals
    points[20:23] = points[4]
    weights, surprise = torch.rand(6, generator=generator).double(), torch.rand(40, generator=generator).double()
    surprise[20:23] = surprise[4]
    covered = torch.full((6,), 0.1, dtype=torch.float64)
    orders = torch.randperm(40, generator=generator).split(7)
    found = cover(lambda: ((rows, points[rows]) for rows in orders), lambda p: p, covered, weights, 40, surprise, held)
    rows, now = [], covered
    for score in found.scores:
        gains = surprise * ((points - now).clamp_min(0) @ weights)
        gains[rows] = -torch.inf
        assert score == gains.max()
        rows.append(int(gains.argmax()))
        now = torch.maximum(now, points[rows[-1]])
    assert found.rows.tolist() == rows


def test_coverage_of_nothing_picks_nothing():
    none = torch.zeros(0, dtype=torch.float64)
    found = cover(lambda: iter(()), lambda p: p, torch.zeros(2).double(), torch.ones(2).double(), 5, none)
    assert len(found.rows) == len(found.scores) == len(found.all_scores) == 0


@pytest.mark.parametrize("name", WHOLE)
def test_a_strategy_that_needs_the_whole_pool_says_how_much_memory_it_lacks(make_world, name, monkeypatch):
    monkeypatch.setattr(module, "free_bytes", lambda: 1_000)
    question, _ = streamed(make_world())
    with pytest.raises(UnavailableError, match=rf"'{name}' compares all 40 images .* 1 kB are free: choose one"):
        acquire(question, name, 5, 0.0, torch.Generator())
    monkeypatch.setattr(module, "free_bytes", lambda: None)
    assert len(acquire(question, name, 5, 0.0, torch.Generator())[0].rows) == 5


def test_a_pool_in_memory_stays_as_it_is(make_world):
    query = make_world().query
    assert in_memory(replace(query), "badge", 1).pool is query.pool
