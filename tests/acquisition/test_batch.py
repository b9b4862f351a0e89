from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from alflow.acquisition import batch as module
from alflow.acquisition.batch import (
    NOISE,
    TARGETS_OWN_SHARE,
    conditioned_batch,
    draw_control,
    representatives,
)
from alflow.acquisition.beliefs import Beliefs
from alflow.acquisition.likeness import LENGTH
from alflow.embeddings import Activations


def kernel(a, b):
    """1 / (1 + |a - b|^2 / (2 LENGTH^2)) of every pair, written out."""
    return 1 / (1 + (a[:, None] - b[None]).square().sum(dim=2) / (2 * LENGTH**2))


def gaussian_process(a, b, seen):
    """l(a, b) - l(a, S) (l(S, S) + nu I)^-1 l(S, b), by an explicit inverse."""
    inverse = torch.linalg.inv(kernel(seen, seen) + NOISE * torch.eye(len(seen), dtype=seen.dtype))
    return kernel(a, b) - kernel(a, seen) @ inverse @ kernel(seen, b)


def unit(rows, centre):
    return torch.stack([(row - centre) / (row - centre).norm() for row in rows])


def aims(query, centre):
    """Every image that is aimed at, with its weight, by the words of the docstrings."""
    pool, target = (unit(part.activations, centre) for part in (query.pool, query.target))
    handed = torch.zeros(len(pool), dtype=pool.dtype)
    for row in target:
        near = kernel(pool, row[None])[:, 0] ** 8
        handed += (1 - TARGETS_OWN_SHARE) / len(target) * near / near.sum()
    weights = torch.cat([torch.full((len(target),), TARGETS_OWN_SHARE / len(target), dtype=pool.dtype), handed])
    p = torch.cat([query.target.probabilities, query.pool.probabilities])
    fisher = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    return torch.cat([target, pool]), weights * fisher.diagonal(dim1=1, dim2=2).sum(dim=1)


def written_out(query, budget):
    """The batch by its definition: a Gaussian process over all that is seen, inverted anew for every pick."""
    centre = torch.cat([query.pool.activations, query.labelled.activations]).mean(dim=0)
    pool = unit(query.pool.activations, centre)
    at, weights = aims(query, centre)
    seen, rows, scores = unit(query.labelled.activations, centre) if len(query.labelled) else pool[:0], [], []
    for _ in range(budget):
        across, own = gaussian_process(pool, at, seen), gaussian_process(pool, pool, seen).diagonal()
        gains = 0.5 * (across.square() * weights).sum(dim=1) / (own + NOISE)
        gains[rows] = -torch.inf
        rows.append(int(gains.argmax()))
        scores.append(gains.max())
        seen = torch.cat([seen, pool[rows[-1:]]])
    return torch.tensor(rows), torch.stack(scores)


def uncertainty(query, seen):
    """U summed over all that is aimed at: what the score says a label takes off."""
    centre = torch.cat([query.pool.activations, query.labelled.activations]).mean(dim=0)
    at, weights = aims(query, centre)
    return 0.5 * (gaussian_process(at, at, unit(seen, centre)).diagonal() * weights).sum()


@pytest.mark.parametrize("labelled", [0, 6])
def test_batch_is_the_written_out_one(make_world, labelled, monkeypatch):
    monkeypatch.setattr(module, "_ROWS", 7)
    query = make_world(labelled=labelled).query
    rows, scores = written_out(query, 12)
    found = conditioned_batch(query, 12)
    assert found.rows.tolist() == rows.tolist()
    torch.testing.assert_close(found.scores, scores, rtol=0, atol=1e-10)
    assert found.all_scores.argmax() == rows[0]


def test_score_is_the_drop_of_uncertainty_about_the_targets(make_world):
    query = make_world(labelled=6).query
    found = conditioned_batch(query, 4)
    picked = query.pool.activations[found.rows]
    seen = [torch.cat([query.labelled.activations, picked[:n]]) for n in range(5)]
    drops = [uncertainty(query, before) - uncertainty(query, after) for before, after in pairwise(seen)]
    torch.testing.assert_close(found.scores, torch.stack(drops), rtol=0, atol=1e-10)


def test_targets_of_another_kind_than_the_pool_still_count(make_world):
    """The pool has no image like them, yet what is nearest to them is asked first."""
    world = make_world(pool=60, target=5)
    far = replace(world, target=Activations(world.pool.values[:1] + 0.01 * world.target.values))
    assert conditioned_batch(far.query, 1).rows.tolist() == [0]


def test_single_precision_picks_the_same(make_world):
    query = make_world().query
    narrow = [
        Beliefs(**{name: value.float() for name, value in vars(part).items()})
        for part in (query.pool, query.target, query.labelled)
    ]
    across = type(query.covariances)(query.covariances.Q.float(), query.covariances.S.float(), query.covariances.trace)
    found = conditioned_batch(type(query)(*narrow, across, query.text_covariance.float()), 10)
    assert found.scores.dtype == torch.float32
    assert found.rows.tolist() == conditioned_batch(query, 10).rows.tolist()


def test_copies_of_a_pick_wait(make_world):
    """Every image is there five times: the batch asks about different ones, top-k would not."""
    query = make_world(pool=12).query
    copies = Beliefs.concatenate([query.pool] * 5)
    found = conditioned_batch(replace(query, pool=copies), 6)
    assert len({row % 12 for row in found.rows.tolist()}) >= 5
    top = found.all_scores.topk(6).indices % 12
    assert len(set(top.tolist())) == 2


def test_first_of_equals_wins(make_world):
    query = make_world(pool=1).query
    equals = Beliefs.concatenate([query.pool] * 4)
    found = conditioned_batch(replace(query, pool=equals), 9)
    assert found.rows.tolist() == [0, 1, 2, 3]


def test_pool_stands_in_for_absent_targets(make_world):
    """All of the pool counts alike: the first pick is the one that takes most off it."""
    query = make_world(target=0, labelled=0).query
    pool = unit(query.pool.activations, query.pool.activations.mean(dim=0))
    doubt = 1 - query.pool.probabilities.square().sum(dim=1)
    expected = 0.5 * (kernel(pool, pool).square() @ doubt) / len(pool) / (1 + NOISE)
    torch.testing.assert_close(conditioned_batch(query, 1).all_scores, expected, rtol=0, atol=1e-12)


def test_representatives_keep_the_share_of_each_predicted_class(make_world):
    target = make_world(target=400).query.target
    chosen = representatives(target, 100)
    before, after = (b.probabilities.argmax(dim=1).bincount(minlength=5) for b in (target, chosen))
    assert len(chosen) == 100
    assert ((after - before / 4).abs() <= 1).all()
    assert len(chosen.features.unique(dim=0)) == 100
    assert representatives(chosen, 100) is chosen


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
