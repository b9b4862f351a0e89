"""The chances of rows to be asked about, and rows that the strategy spares."""

import pytest
import torch

from alflow.acquisition.acquire import acquire, chances
from tests.acquisition.conftest import MakeWorld


def test_rows_are_asked_about_as_often_as_their_chances_say(make_world: MakeWorld) -> None:
    query = make_world(pool=30).query
    counts, expected = torch.zeros(30), torch.zeros(30, dtype=torch.float64)
    n = 300
    for seed in range(n):
        generator = torch.Generator().manual_seed(seed)
        chosen, control = acquire(query, "power-bald", 12, 0.25, generator)
        found = chances(query, "power-bald", chosen, control, generator)
        assert found is not None
        counts[torch.cat([chosen.rows, control])] += 1
        expected += found / n
    assert expected.sum() == pytest.approx(12, abs=0.3)
    assert torch.allclose(counts.double() / n, expected, atol=0.11)
    assert (counts.double() / n - expected).abs().mean() < 0.03
    chosen, control = acquire(query, "margin", 12, 0.25, torch.Generator().manual_seed(0))
    assert chances(query, "margin", chosen, control, torch.Generator()) is None


def test_spared_rows_are_left_to_the_control_slice(make_world: MakeWorld) -> None:
    query, spared = make_world(pool=20).query, torch.arange(20) < 15
    chosen, control = acquire(query, "margin", 10, 0.3, torch.Generator().manual_seed(0), spared)
    assert not spared[chosen.rows].any()
    assert len(control) == 3
    assert len(chosen.rows) == 5 - int((~spared[control]).sum())
    everything = torch.ones(20, dtype=torch.bool)
    chosen, control = acquire(query, "margin", 10, 0.3, torch.Generator().manual_seed(0), everything)
    assert (len(chosen.rows), len(control)) == (0, 3)
    chosen, control = acquire(query, "margin", 10, 0.0, torch.Generator().manual_seed(0), everything)
    assert (len(chosen.rows), len(control)) == (10, 0)  # a round has to ask something
