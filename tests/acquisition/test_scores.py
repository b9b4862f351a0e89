import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from alflow.acquisition.scores import bald, entropy, least_confidence, margin

INFORMATION = Path(__file__).parent.parent / "data" / "information.safetensors"


@pytest.fixture
def draws():
    """[N K C], sharp enough that some probabilities underflow to zero."""
    logits = 400 * torch.randn(12, 9, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return logits.softmax(dim=2)


def test_scores_of_rows_that_are_known_by_heart():
    rows = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.25, 0.25, 0.5]], dtype=torch.float64)
    torch.testing.assert_close(least_confidence(rows), torch.tensor([0.0, 0.5, 0.5], dtype=torch.float64))
    torch.testing.assert_close(margin(rows), torch.tensor([0.0, 1.0, 0.75], dtype=torch.float64))
    torch.testing.assert_close(entropy(rows), torch.tensor([0.0, math.log(2), 1.5 * math.log(2)], dtype=torch.float64))


def test_g9_bald_is_the_mean_divergence_from_the_mean(draws):
    """Ground truth G9: H - E H = mean KL(p_k, p) = Jensen-Shannon divergence of the draws."""
    assert (draws == 0).any()
    mean = draws.mean(dim=1, keepdim=True)
    divergence = (torch.xlogy(draws, draws) - torch.xlogy(draws, mean)).sum(dim=2).mean(dim=1)
    torch.testing.assert_close(bald(draws), divergence, rtol=0, atol=1e-12)


def test_bald_meets_the_reference():
    reference = load_file(INFORMATION)
    torch.testing.assert_close(bald(reference["pool_probs"]), reference["bald"], rtol=0, atol=1e-9)


@given(st.integers(0, 1000), st.floats(0.01, 50))
def test_bald_lies_between_nothing_and_the_entropy(seed, sharpness):
    generator = torch.Generator().manual_seed(seed)
    draws = (sharpness * torch.randn(5, 6, 4, generator=generator, dtype=torch.float64)).softmax(dim=2)
    score = bald(draws)
    assert (score >= -1e-12).all()
    assert (score <= entropy(draws.mean(dim=1)) + 1e-12).all()
    assert (score <= math.log(6) + 1e-12).all()  # six draws cannot tell more than which of six


def test_bald_of_equal_draws_is_nothing(draws):
    torch.testing.assert_close(bald(draws[:, :1].expand(-1, 5, -1)), torch.zeros(12, dtype=torch.float64))
