import pytest
import torch
from torch.nn.functional import normalize

from alflow.acquisition.drop_query import DROPPED, PASSES, disagreement, drop_query, head_of
from alflow.acquisition.posterior_free import inputs_of_logits


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_head_is_found_from_its_predictions():
    points, head = normal(60, 8), normal(5, 9, seed=1)
    logits = points @ head[:, :-1].T + head[:, -1]
    expected = head - head.mean(dim=0)  # a softmax tells the head but for what all classes share
    for told in (logits, logits.log_softmax(dim=1)):
        torch.testing.assert_close(head_of(told, points), expected, rtol=1e-5, atol=1e-5)


def test_the_head_of_a_model_is_found_from_a_query(make_world):
    """Its logits are linear in the unit embedding and the activations, whatever labels taught."""
    world = make_world(pool=60)
    pool = world.query.pool
    points = inputs_of_logits(pool)
    found = head_of(pool.mean[:30], points[:30])
    expected = pool.mean - pool.mean.mean(dim=1, keepdim=True)
    torch.testing.assert_close(points @ found[:, :-1].T + found[:, -1], expected, rtol=1e-4, atol=1e-4)


def test_a_class_that_is_impossible_everywhere_is_never_predicted():
    points, head = normal(60, 8), normal(3, 8, seed=1)
    probabilities = torch.cat([(points @ head.T).softmax(dim=1), torch.zeros(60, 2)], dim=1)
    found = head_of(probabilities.log(), points)
    assert (found[3:, -1] == -torch.inf).all()
    assert disagreement(found, points, seeded()).isfinite().all()


@pytest.mark.parametrize("rows", [1, 3])
def test_fewer_rows_than_features_give_a_head_that_tells_them(rows):
    points, probabilities = normal(rows, 8), normal(rows, 5, seed=1).softmax(dim=1)
    head = head_of(probabilities.log(), points)
    told = (points @ head[:, :-1].T + head[:, -1]).softmax(dim=1)
    torch.testing.assert_close(told, probabilities, rtol=1e-4, atol=1e-4)


def test_disagreement_is_the_share_of_passes_with_another_class():
    points, head = normal(40, 8), normal(5, 9, seed=1)
    generator, changed = seeded(4), torch.zeros(40, dtype=torch.float64)
    whole = (points @ head[:, :-1].T + head[:, -1]).argmax(dim=1)
    for _ in range(PASSES):
        kept = (torch.rand(40, 8, generator=generator) >= DROPPED) / (1 - DROPPED)
        changed += ((kept * points) @ head[:, :-1].T + head[:, -1]).argmax(dim=1) != whole
    torch.testing.assert_close(disagreement(head, points, seeded(4)), changed / PASSES)
    assert 0 < changed.mean() < PASSES


def test_what_holds_is_not_asked_about_and_the_rest_is_asked_one_of_each_kind():
    """Three tight kinds between two classes; a fourth far on one side, which no dropping moves."""
    kinds = torch.tensor([[1.0, -1, 0, 0], [0, 0, 1, -1], [1, -1, 1, -1], [1, 1, 1, 1]]).double()
    group = torch.arange(4).repeat_interleave(20)
    points = kinds[group] + 0.02 * normal(80, 4)
    head = torch.tensor([[1.0, 1, 1, 1, 0], [-1, -1, -1, -1, -0.1]]).double()
    found = drop_query(head, points, 3, seeded())
    assert (group[found.rows] < 3).all()
    assert (found.all_scores[group == 3] == 0).all()
    changed = disagreement(head, points, seeded())
    candidates = (changed > 0.5).nonzero()[:, 0]
    assert set(found.rows.tolist()) <= set(candidates.tolist())
    assert len(set(group[found.rows].tolist())) == 3
    for row in found.rows:  # clusters are the kinds: each pick is the nearest to the mean of its kind
        mates = candidates[group[candidates] == group[row]]
        vectors = normalize(points[mates], dim=1)
        assert row == mates[(vectors - vectors.mean(dim=0)).norm(dim=1).argmin()]


def test_without_a_head_the_whole_pool_is_clustered():
    group = torch.arange(4).repeat_interleave(10)
    points = torch.eye(4, dtype=torch.float64)[group] + 0.05 * normal(40, 4)
    head = head_of(torch.zeros(40, 5).double(), points)
    found = drop_query(head, points, 4, seeded())
    assert sorted(group[found.rows].tolist()) == [0, 1, 2, 3]


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_copies_still_fill_the_budget():
    points = torch.ones(9, 4, dtype=torch.float64)
    head = head_of(torch.zeros(9, 5).double(), points)
    assert sorted(drop_query(head, points, 7, seeded()).rows.tolist()) == list(range(7))
