import pytest
import torch
from torch.nn.functional import normalize

from alflow.acquisition import herding as module
from alflow.acquisition.herding import RADIUS, max_herding, radius_among, uherding


def unit(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return normalize(torch.randn(*shape, generator=generator, dtype=torch.float64), dim=1)


def coverage(points, weights, chosen, radius):
    """U(S), written out."""
    if not len(chosen):
        return 0.0
    kernel = torch.exp(-torch.cdist(points, chosen).square() / radius**2)
    return float((weights * kernel.amax(dim=1)).mean())


def check_greedy(found, points, labelled, weights, radius):
    """Every pick adds most; two rows that cover each other alone tie exactly, so that either may come first."""
    for place, row in enumerate(found.rows.tolist()):
        known = torch.cat([labelled, points[found.rows[:place]]])
        before = coverage(points, weights, known, radius)
        gain = [coverage(points, weights, torch.cat([known, points[[one]]]), radius) - before for one in range(30)]
        assert gain[row] == pytest.approx(max(gain), abs=1e-12)
        assert float(found.scores[place]) == pytest.approx(gain[row], abs=1e-12)
    assert len(set(found.rows.tolist())) == 7


@pytest.mark.parametrize("labelled", [0, 1, 5])
def test_max_herding_is_the_greedy_batch_by_definition(labelled):
    points, known = unit(30, 6), unit(labelled, 6, seed=1)
    found = max_herding(points, known, 7, torch.Generator())
    check_greedy(found, points, known, torch.ones(30), RADIUS)


@pytest.mark.parametrize("labelled", [0, 1, 5])
def test_uherding_is_the_greedy_batch_by_definition(labelled):
    points, known = unit(30, 6), unit(labelled, 6, seed=1)
    probabilities = (3 * torch.randn(30, 4, generator=torch.Generator().manual_seed(2)).double()).softmax(dim=1)
    first, second = probabilities.sort(dim=1, descending=True).values[:, :2].T
    radius = 1.0 if labelled < 2 else float(torch.pdist(known).min())
    found = uherding(probabilities, points, known, 7, torch.Generator())
    check_greedy(found, points, known, 1 - (first - second), radius)


def test_uherding_is_max_herding_where_all_is_equally_uncertain_and_where_nothing_is():
    points, sure = unit(30, 6), torch.eye(4).double()[torch.arange(30) % 4]
    expected = max_herding(points, points[:0], 6, torch.Generator()).rows.tolist()
    for probabilities in (torch.full((30, 4), 0.25).double(), sure):
        assert uherding(probabilities, points, points[:0], 6, torch.Generator()).rows.tolist() == expected


def test_uherding_asks_by_the_margin_when_labels_are_dense():
    points, close = unit(30, 6), unit(1, 6, seed=3)
    labelled = normalize(torch.cat([close, close + 0.002]), dim=1)
    probabilities = (2 * torch.randn(30, 4, generator=torch.Generator().manual_seed(2)).double()).softmax(dim=1)
    first, second = probabilities.topk(2, dim=1).values.T
    found = uherding(probabilities, points, labelled, 5, torch.Generator())
    assert found.rows.tolist() == (first - second).argsort()[:5].tolist()


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_the_radius_takes_no_copies_for_neighbours(rows):
    one = unit(1, 6)
    assert radius_among(one.expand(rows, 6)) == RADIUS
    assert radius_among(torch.cat([one, one, -one])) == pytest.approx(2)


def test_the_radius_is_found_over_all_blocks(monkeypatch):
    points = unit(20, 4)
    expected = float(torch.pdist(points).min())
    monkeypatch.setattr(module, "_ROWS", 3)
    assert radius_among(points) == pytest.approx(expected)


def test_coverage_of_a_large_pool_is_counted_on_a_sample(monkeypatch):
    points = unit(60, 6)
    whole = max_herding(points, points[:0], 5, torch.Generator())
    monkeypatch.setattr(module, "_COVERED", 50)
    sampled = max_herding(points, points[:0], 5, torch.Generator().manual_seed(0))
    torch.testing.assert_close(sampled.all_scores, whole.all_scores, rtol=0.2, atol=0)
