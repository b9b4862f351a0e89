from itertools import pairwise

import pytest
import torch

from alflow.acquisition import conditioned as module
from alflow.acquisition.conditioned import NOISE, conditioned_batch
from tests.acquisition.aims import aims, centre_of, kernel, unit


def gaussian_process(a, b, seen):
    """l(a, b) - l(a, S) (l(S, S) + nu I)^-1 l(S, b), by an explicit inverse."""
    inverse = torch.linalg.inv(kernel(seen, seen) + NOISE * torch.eye(len(seen), dtype=seen.dtype))
    return kernel(a, b) - kernel(a, seen) @ inverse @ kernel(seen, b)


def written_out(query, budget):
    """The batch by its definition: a Gaussian process over all that is seen, inverted anew for every pick."""
    centre = centre_of(query)
    pool = unit(query.pool.activations, centre)
    at, shares, variances = aims(query, centre)
    seen, rows, scores = unit(query.labelled.activations, centre) if len(query.labelled) else pool[:0], [], []
    for _ in range(budget):
        across, own = gaussian_process(pool, at, seen), gaussian_process(pool, pool, seen).diagonal()
        gains = 0.5 * (across.square() * shares * variances).sum(dim=1) / (own + NOISE)
        gains[rows] = -torch.inf
        rows.append(int(gains.argmax()))
        scores.append(gains.max())
        seen = torch.cat([seen, pool[rows[-1:]]])
    return torch.tensor(rows), torch.stack(scores)


def uncertainty(query, seen):
    """U summed over all that is aimed at: what the score says a label takes off."""
    centre = centre_of(query)
    at, shares, variances = aims(query, centre)
    return 0.5 * (gaussian_process(at, at, unit(seen, centre)).diagonal() * shares * variances).sum()


@pytest.mark.parametrize("held", [3, 40])
@pytest.mark.parametrize("labelled", [0, 6])
def test_batch_is_the_written_out_one(make_world, labelled, held, monkeypatch):
    """Also where the pool is read again for nearly every pick."""
    monkeypatch.setattr(module, "_ROWS", 7)
    query = make_world(labelled=labelled).query
    rows, scores = written_out(query, 12)
    found = conditioned_batch(query, 12, held)
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
