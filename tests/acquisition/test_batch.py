from dataclasses import replace

import pytest
import torch

from alflow.acquisition import batch as module
from alflow.acquisition.batch import NOISE, condition, conditioned_batch, draw_control, representatives
from alflow.acquisition.beliefs import Beliefs
from alflow.acquisition.epig import class_term


def gaussian_process(a, b, seen, noise):
    """k(a, b) - k(a, S) (K_SS + nu I)^-1 k(S, b), by an explicit inverse."""
    inverse = torch.linalg.inv(seen @ seen.T + noise * torch.eye(len(seen), dtype=seen.dtype))
    return a @ b.T - a @ seen.T @ inverse @ seen @ b.T


def written_out(query, budget):
    """The batch by its definition: a Gaussian process over all that is seen, inverted anew for every pick."""
    pool, target = query.pool, query.target
    noise = NOISE * pool.image_scale.mean()
    relevance = class_term(pool.probabilities, target.probabilities, query.covariances.Q, query.covariances.Q)
    seen, rows, scores = query.labelled.features, [], []
    for _ in range(budget):
        across = gaussian_process(pool.features, target.features, seen, noise)
        own = gaussian_process(pool.features, pool.features, seen, noise).diagonal()
        gains = (0.5 * across.square() * relevance).mean(dim=1) / (own + noise)
        gains[rows] = -torch.inf
        rows.append(int(gains.argmax()))
        scores.append(gains.max())
        seen = torch.cat([seen, pool.features[rows[-1:]]])
    return torch.tensor(rows), torch.stack(scores)


def test_conditioned_features_are_the_gaussian_process(make_world):
    query = make_world(labelled=25).query
    pool, target, labelled = query.pool.features, query.target.features, query.labelled.features
    across = condition(pool, labelled, 0.03) @ condition(target, labelled, 0.03).T
    torch.testing.assert_close(across, gaussian_process(pool, target, labelled, 0.03), rtol=0, atol=1e-10)


@pytest.mark.parametrize("labelled", [0, 6])
def test_batch_is_the_written_out_one(make_world, labelled, monkeypatch):
    monkeypatch.setattr(module, "_ROWS", 7)
    query = make_world(labelled=labelled).query
    rows, scores = written_out(query, 12)
    found = conditioned_batch(query, 12)
    assert found.rows.tolist() == rows.tolist()
    torch.testing.assert_close(found.scores, scores, rtol=0, atol=1e-10)
    assert found.all_scores.argmax() == rows[0]


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
    query = make_world(target=0).query
    aimed = conditioned_batch(replace(query, target=query.pool), 5)
    assert conditioned_batch(query, 5).rows.tolist() == aimed.rows.tolist()


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
