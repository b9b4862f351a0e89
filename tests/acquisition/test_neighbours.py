import torch

from alflow.acquisition import neighbours as module
from alflow.acquisition.neighbours import targeted, wasserstein_points


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_distance_of_the_points_is_that_of_the_gaussians(make_world):
    world = make_world()
    pool, target = world.query.pool, world.query.target
    trace = world.image_posterior.output_spectrum.sum()
    between = torch.cdist(pool.embeddings, target.embeddings).square()
    images = [world.model.images(rows) for rows in (world.pool, world.target)]
    own, other = (rows.variance_scale.sqrt() / rows.expected_norm for rows in images)
    spread = (own[:, None] - other).square() * trace
    found = torch.cdist(wasserstein_points(pool), wasserstein_points(target)).square()
    torch.testing.assert_close(found, between + spread, rtol=0, atol=1e-10)
    torch.testing.assert_close(wasserstein_points(pool).norm(dim=1), torch.ones(40, dtype=torch.float64))


def test_the_rows_with_most_votes_come_first_and_blocks_do_not_show(monkeypatch):
    monkeypatch.setattr(module, "_ROWS", 7)
    pool, target = normal(50, 4), normal(30, 4, seed=1)
    found = targeted(pool, target, torch.zeros(50, dtype=torch.float64), 12)
    order = (target @ pool.T).argsort(dim=1, descending=True)
    k = next(k for k in range(1, 51) if len(order[:, :k].unique()) >= 12)
    assert len(order[:, : k - 1].unique()) < 12
    votes = order[:, :k].flatten().bincount(minlength=50)
    assert (votes[found.rows] > 0).all()
    assert votes[found.rows].tolist() == sorted(votes.tolist(), reverse=True)[:12]
    torch.testing.assert_close(found.scores.floor().long(), votes[found.rows])


def test_too_few_neighbours_are_filled_by_the_fall_back(monkeypatch):
    monkeypatch.setattr(module, "MOST_NEIGHBOURS", 2)
    pool, target, fall_back = normal(20, 4), normal(1, 4, seed=1), torch.arange(20.0, dtype=torch.float64)
    found = targeted(pool, target, fall_back, 5)
    nearest = (pool @ target[0]).argsort(descending=True)[:2].tolist()
    rest = [row for row in range(19, -1, -1) if row not in nearest]
    assert found.rows.tolist() == nearest + rest[:3]
