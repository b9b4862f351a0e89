import math

import pytest
import torch
from torch.nn.functional import normalize

from alflow.acquisition import diversity as module
from alflow.acquisition.diversity import badge, k_centre, near_duplicates, prob_cover, typiclust
from alflow.acquisition.likeness import LENGTH


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def blobs(*sizes, spread=0.05):
    """Tight groups of unit vectors around axes, in order; and the group of each."""
    centres = torch.eye(len(sizes), 8, dtype=torch.float64)
    group = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
    return normalize(centres[group] + spread * normal(len(group), 8), dim=1), group


@pytest.mark.parametrize("labelled", [0, 5])
def test_k_centre_is_the_written_out_greedy(labelled):
    points, known = normal(40, 6), normal(labelled, 6, seed=1)
    found = k_centre(points, known, 8)
    rows = [] if labelled else [int((points - points.mean(dim=0)).norm(dim=1).argmin())]
    while len(rows) < 8:
        centres = torch.cat([known, points[rows]])
        rows.append(int(torch.cdist(points, centres).min(dim=1).values.argmax()))
    assert found.rows.tolist() == rows
    centres = torch.cat([known, points[rows[:-1]]])
    torch.testing.assert_close(found.scores[-1], torch.cdist(points[rows[-1:]], centres).min())


def test_badge_draws_by_squared_distance_of_gradients_that_are_written_out():
    probabilities, points = normal(30, 4).softmax(dim=1), normal(30, 5, seed=1)
    error = probabilities - torch.nn.functional.one_hot(probabilities.argmax(dim=1), 4)
    gradients = torch.einsum("nc,nd->ncd", error, points).flatten(1)
    found = badge(probabilities, points, 6, torch.Generator().manual_seed(0))
    torch.testing.assert_close(found.all_scores, gradients.square().sum(dim=1))
    assert found.rows[0] == gradients.norm(dim=1).argmax()
    for place in range(1, 6):
        picked = gradients[found.rows[:place]]
        squared = torch.cdist(gradients[found.rows[place]][None], picked).square().min()
        torch.testing.assert_close(found.scores[place], squared)


@pytest.mark.slow
def test_badge_second_pick_has_the_probabilities_of_k_means_plus_plus():
    probabilities, points = normal(6, 3).softmax(dim=1), normal(6, 4, seed=1)
    generator, draws = torch.Generator().manual_seed(0), 1000
    counts = torch.zeros(6)
    for _ in range(draws):
        counts[badge(probabilities, points, 2, generator).rows[1]] += 1
    error = probabilities - torch.nn.functional.one_hot(probabilities.argmax(dim=1), 3)
    gradients = torch.einsum("nc,nd->ncd", error, points).flatten(1)
    squared = (gradients - gradients[gradients.norm(dim=1).argmax()]).square().sum(dim=1)
    expected = (squared / squared.sum()).float()
    assert ((counts / draws - expected).abs() < 4 * (expected * (1 - expected) / draws).sqrt() + 1e-9).all()


def test_badge_of_copies_still_fills_the_budget():
    same = torch.full((5, 3), 1 / 3, dtype=torch.float64), torch.ones(5, 2, dtype=torch.float64)
    assert sorted(badge(*same, 5, torch.Generator().manual_seed(0)).rows.tolist()) == [0, 1, 2, 3, 4]


def test_typiclust_asks_the_most_typical_of_the_largest_clusters_without_a_label():
    points, group = blobs(40, 30, 20, 10)
    labelled = points[:1]  # of the largest group
    found = typiclust(points[1:], labelled, 3, seed=0)
    assert group[1:][found.rows].tolist() == [1, 2, 3]
    for row in found.rows.tolist():
        mates = (group[1:] == group[1:][row]).nonzero()[:, 0]
        distance = torch.cdist(points[1:][mates], points[1:][mates]).fill_diagonal_(torch.inf)
        near = distance.topk(min(20, len(mates) - 1), largest=False).values.mean(dim=1)
        assert row == mates[near.argmin()]


def test_typiclust_comes_back_to_clusters_when_all_were_visited(monkeypatch):
    monkeypatch.setattr(module, "MAX_CLUSTERS", 2)
    points, group = blobs(30, 20)
    assert group[typiclust(points, points[:0], 5, seed=0).rows].tolist() == [0, 1, 0, 1, 0]


def test_typiclust_leaves_scattered_rows_to_the_end():
    points, _ = blobs(30, 20)
    alone = torch.eye(8, dtype=torch.float64)[-3:]
    found = typiclust(torch.cat([points, alone]), points[:0], 5, seed=0)
    assert (found.rows[:2] < 50).all()
    assert (found.all_scores[-3:] == 0).all()


def test_prob_cover_is_the_written_out_greedy_cover():
    points, _ = blobs(25, 15, 10, spread=0.3)
    labelled = points[:2]
    found = prob_cover(points, labelled, 6, 3, torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(0)
    sample = points[torch.randperm(50, generator=generator)]
    seed = int(torch.randint(2**31 - 1, (), generator=generator))
    radius = module._pure_radius(sample, 3, seed)
    covers = torch.cdist(points, sample) <= radius + 1e-9
    covered = (torch.cdist(labelled, sample) <= radius + 1e-9).any(dim=0)
    for row, score in zip(found.rows.tolist(), found.scores.tolist(), strict=True):
        gain = (covers & ~covered).sum(dim=1)
        assert gain[row] == gain.max()
        assert score == pytest.approx(gain[row].item() / 50)
        covered |= covers[row]


def test_the_radius_is_the_largest_that_keeps_the_balls_pure():
    points, _ = blobs(60, 40, spread=0.4)
    radius, pseudo = module._pure_radius(points, 2, 0), module.clusters(points, 2, 0)

    def purity(at):
        mixed = (torch.cdist(points, points) < at) & (pseudo[:, None] != pseudo)
        return 1 - mixed.any(dim=1).double().mean()

    assert purity(radius - 1e-3) >= module.PURITY - 0.01
    assert purity(1.2 * radius) < module.PURITY


def test_all_but_one_of_a_group_of_copies_are_near_duplicates():
    rows, centre = normal(4, 6), torch.zeros(6, dtype=torch.float64)
    copies = torch.cat([rows, 2 * rows[:1], rows[:2] + 1e-3])
    assert near_duplicates(rows, centre) == 0
    assert near_duplicates(copies, centre) == 3
    assert near_duplicates(rows[:0], centre) == 0


@pytest.mark.parametrize(("squared", "count"), [(0.91, 1), (0.89, 0)])
def test_a_near_duplicate_leaves_a_tenth_of_the_variance(squared, count):
    """1 - l(x, x')^2 / l(x', x') is what is left of x once x' is known."""
    distance_squared = -math.log(squared) * LENGTH**2
    angle = torch.tensor(2 * math.asin(distance_squared**0.5 / 2), dtype=torch.float64)
    rows = torch.stack([torch.tensor([1.0, 0.0], dtype=torch.float64), torch.stack([angle.cos(), angle.sin()])])
    assert near_duplicates(rows, torch.zeros(2, dtype=torch.float64)) == count
