import pytest
import torch
from torch import Tensor

from alflow.acquisition import beliefs
from alflow.acquisition.beliefs import Beliefs
from alflow.acquisition.copies import near_copies
from alflow.acquisition.diversity import near_duplicates
from alflow.acquisition.likeness import directions, likeness


def pool_of(activations: Tensor) -> Beliefs:
    n = len(activations)
    p = torch.full((n, 2), 0.5, dtype=torch.float64)
    return Beliefs(p, p.log(), activations, activations, activations, torch.ones(n, dtype=torch.float64))


@pytest.mark.parametrize("rows", [5, 8_192])
def test_copies_are_what_the_likeness_calls_so(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against every pair written out, in blocks of any size."""
    monkeypatch.setattr(beliefs, "_ROWS", rows)
    generator = torch.Generator().manual_seed(0)
    base = torch.randn(12, 6, generator=generator, dtype=torch.float64)
    pool = torch.cat([base, base[:5] + 0.03 * torch.randn(5, 6, generator=generator, dtype=torch.float64), base[:1]])
    points, asked = directions(pool, pool.mean(dim=0)), torch.tensor([0, 3, 17, 9])
    alike = likeness(points, points)
    counted = []
    for row, found in zip(
        asked.tolist(), near_copies(pool_of(pool), asked, pool[asked], pool.mean(dim=0), most=2), strict=True
    ):
        others = alike[row].clone().index_fill(0, torch.tensor([row]), 0)
        expected = others.topk(min(2, int((others.square() > 0.9).sum())))
        assert found.number == int((others.square() > 0.9).sum())
        assert set(found.rows.tolist()) == set(expected.indices.tolist())
        torch.testing.assert_close(found.likeness, expected.values)
        counted.append(found.number)
    assert max(counted) >= 2 > min(counted)


def test_of_a_pair_of_copies_each_is_the_copy_of_the_other() -> None:
    pool = torch.eye(4, dtype=torch.float64)[[0, 1, 2, 0]]
    asked = torch.tensor([0, 3, 1])
    found = near_copies(pool_of(pool), asked, pool[asked], pool.mean(dim=0), most=6)
    assert [one.rows.tolist() for one in found] == [[3], [0], []]
    assert near_duplicates(pool[[0, 3]], pool.mean(dim=0)) == 1
