"""Near pairs: those of the whole matrix of cosines, whatever the blocks, and no more than asked for."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from alflow import copies
from alflow.copies import near_pairs


def world(n: int, width: int, n_copies: int, seed: int = 0) -> Tensor:
    """Rows with a falling spectrum, the last of which are nearly the first."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(n, width, generator=generator) * torch.arange(1, width + 1) ** -0.5
    noise = torch.randn(n_copies, width, generator=generator)
    rows[n - n_copies :] = rows[:n_copies] + 0.1 * rows[:n_copies].norm(dim=1, keepdim=True) * noise / width**0.5
    return normalize(rows, dim=1)


def written_out(rows: Tensor, least: float, new_from: int = 0) -> set[tuple[int, int]]:
    near = ((rows @ rows.T) >= least).tril(-1).nonzero().tolist()
    return {(j, i) for i, j in near if i >= new_from}


@pytest.mark.parametrize(("n", "width", "tall", "wide"), [(300, 200, 64, 128), (300, 200, 1024, 8192), (97, 7, 10, 33)])
@pytest.mark.parametrize("new_from", [0, 50, 96])
def test_they_are_those_of_the_whole_matrix(
    n: int, width: int, tall: int, wide: int, new_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "_TALL", tall)
    monkeypatch.setattr(copies, "_WIDE", wide)
    rows = world(n, width, 40)
    found = near_pairs(rows, 0.9, 10_000, new_from)
    pairs = list(zip(found.first.tolist(), found.second.tolist(), strict=True))
    assert set(pairs) == written_out(rows, 0.9, new_from)
    assert len(set(pairs)) == len(pairs) > 0
    assert all(first < second for first, second in pairs)
    exact = (rows[found.first] * rows[found.second]).sum(dim=1)
    torch.testing.assert_close(found.cosine, exact)
    assert found.cosine.tolist() == sorted(found.cosine.tolist(), reverse=True)


def test_a_pile_of_the_same_image_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "_TALL", 50)
    rows = torch.cat([world(200, 64, 5), world(1, 64, 0).expand(300, 64)])
    found = near_pairs(rows, 0.9, 100)
    assert len(found) == 100
    assert found.cosine.min() > 0.999


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_rows_have_no_pairs(n: int) -> None:
    assert len(near_pairs(world(2, 8, 0)[:n], 0.9, 10)) == 0
    assert len(near_pairs(world(3, 8, 0)[:2], 0.999, 10)) == 0
