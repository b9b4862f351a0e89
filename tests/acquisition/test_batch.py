from dataclasses import replace
from itertools import combinations

import pytest
import torch

from alflow.acquisition import coverage as module
from alflow.acquisition.aims import aims_of, representatives
from alflow.acquisition.batch import covering_batch, draw_control
from alflow.acquisition.beliefs import Beliefs
from alflow.embeddings import Activations
from tests.acquisition.aims import aims, centre_of, kernel, unit


def uncertainty(query, seen):
    """U by its definition: what is left of every image aimed at by the seen one that is most like it."""
    centre = centre_of(query)
    at, shares, variances = aims(query, centre)
    told = kernel(unit(seen, centre), at).amax(dim=0) if len(seen) else 0
    return ((1 - told) * shares * variances).sum()


def written_out(query, budget):
    """The batch by its definition: every row is tried for every pick."""
    pool, rows, drops = query.pool.activations, [], []
    surprise = torch.stack([1 - (row * row).sum() for row in query.pool.probabilities])
    for _ in range(budget):
        seen = torch.cat([query.labelled.activations, pool[rows]])
        left = torch.stack([uncertainty(query, torch.cat([seen, row[None]])) for row in pool])
        score = surprise * (uncertainty(query, seen) - left)
        score[rows] = -torch.inf
        rows.append(int(score.argmax()))
        drops.append(score.max())
    return rows, torch.stack(drops)


@pytest.mark.slow
@pytest.mark.parametrize("labelled", [0, 6])
def test_batch_is_the_written_out_one(make_world, labelled, monkeypatch):
    monkeypatch.setattr(module, "_ROWS", 4)
    query = make_world(labelled=labelled).query
    rows, drops = written_out(query, 12)
    found = covering_batch(query, 12)
    assert found.rows.tolist() == rows
    torch.testing.assert_close(found.scores, drops, rtol=0, atol=1e-10)
    assert found.all_scores.argmax() == rows[0]


@pytest.mark.slow
def test_greedy_takes_off_most_of_what_the_best_batch_would(make_world):
    """Nemhauser, Wolsey and Fisher: 1 - 1/e at least, where all answers surprise alike; every batch is tried."""
    query = make_world(pool=14, labelled=3).query
    equal = torch.full((14, 5), 0.2, dtype=torch.float64)
    query = replace(query, pool=replace(query.pool, probabilities=equal))
    pool, labelled = query.pool.activations, query.labelled.activations
    before = uncertainty(query, labelled)
    best = max(
        before - uncertainty(query, torch.cat([labelled, pool[list(rows)]])) for rows in combinations(range(14), 3)
    )
    found = covering_batch(query, 3).scores.sum() / 0.8  # tr(F) of each candidate
    assert best * (1 + 1e-12) >= found >= (1 - 1 / torch.e) * best


def test_targets_of_another_kind_than_the_pool_still_count(make_world):
    """The pool has no image like them, yet what is nearest to them is asked first."""
    world = make_world(pool=60, target=5)
    far = replace(world, target=Activations(world.pool.values[:1] + 0.01 * world.target.values))
    assert covering_batch(far.query, 1).rows.tolist() == [0]


def test_a_target_that_no_image_is_like_keeps_its_whole_share(make_world):
    """The pool lies in a plane, one of four targets straight above its centre."""
    query = make_world(pool=30, target=4, labelled=0).query
    flat, aimed_at = query.pool.activations.clone(), query.target.activations.clone()
    flat[:, -1] = 0
    centre = flat.mean(dim=0)
    aimed_at[0] = centre
    aimed_at[0, -1] = 1
    pool, target = replace(query.pool, activations=flat), replace(query.target, activations=aimed_at)
    query = replace(query, pool=pool, target=target)
    found = aims_of(query, centre)
    _, shares, _ = aims(query, centre)
    torch.testing.assert_close(found.shares, shares)
    assert found.shares[:4].tolist() == pytest.approx([0.25, 0.05, 0.05, 0.05])
    assert float(found.shares.sum()) == pytest.approx(1)


def test_single_precision_picks_the_same(make_world):
    query = make_world().query
    narrow = [
        Beliefs(**{name: value.float() for name, value in vars(part).items()})
        for part in (query.pool, query.target, query.labelled)
    ]
    found = covering_batch(type(query)(*narrow, query.Q.float()), 10)
    assert found.scores.dtype == torch.float32
    assert found.rows.tolist() == covering_batch(query, 10).rows.tolist()


def test_copies_of_a_pick_wait(make_world):
    """Every image is there five times: the batch asks about different ones, top-k would not."""
    query = make_world(pool=12).query
    copies = Beliefs.concatenate([query.pool] * 5)
    found = covering_batch(replace(query, pool=copies), 6)
    assert len({row % 12 for row in found.rows.tolist()}) >= 5
    top = found.all_scores.topk(6).indices % 12
    assert len(set(top.tolist())) == 2


def test_first_of_equals_wins(make_world):
    query = make_world(pool=1).query
    equals = Beliefs.concatenate([query.pool] * 4)
    found = covering_batch(replace(query, pool=equals), 9)
    assert found.rows.tolist() == [0, 1, 2, 3]


def test_pool_stands_in_for_absent_targets(make_world):
    """All of the pool counts alike: the first pick is in doubt and covers most of it."""
    query = make_world(target=0, labelled=0).query
    pool = unit(query.pool.activations, query.pool.activations.mean(dim=0))
    doubt = 1 - query.pool.probabilities.square().sum(dim=1)
    expected = doubt * (kernel(pool, pool) @ doubt) / len(pool)
    torch.testing.assert_close(covering_batch(query, 1).all_scores, expected, rtol=0, atol=1e-12)


def test_representatives_keep_the_share_of_each_predicted_class(make_world):
    target = make_world(target=400).query.target
    chosen = representatives(target, 100)
    before, after = (b.probabilities.argmax(dim=1).bincount(minlength=5) for b in (target, chosen))
    assert len(chosen) == 100
    assert ((after - before / 4).abs() <= 1).all()
    assert len(chosen.features.unique(dim=0)) == 100
    assert torch.equal(representatives(chosen, 100).features, chosen.features)


def test_control_slice_is_a_share_of_the_budget_and_leaves_one_place():
    sizes = {
        (budget, fraction): len(draw_control(50, budget, fraction, torch.Generator().manual_seed(0)))
        for budget, fraction in [(20, 0.1), (30, 0.1), (5, 0.1), (1, 0.1), (20, 0.0), (20, 1.0), (2, 0.9)]
    }
    assert sizes == {(20, 0.1): 2, (30, 0.1): 3, (5, 0.1): 1, (1, 0.1): 0, (20, 0.0): 0, (20, 1.0): 20, (2, 0.9): 1}


def test_control_slice_is_uniform():
    generator = torch.Generator().manual_seed(0)
    counts = torch.zeros(10)
    for _ in range(2000):
        counts[draw_control(10, 20, 0.1, generator)] += 1
    assert ((counts - 400).abs() < 5 * (2000 * 0.2 * 0.8) ** 0.5).all()
