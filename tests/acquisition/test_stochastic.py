from itertools import product
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from alflow.acquisition import stochastic as module
from alflow.acquisition.scores import bald
from alflow.acquisition.stochastic import batch_bald, gumbel_top_k

INFORMATION = Path(__file__).parent.parent / "data" / "information.safetensors"


def random_draws(n, n_draws, n_classes, seed=0, sharpness=2.0):
    generator = torch.Generator().manual_seed(seed)
    return (sharpness * torch.randn(n, n_draws, n_classes, generator=generator, dtype=torch.float64)).softmax(dim=2)


def information(batch):
    """I(labels of the batch; draw), by enumerating every configuration of labels."""
    joint = torch.stack([
        torch.stack([row[:, one] for row, one in zip(batch, labels, strict=True)]).prod(dim=0)
        for labels in product(range(batch.shape[2]), repeat=len(batch))
    ])  # [C^b K]
    mean = joint.mean(dim=1)
    return -torch.xlogy(mean, mean).sum() + torch.xlogy(joint, joint).sum(dim=0).mean()


def test_g13_greedy_batch_bald_is_the_enumerated_one():
    draws = random_draws(12, 7, 3)
    found = batch_bald(draws, 4, torch.Generator())
    rows, value = [], torch.zeros((), dtype=torch.float64)
    for place in range(4):
        gains = [
            -torch.inf if row in rows else float(information(draws[[*rows, row]]) - value) for row in range(len(draws))
        ]
        rows.append(max(range(len(draws)), key=gains.__getitem__))
        assert found.scores[place] == pytest.approx(max(gains), abs=1e-10)
        value = information(draws[rows])
    assert found.rows.tolist() == rows
    torch.testing.assert_close(found.all_scores, bald(draws))


def test_looking_at_few_rows_changes_nothing(monkeypatch):
    draws = random_draws(60, 6, 3, seed=3)
    whole = batch_bald(draws, 5, torch.Generator())
    monkeypatch.setattr(module, "_ROWS", 2)
    assert batch_bald(draws, 5, torch.Generator()).rows.tolist() == whole.rows.tolist()


def test_sampled_configurations_estimate_the_enumerated_information(monkeypatch):
    draws = random_draws(5, 6, 3, seed=1)
    exact = information(draws)
    monkeypatch.setattr(module, "MAX_CONFIGURATIONS", 60)
    estimates = torch.stack([
        batch_bald(draws, 5, torch.Generator().manual_seed(seed)).scores.sum() for seed in range(40)
    ])
    assert (estimates.mean() - exact).abs() < 4 * estimates.std() / 40**0.5 + 0.01


def test_copies_add_nothing_to_certain_labels():
    """Labels that follow from the draw: a copy of a pick tells nothing more, whatever its own BALD."""
    sure = torch.eye(3, dtype=torch.float64)[torch.tensor([[0, 1, 2, 0], [0, 1, 2, 0], [0, 0, 0, 1]])]  # [N K C]
    found = batch_bald(sure, 3, torch.Generator())
    assert sorted(found.rows[:2].tolist()) in ([0, 2], [1, 2])
    assert found.scores[2] == pytest.approx(0, abs=1e-12)


def test_batch_bald_meets_the_reference():
    reference = load_file(INFORMATION)
    found = batch_bald(reference["pool_probs"], 3, torch.Generator())
    assert found.rows.tolist() == reference["batchbald_rows"].tolist()
    torch.testing.assert_close(found.scores.cumsum(0), reference["batchbald_values"], rtol=0, atol=1e-9)


@pytest.mark.slow
def test_gumbel_top_k_draws_in_proportion_to_the_scores():
    score = torch.tensor([4.0, 3.0, 2.0, 1.0, 0.0])
    generator, draws = torch.Generator().manual_seed(0), 5000
    first = torch.zeros(5)
    for _ in range(draws):
        first[gumbel_top_k(score, 1, generator).rows] += 1
    expected = score / 10
    assert ((first / draws - expected).abs() < 4 * (expected * (1 - expected) / draws).sqrt() + 1e-9).all()


def test_gumbel_scores_are_the_selection_probabilities():
    score = torch.tensor([4.0, 3.0, 2.0, 1.0])
    found = gumbel_top_k(score, 4, torch.Generator().manual_seed(1))
    left = 10.0
    for row, probability in zip(found.rows.tolist(), found.scores.tolist(), strict=True):
        assert probability == pytest.approx(score[row].item() / left)
        left -= score[row].item()
    assert found.rows.unique().tolist() == [0, 1, 2, 3]
