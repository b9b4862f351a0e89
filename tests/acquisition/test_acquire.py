"""The chances of rows to be asked about, and rows that the strategy spares."""

from dataclasses import replace

import pytest
import torch

from alflow.acquisition import acquire as module
from alflow.acquisition.acquire import acquire, chances, next_picks
from alflow.acquisition.beliefs import Beliefs
from alflow.acquisition.strategies import STRATEGIES
from tests.acquisition.conftest import MakeWorld

pytestmark = pytest.mark.slow


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


@pytest.mark.parametrize("strategy", [*STRATEGIES, "0.7*epig+0.3*typiclust"])
@pytest.mark.parametrize("behind", [2048, 12])
def test_what_comes_behind_a_batch_is_none_of_it(
    make_world: MakeWorld, strategy: str, behind: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEHIND", behind)
    query, spared = make_world(pool=40).query, torch.arange(40) % 5 == 0
    chosen, control = acquire(query, strategy, 8, 0.25, torch.Generator().manual_seed(0), spared)
    batch = query.pool[torch.cat([chosen.rows, control])]
    after = replace(query, labelled=Beliefs.concatenate([query.labelled, batch]))
    rows, scores = next_picks(after, strategy, 6, chosen, torch.Generator().manual_seed(0))
    assert len(rows) == len(scores) == 6
    assert len({*rows.tolist(), *chosen.rows.tolist(), *control.tolist()}) == 14
    assert not spared[rows].any()
    assert len(next_picks(after, strategy, 0, chosen, torch.Generator())[0]) == 0
    assert len(next_picks(after, strategy, 99, chosen, torch.Generator())[0]) <= behind


@pytest.mark.parametrize("strategy", ["default", "margin", "epig", "epig-conditioned"])
def test_behind_a_batch_come_the_next_picks(make_world: MakeWorld, strategy: str) -> None:
    query = make_world(pool=40).query
    longer, _ = acquire(query, strategy, 14, 0.0, torch.Generator().manual_seed(0))
    chosen, _ = acquire(query, strategy, 8, 0.0, torch.Generator().manual_seed(0))
    after = replace(query, labelled=Beliefs.concatenate([query.labelled, query.pool[chosen.rows]]))
    rows, scores = next_picks(after, strategy, 6, chosen, torch.Generator().manual_seed(0))
    assert torch.equal(rows, longer.rows[8:])
    assert torch.allclose(scores, longer.scores[8:])
