"""Elementwise forms against the dense matrix over all weights; of the exact form they are in `tests.bayes.paper`."""

import jaxtyping
import pytest
import torch
from torch import Tensor

from alflow.bayes.curvature import Factors, pair_factors
from alflow.bayes.gaussian import gaussian_embeddings
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.bayes.spectrum import Spectrum
from alflow.errors import InvalidInputError
from tests.bayes.conftest import World, output_covariance, random_factors, row_covariance
from tests.bayes.paper import Embeddings

EXACT = {"rtol": 1e-10, "atol": 1e-10}


def dense_precision(posterior: KroneckerPosterior, form: str = "damped") -> Tensor:
    """[DP DP], the weights row-major."""
    A, B = posterior.spectrum.factors.published_form()
    tau, precision = posterior.tau, posterior.prior_precision
    if form == "exact":
        whole = tau * torch.kron(B, A)
        return whole + precision * torch.eye(len(whole), dtype=whole.dtype)
    damped = [tau**0.5 * X + precision**0.5 * torch.eye(len(X), dtype=X.dtype) for X in (B, A)]
    return torch.kron(*damped)


def as_matrix(operator, D: int, P: int) -> Tensor:
    """The dense matrix of a linear map on [D P]."""
    columns = [operator(unit.reshape(D, P)).reshape(-1) for unit in torch.eye(D * P, dtype=torch.float64)]
    return torch.stack(columns, dim=1)


@pytest.mark.parametrize("form", ["damped", "exact"])
def test_g3_logdet_inverse_and_root_are_those_of_the_dense_matrix(world: World, form: str) -> None:
    weights, (D, P) = world.weights(form)[0], world.layers.image_weight.shape
    precision = dense_precision(world.image_posterior, form)
    assert weights.logdet == pytest.approx(float(torch.logdet(precision)), abs=1e-10, rel=1e-10)
    torch.testing.assert_close(as_matrix(lambda weight: weights.times(weight, -1), D, P), precision, **EXACT)
    torch.testing.assert_close(as_matrix(lambda weight: weights.times(weight, 1), D, P), precision.inverse(), **EXACT)
    root = as_matrix(lambda weight: weights.times(weight, 0.5), D, P)
    torch.testing.assert_close(root @ root, precision.inverse(), **EXACT)


def test_g3_row_root_and_outputs_are_the_inverse_of_the_dense_matrix(world: World) -> None:
    posterior = world.image_posterior
    whole = torch.kron(output_covariance(posterior), posterior.row_root @ posterior.row_root.T)
    torch.testing.assert_close(whole, dense_precision(posterior).inverse(), **EXACT)
    assert torch.equal(posterior.row_root.triu(1), torch.zeros_like(posterior.row_root))


def embedding_covariance(posterior: KroneckerPosterior, phi: Tensor, other: Tensor, form: str = "damped") -> Tensor:
    """Cov(W phi, W phi') [D D] from the dense covariance of the weights."""
    outputs = torch.eye(len(posterior.spectrum.b), dtype=phi.dtype)
    left, right = torch.kron(outputs, phi[None]), torch.kron(outputs, other[None])  # [D DP]
    return left @ torch.linalg.inv(dense_precision(posterior, form)) @ right.T


def test_kernel_times_output_covariance_is_the_covariance_of_embeddings(world: World) -> None:
    posterior, (x, y) = world.image_posterior, world.images.values[:2]
    k = row_covariance(posterior, x[None], y[None])
    torch.testing.assert_close(k * output_covariance(posterior), embedding_covariance(posterior, x, y), **EXACT)
    torch.testing.assert_close(posterior.row_variance(x[None]), row_covariance(posterior, x[None], x[None])[0], **EXACT)


def test_rows_are_streamed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = world.image_posterior.row_variance(world.images.values)
    monkeypatch.setattr("alflow.bayes.kronecker._ROWS_AT_ONCE", 2)
    torch.testing.assert_close(world.image_posterior.row_variance(world.images.values), whole)


def test_mean_row_variance_is_that_of_the_pairs_behind_the_factors(world: World) -> None:
    posterior = world.image_posterior
    pairs = torch.linalg.cholesky(posterior.spectrum.factors.A).T  # A = sum of phi phi^T over the pretraining pairs
    k = float(posterior.row_variance(pairs).sum()) / posterior.spectrum.factors.n
    assert posterior.mean_row_variance == pytest.approx(k, rel=1e-6)


@pytest.mark.parametrize("form", ["damped", "exact"])
def test_variances_of_embeddings_are_those_of_the_dense_matrix(world: World, form: str) -> None:
    embeddings = Embeddings.of(world.images, world.layers.image_weight, world.weights(form)[0])
    for value, variance in zip(world.images.values, embeddings.variance, strict=True):
        covariance = embedding_covariance(world.image_posterior, value, value, form)
        torch.testing.assert_close(embeddings.basis @ variance.diag() @ embeddings.basis.T, covariance, **EXACT)
    if form == "damped":
        image = gaussian_embeddings(world.images, world.layers.image_weight, world.image_posterior)
        torch.testing.assert_close(image.total_variance, embeddings.variance.sum(1))
        torch.testing.assert_close(image.expected_norm, embeddings.square_norm.sqrt())


@pytest.mark.slow
@pytest.mark.parametrize("form", ["damped", "exact"])
def test_g6_covariance_of_embeddings_meets_draws(world: World, form: str) -> None:
    mean, n_draws = world.layers.image_weight, 200_000
    phi = world.images.values[:2]
    draws = world.weights(form)[0].draws(mean, n_draws, torch.Generator().manual_seed(0))
    g = (draws - mean) @ phi.T  # [K D 2]
    D = len(mean)
    found = torch.einsum("kdn,kem->ndme", g, g).reshape(2 * D, 2 * D) / n_draws
    posterior = world.image_posterior
    expected = torch.cat([torch.cat([embedding_covariance(posterior, x, y, form) for y in phi], 1) for x in phi])
    deviation = expected.diagonal().sqrt()
    assert ((found - expected) / torch.outer(deviation, deviation)).abs().max() < 5 / n_draws**0.5


def test_g14_online_update_is_the_batch_refit(world: World) -> None:
    known, weight = world.image_posterior.spectrum.factors, world.layers.image_weight
    texts = world.classes.embed(world.layers.text_weight)
    new = [pair_factors(x[None], x[None] @ weight.T, texts, world.layers) for x in world.images.values]

    online = known
    for factors in new:
        online = online.merge(factors, weight=2.0)

    A = known.A + 2 * sum(factors.A for factors in new)
    B = known.B + 2 * sum(factors.B for factors in new)
    updated, refit = (
        KroneckerPosterior.damped(factors, 30.0, 10.0) for factors in (online, Factors(A, B, known.n + 2 * len(new)))
    )
    torch.testing.assert_close(output_covariance(updated), output_covariance(refit), **EXACT)
    values = world.images.values
    torch.testing.assert_close(row_covariance(updated, values, values), row_covariance(refit, values, values), **EXACT)


def test_single_and_half_precision_rows_are_taken(world: World) -> None:
    posterior, values = world.image_posterior, world.images.values
    exact = posterior.row_variance(values)
    torch.testing.assert_close(posterior.row_variance(values.float()).double(), exact, rtol=1e-5, atol=0)
    half = posterior.row_variance(values.half())
    assert half.dtype == torch.float32
    torch.testing.assert_close(half.double(), exact, rtol=1e-2, atol=0)


class TestDoor:
    good = random_factors(4, 3, 10, torch.Generator().manual_seed(0))

    def test_a_factor_must_be_square(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # no shape checker stands before a real door
        with pytest.raises(InvalidInputError, match=r"factor B is \(2, 3\), not square"):
            Spectrum.of(Factors(self.good.A, self.good.B[:2], 10))

    def test_a_factor_must_be_finite(self) -> None:
        spoilt = self.good.A.clone()
        spoilt[0, 0] = torch.nan
        with pytest.raises(InvalidInputError, match="factor A has entries that are not finite"):
            Spectrum.of(Factors(spoilt, self.good.B, 10))

    def test_a_factor_must_be_symmetric(self) -> None:
        spoilt = self.good.A.clone()
        spoilt[0, 1] += 0.1 * spoilt.abs().max()
        with pytest.raises(InvalidInputError, match="factor A is not symmetric"):
            Spectrum.of(Factors(spoilt, self.good.B, 10))

    def test_a_factor_must_not_be_indefinite(self) -> None:
        with pytest.raises(InvalidInputError, match="factor B is indefinite"):
            Spectrum.of(Factors(self.good.A, self.good.B - 0.5 * self.good.B.trace() * torch.eye(3), 10))

    def test_round_off_below_zero_is_zero(self) -> None:
        low_rank = torch.ones(4, 4)  # float32, eigenvalues 4, 0, 0, 0 up to round-off
        assert Spectrum.of(Factors(low_rank - 1e-7 * torch.eye(4), self.good.B, 10)).a.min() == 0

    def test_round_off_below_zero_needs_no_prior_to_lift_it(self) -> None:
        rounded = Factors(torch.ones(4, 4) - 1e-6 * torch.eye(4), self.good.B.float(), 10)
        k = KroneckerPosterior.damped(rounded, 1e-20, 1.0).row_variance(torch.eye(4).double())
        assert (k > 0.7e10).all()  # three quarters of each axis lie where only the prior's sqrt(lambda) = 1e-10 is

    def test_counts_and_precisions_must_be_positive(self) -> None:
        with pytest.raises(InvalidInputError, match="count 0 pairs"):
            Spectrum.of(Factors(self.good.A, self.good.B, 0))
        with pytest.raises(InvalidInputError, match="prior precision is 0"):
            KroneckerPosterior.damped(self.good, 0.0, 1.0)
        with pytest.raises(InvalidInputError, match="tau is nan"):
            KroneckerPosterior.damped(self.good, 1.0, float("nan"))

    def test_rows_and_layers_of_another_model_are_named(self) -> None:
        posterior = KroneckerPosterior.damped(self.good, 1.0, 1.0)
        with pytest.raises(InvalidInputError, match="5 wide, but the posterior's factor A is 4 wide"):
            posterior.row_variance(torch.zeros(2, 5, dtype=torch.float64))
        with pytest.raises(InvalidInputError, match=r"P=4, D=3, but the layer's weight is \(3, 5\)"):
            posterior.check_weight(torch.zeros(3, 5))
