"""The parts of the uncertainty against the draws that they stand for, and bad input at the door."""

import itertools
from dataclasses import replace

import pytest
import torch

from alflow.bayes.gaussian import check_classes, gaussian_embeddings
from alflow.bayes.spectrum import Spectrum
from alflow.bayes.uncertainty import (
    Uncertainty,
    entropy,
    novelty,
    parts_from_draws,
    stream_draws,
    uncertainty,
)
from alflow.embeddings import Activations
from alflow.errors import InvalidInputError
from tests.bayes.conftest import World
from tests.bayes.written_out import drawn_probabilities, entropies


def test_g9_epistemic_part_of_draws_is_their_mean_divergence() -> None:
    draws = torch.randn(4, 7, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).softmax(-1)
    parts = parts_from_draws(draws)
    mean = draws.mean(1, keepdim=True)
    divergence = (draws * (draws / mean).log()).sum(2).mean(1)
    torch.testing.assert_close(parts.epistemic, divergence, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(parts.total, entropy(draws.mean(1)))
    torch.testing.assert_close(parts.aleatoric, torch.stack([entropy(row).mean() for row in draws]))


def asked(seed: int = 0, n: int = 9, n_classes: int = 6) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Predictions, variances and a covariance of classes."""
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(n_classes, n_classes, dtype=torch.float64, generator=generator)
    Q = root @ root.T
    p = (3 * torch.randn(n, n_classes, dtype=torch.float64, generator=generator)).softmax(1)
    return p, torch.rand(n, dtype=torch.float64, generator=generator), Q / Q.diagonal().mean()


@pytest.mark.parametrize("factor", [0.01, 1.0, 10.0])
def test_parts_are_those_of_draws_whose_mean_is_the_prediction(factor: float) -> None:
    p, v, Q = asked()
    draws = torch.cat(list(stream_draws(p, factor * v, Q, 4096)))
    assert (draws.mean(dim=1) - p).abs().max() < 0.01
    found = uncertainty(p, factor * v, Q, 4096)
    torch.testing.assert_close(Uncertainty(*found), parts_from_draws(draws), rtol=0.02, atol=0.01)
    torch.testing.assert_close(found.total, entropy(p))
    torch.testing.assert_close(found.aleatoric + found.epistemic, found.total)
    for part in found:
        assert (part >= 0).all()


def test_parts_are_those_of_many_plain_draws() -> None:
    """Plain draws around the same centres: a logarithm of the prediction is near enough where the variance is small."""
    p, v, Q = asked()
    plain = drawn_probabilities(p.log(), 0.05 * v, Q, 40_000, torch.Generator().manual_seed(0))
    found = uncertainty(p, 0.05 * v, Q)
    torch.testing.assert_close(found.epistemic, entropies(plain)[1], rtol=0.1, atol=1e-4)


def test_small_variances_give_the_second_order_form() -> None:
    """BALD is 1/2 v tr(F Q), F = diag(p) - p p^T, as v goes to nothing; in single precision too, and if p is near 1."""
    p, v, Q = asked()
    p[0] = torch.tensor([16.0, 2.0, 1.0, 0.0, 0.0, 0.0], dtype=torch.float64).softmax(0)
    dense = [
        0.5 * w * torch.trace((row.diag() - torch.outer(row, row)) @ Q) for row, w in zip(p, 1e-3 * v, strict=True)
    ]
    found = uncertainty(p, 1e-3 * v, Q, 512).epistemic
    torch.testing.assert_close(found, torch.stack(dense), rtol=0.02, atol=0)
    single = uncertainty(p.float(), 1e-3 * v.float(), Q.float(), 512).epistemic
    torch.testing.assert_close(single.double(), found, rtol=0.05, atol=1e-6)


def test_what_all_classes_share_is_no_uncertainty() -> None:
    p, v, Q = asked()
    torch.testing.assert_close(
        uncertainty(p, v, Q + 50, 2048).epistemic, uncertainty(p, v, Q, 2048).epistemic, rtol=0.1, atol=0.01
    )


def test_epistemic_part_rises_with_the_variance_and_total_is_the_entropy() -> None:
    p, v, Q = asked()
    parts = [uncertainty(p, factor * v, Q) for factor in (0.0, 0.1, 1.0, 10.0)]
    for less, more in itertools.pairwise(parts):
        assert (more.epistemic >= less.epistemic - 1e-9).all()
    assert parts[0].epistemic.abs().max() < 1e-12
    for part in parts:
        torch.testing.assert_close(part.total, entropy(p))


def test_draws_of_some_rows_at_a_time_are_those_of_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = uncertainty(*asked(n=40))
    monkeypatch.setattr("alflow.bayes.uncertainty._ENTRIES", 3 * 128 * 6)
    assert [len(block) for block in stream_draws(*asked(n=40))] == [3] * 13 + [1]
    torch.testing.assert_close(uncertainty(*asked(n=40)), whole)
    assert all(len(part) == 0 for part in uncertainty(*asked(n=0)))


def test_entropy_of_a_certain_prediction_is_zero() -> None:
    p = torch.tensor([[1.0, 0.0], [0.5, 0.5]], dtype=torch.float64)
    torch.testing.assert_close(entropy(p), torch.tensor([0.0, 2.0]).double().log().nan_to_num(neginf=0.0))


def test_certain_draws_have_no_uncertainty() -> None:
    parts = parts_from_draws(torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]]]))
    assert torch.equal(torch.stack(parts), torch.zeros(3, 2))


def test_novelty_is_one_on_average_over_the_data_behind_the_factors(world: World) -> None:
    """Squared Mahalanobis length under the damped second moments, over its mean over those data; any direction else."""
    generator = torch.Generator().manual_seed(0)
    data = torch.randn(40, 6, dtype=torch.float64, generator=generator)
    data[:, 5] *= 1e-3  # pretraining hardly saw this direction
    posterior = world.image_posterior
    factors = replace(posterior.spectrum.factors, A=data.T @ data, n=40)
    posterior = replace(posterior, spectrum=Spectrum.of(factors))
    found = novelty(posterior.row_variance(data), posterior)
    torch.testing.assert_close(found.mean(), torch.tensor(1.0).double())
    damped = posterior.tau**0.5 * factors.A / 40**0.5 + posterior.prior_precision**0.5 * torch.eye(6).double()
    lengths = (data @ torch.linalg.inv(damped) * data).sum(1)
    torch.testing.assert_close(found, lengths / lengths.mean())
    usual, strange = torch.eye(6, dtype=torch.float64)[[0, 5]]
    found = novelty(posterior.row_variance(torch.stack([usual, strange])), posterior)
    assert found[1] > 2 * found[0]


def test_activations_that_are_not_finite_are_named(world: World) -> None:
    spoilt = world.images.values.clone()
    spoilt[3, 0] = torch.nan
    with pytest.raises(InvalidInputError, match=r"1 activations are not finite \(first: row 3\)"):
        gaussian_embeddings(Activations(spoilt), world.layers.image_weight, world.image_posterior)


def test_classes_that_cannot_be_told_apart_are_named() -> None:
    rows = torch.eye(3)
    check_classes(Activations(rows))
    for spoilt, message in (
        (rows[:1], "there are 1 classes"),
        (rows[:0], "there are 0 classes"),
        (rows * torch.tensor([[1.0], [0.0], [1.0]]), "class 1 are all zero"),
        (rows[[0, 1, 0]], "classes 0 and 2 have the same text activations"),
        (rows * torch.nan, "not finite"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            check_classes(Activations(spoilt))
    with pytest.raises(InvalidInputError, match="classes 'wren' and 'troglodyte' have the same"):
        check_classes(Activations(rows[[0, 1, 0]]), ["wren", "robin", "troglodyte"])
