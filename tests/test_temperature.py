"""Temperature scaling against its definition: the temperature that labels were drawn with, and no better one near."""

import statistics

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from alflow.bayes.fit import folds
from alflow.errors import InvalidInputError
from alflow.metrics import nlpd
from alflow.temperature import CAUTIOUS, COLDEST, HOTTEST, cross_fitted, fit_temperature, temperature_scaled


def drawn(temperature: float, n: int = 4000, C: int = 6, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Logits, and labels drawn from softmax(logits / temperature)."""
    generator = torch.Generator().manual_seed(seed)
    z = 3 * torch.randn(n, C, dtype=torch.float64, generator=generator) + 25
    return z, torch.multinomial((z / temperature).softmax(1), 1, generator=generator)[:, 0]


@pytest.mark.parametrize("true", [0.4, 1.0, 3.0])
def test_the_temperature_that_made_the_labels_is_found(true: float) -> None:
    z, labels = drawn(true)
    found = fit_temperature(z, labels)
    p = (z / true).softmax(1)
    variance = (p * z.square()).sum(1) - (p * z).sum(1).square()
    standard_error = true**2 / float(variance.sum()) ** 0.5  # Fisher information in 1 / T
    assert abs(found - true) < 4 * standard_error


@pytest.mark.slow
@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.integers(1, 60), st.floats(0.2, 5.0))
def test_no_other_temperature_is_likelier(seed: int, n: int, true: float) -> None:
    z, labels = drawn(true, n, seed=seed)
    best = fit_temperature(z, labels)
    least = float(nlpd(temperature_scaled(z, best), labels))
    for other in torch.logspace(-3, 3, 61, dtype=torch.float64).tolist():
        assert least <= float(nlpd(temperature_scaled(z, other), labels)) + 1e-9


def test_a_constant_added_to_the_logits_changes_nothing() -> None:
    z, labels = drawn(2.0, n=200)
    assert fit_temperature(z - 25, labels) == pytest.approx(fit_temperature(z, labels), rel=1e-8)


def test_labels_that_no_finite_temperature_fits_meet_the_bounds() -> None:
    z = torch.tensor([[2.0, 1.0, 0.0], [5.0, 1.0, 1.0]])
    assert fit_temperature(z, torch.tensor([0, 0])) == COLDEST
    assert fit_temperature(z, torch.tensor([2, 2])) == HOTTEST


def test_scaling_moves_no_maximum() -> None:
    z, _ = drawn(1.0, n=50)
    p = temperature_scaled(z, 7.0)
    assert torch.equal(p.argmax(1), z.argmax(1))
    torch.testing.assert_close(p.sum(1), torch.ones(50, dtype=torch.float64))


def test_every_item_is_judged_by_the_labels_of_the_others() -> None:
    z, labels = drawn(2.0, n=83)
    found, mean = cross_fitted(z, labels, torch.Generator().manual_seed(3))
    dealt = folds(labels, torch.Generator().manual_seed(3))
    temperatures = [fit_temperature(z[dealt != fold], labels[dealt != fold]) for fold in range(5)]
    for fold, temperature in enumerate(temperatures):
        torch.testing.assert_close(found[dealt == fold], temperature_scaled(z[dealt == fold], temperature))
    assert mean == pytest.approx(statistics.geometric_mean(temperatures))


@pytest.mark.parametrize("n", [2, 3, 7])
def test_a_few_labels_that_are_all_predicted_right_make_nothing_certain(n: int) -> None:
    z = torch.eye(3)[torch.arange(n) % 3]
    _, mean = cross_fitted(z, torch.arange(n) % 3, torch.Generator().manual_seed(0))
    assert mean == pytest.approx(CAUTIOUS)
    with pytest.raises(InvalidInputError, match="give two at least"):
        cross_fitted(z[:1], torch.tensor([0]), torch.Generator().manual_seed(0))


def test_what_cannot_be_fitted_is_refused() -> None:
    z, labels = drawn(1.0, n=5)
    with pytest.raises(InvalidInputError, match="0 labels for 0 rows"):
        fit_temperature(z[:0], labels[:0])
    with pytest.raises(InvalidInputError, match="none of the 6 classes"):
        fit_temperature(z, labels + 6)
    with pytest.raises(InvalidInputError, match="not finite"):
        fit_temperature(z * torch.inf, labels)
