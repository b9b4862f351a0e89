from dataclasses import replace

import pytest
import torch

from alflow.acquisition.posterior_free import largest, margin, random
from alflow.acquisition.refine import BATCHES, LEVELS, SHARE, refine

first_feature = largest(lambda query: query.pool.activations[:, 0])
last_feature = largest(lambda query: query.pool.activations[:, -1])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("ensemble", [(margin, first_feature), (random, margin, last_feature)])
def test_refine_is_the_sieve_written_out(make_world, ensemble):
    query, budget, generator = make_world(pool=60).query, 3, seeded(7)
    left, levels = set(range(60)), []
    for _ in range(LEVELS):
        rows, union = torch.tensor(sorted(left)), set()
        size = max(budget, int(SHARE * len(rows)))
        for choose in ensemble:
            for _ in range(BATCHES):
                part = rows[torch.randperm(len(rows), generator=generator)[:size].sort().values]
                union |= set(part[choose(replace(query, pool=query.pool[part]), budget, generator).rows].tolist())
        left = union
        levels.append(left)
    found = refine(query, budget, seeded(7), ensemble, first_feature)
    kept = torch.tensor(sorted(left))
    assert found.rows.tolist() == kept[query.pool.activations[kept, 0].argsort(descending=True)][:budget].tolist()
    passed = torch.tensor([sum(row in level for level in levels) / LEVELS for row in range(60)]).double()
    torch.testing.assert_close(found.all_scores, passed)


def test_every_notion_of_worth_survives(make_world):
    """What is largest by one strategy is never sieved away by another."""
    query = make_world(pool=60).query
    found = refine(query, 4, seeded(), (first_feature, last_feature), margin)
    kept = (found.all_scores > 1 - 1e-9).nonzero()[:, 0].tolist()
    assert set(found.rows.tolist()) <= set(kept)
    assert {int(query.pool.activations[:, feature].argmax()) for feature in (0, -1)} & set(kept)
