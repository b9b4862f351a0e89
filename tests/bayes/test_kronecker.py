"""Elementwise forms against the dense matrix over all weights."""

import jaxtyping
import pytest
import torch
from torch import Tensor

from alflow.bayes.curvature import Factors, pair_factors
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.bayes.spectrum import Spectrum
from alflow.errors import InvalidInputError
from tests.bayes.conftest import World, make_world, random_factors

EXACT = {"rtol": 1e-10, "atol": 1e-10}


def dense_precision(posterior: KroneckerPosterior) -> Tensor:
    """[DP DP], the weights row-major."""
    A, B = posterior.spectrum.factors.published_form()
    tau, precision = posterior.tau, posterior.prior_precision
    if posterior.form == "exact":
        whole = tau * torch.kron(B, A)
        return whole + precision * torch.eye(len(whole), dtype=whole.dtype)
    damped = [tau**0.5 * X + precision**0.5 * torch.eye(len(X), dtype=X.dtype) for X in (B, A)]
    return torch.kron(*damped)


def as_matrix(operator, D: int, P: int) -> Tensor:
    """The dense matrix of a linear map on [D P]."""
    columns = [operator(unit.reshape(D, P)).reshape(-1) for unit in torch.eye(D * P, dtype=torch.float64)]
    return torch.stack(columns, dim=1)


def test_g3_logdet_inverse_and_root_are_those_of_the_dense_matrix(world: World) -> None:
    posterior = world.image_posterior
    D, P = world.layers.image_weight.shape
    precision = dense_precision(posterior)
    assert posterior.logdet == pytest.approx(float(torch.logdet(precision)), abs=1e-10, rel=1e-10)
    torch.testing.assert_close(as_matrix(posterior.times_precision, D, P), precision, **EXACT)
    torch.testing.assert_close(as_matrix(posterior.times_covariance, D, P), torch.linalg.inv(precision), **EXACT)
    root = as_matrix(posterior.times_root, D, P)
    torch.testing.assert_close(root @ root, torch.linalg.inv(precision), **EXACT)


@pytest.mark.parametrize("power", [0.0, 1e-3, 1.0])
def test_a_discounted_posterior_counts_pretraining_by_its_power(world: World, power: float) -> None:
    posterior = world.image_posterior.discounted(power)
    whole = dense_precision(world.image_posterior)
    if power == 1:
        torch.testing.assert_close(dense_precision(posterior), whole, **EXACT)
    if power == 0:  # what is left is the prior: all directions alike
        prior = posterior.prior_precision * torch.eye(len(whole), dtype=whole.dtype)
        torch.testing.assert_close(dense_precision(posterior), prior, **EXACT)
    D, P = world.layers.image_weight.shape
    torch.testing.assert_close(as_matrix(posterior.times_precision, D, P), dense_precision(posterior), **EXACT)
    values = world.images.values
    features = posterior.features(values)
    torch.testing.assert_close(features @ features.T, posterior.row_covariance(values, values), **EXACT)
    if posterior.form == "damped":
        for x in values[:3]:
            covariance = posterior.row_variance(x[None]) * posterior.output_covariance
            torch.testing.assert_close(covariance, embedding_covariance(posterior, x, x), **EXACT)
    A = posterior.spectrum.factors.A.double()  # sum of phi phi^T over the pretraining pairs
    k = float((posterior.features(torch.linalg.cholesky(A).T)).square().sum()) / posterior.spectrum.factors.n
    assert posterior.mean_row_variance == pytest.approx(k, rel=1e-6)


@pytest.mark.parametrize("power", [-0.1, 1.5, float("nan")])
def test_a_power_outside_0_and_1_is_refused(world: World, power: float) -> None:
    with pytest.raises(InvalidInputError, match="number from 0 to 1"):
        world.image_posterior.discounted(power)


def embedding_covariance(posterior: KroneckerPosterior, phi: Tensor, other: Tensor) -> Tensor:
    """Cov(W phi, W phi') [D D] from the dense covariance of the weights."""
    D = len(posterior.spectrum.b)
    outputs = torch.eye(D, dtype=phi.dtype)
    left, right = torch.kron(outputs, phi[None]), torch.kron(outputs, other[None])  # [D DP]
    return left @ torch.linalg.inv(dense_precision(posterior)) @ right.T


def test_kernel_times_output_covariance_is_the_covariance_of_embeddings(damped_world: World) -> None:
    posterior, (x, y) = damped_world.image_posterior, damped_world.images.values[:2]
    k = posterior.row_covariance(x[None], y[None])
    torch.testing.assert_close(k * posterior.output_covariance, embedding_covariance(posterior, x, y), **EXACT)
    torch.testing.assert_close(posterior.row_variance(x[None]), posterior.row_covariance(x[None], x[None])[0], **EXACT)


def test_exact_form_gives_exact_variances_and_a_kernel_of_the_same_total(world: World) -> None:
    posterior, values = world.image_posterior, world.images.values
    basis = posterior.spectrum.output_basis
    for value, variance in zip(values, posterior.output_variance(values), strict=True):
        covariance = embedding_covariance(posterior, value, value)
        torch.testing.assert_close(basis @ variance.diag() @ basis.T, covariance, **EXACT)
    # Summed over white activations, kernel and exact variance agree along every output direction.
    white = posterior.spectrum.row_basis.T
    summed = posterior.row_variance(white).sum() * posterior.output_spectrum
    torch.testing.assert_close(posterior.output_variance(white).sum(0), summed, **EXACT)


def test_g6_covariance_of_embeddings_meets_draws(world: World) -> None:
    posterior, mean = world.image_posterior, world.layers.image_weight
    n_draws = 200_000
    phi = world.images.values[:2]
    draws = posterior.draws(mean, n_draws, torch.Generator().manual_seed(0))
    g = (draws - mean) @ phi.T  # [K D 2]
    D = len(mean)
    found = torch.einsum("kdn,kem->ndme", g, g).reshape(2 * D, 2 * D) / n_draws
    expected = torch.cat([torch.cat([embedding_covariance(posterior, x, y) for y in phi], 1) for x in phi])
    deviation = expected.diagonal().sqrt()
    assert ((found - expected) / torch.outer(deviation, deviation)).abs().max() < 5 / n_draws**0.5


def test_draws_are_repeatable_and_follow_their_generator(damped_world: World) -> None:
    mean = damped_world.layers.image_weight.float()
    first, again = (damped_world.image_posterior.draws(mean, 3, torch.Generator().manual_seed(1)) for _ in range(2))
    assert first.dtype == torch.float32
    assert torch.equal(first, again)


@pytest.mark.parametrize("form", ["damped", "exact"])
def test_tempered_scales_the_covariance_and_leaves_the_kernel(form: str) -> None:
    world = make_world(form)
    posterior = world.image_posterior
    cooler = posterior.tempered(0.5).tempered(0.2)
    weight, values = world.layers.image_weight, world.images.values
    torch.testing.assert_close(cooler.times_covariance(weight), 0.1 * posterior.times_covariance(weight))
    torch.testing.assert_close(cooler.output_covariance, 0.1 * posterior.output_covariance)
    torch.testing.assert_close(cooler.output_variance(values), 0.1 * posterior.output_variance(values))
    torch.testing.assert_close(cooler.row_variance(values), posterior.row_variance(values))


def test_g14_online_update_is_the_batch_refit(damped_world: World) -> None:
    world = damped_world
    posterior, weight = world.image_posterior, world.layers.image_weight
    texts = world.classes.embed(world.layers.text_weight)
    new = [pair_factors(x[None], x[None] @ weight.T, texts, world.layers) for x in world.images.values]

    online = posterior
    for factors in new:
        online = online.update(factors, weight=2.0)

    whole = posterior.spectrum.factors
    A = whole.A + 2 * sum(factors.A for factors in new)
    B = whole.B + 2 * sum(factors.B for factors in new)
    refit = KroneckerPosterior.damped(Factors(A, B, whole.n + 2 * len(new)), 30.0, 10.0)
    torch.testing.assert_close(online.output_covariance, refit.output_covariance, **EXACT)
    values = world.images.values
    torch.testing.assert_close(online.row_covariance(values, values), refit.row_covariance(values, values), **EXACT)


def test_single_and_half_precision_rows_are_taken(damped_world: World) -> None:
    posterior, values = damped_world.image_posterior, damped_world.images.values
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

    def test_a_posterior_of_factors_not_decomposed_yet_has_the_same_door(self) -> None:
        spoilt = self.good.A.clone()
        spoilt[0, 0] = torch.nan
        with pytest.raises(InvalidInputError, match="factor A has entries that are not finite"):
            Spectrum.when_asked(Factors(spoilt, self.good.B, 10))
        indefinite = Factors(self.good.A - 0.5 * self.good.A.trace() * torch.eye(4), self.good.B, 10)
        posterior = KroneckerPosterior.damped(Spectrum.when_asked(indefinite), 1e-9, 1.0)
        with pytest.raises(InvalidInputError, match="factor A is indefinite"):
            posterior.features(torch.eye(4))
        # Round-off below zero counts as zero, also where the prior is too weak to lift it.
        rounded = Factors(torch.ones(4, 4) - 1e-6 * torch.eye(4), self.good.B.float(), 10)
        k = KroneckerPosterior.damped(Spectrum.when_asked(rounded), 1e-20, 1.0).row_variance(torch.eye(4).double())
        assert (k > 0.7e10).all()  # three quarters of each axis lie where only the prior's sqrt(lambda) = 1e-10 is

    def test_counts_and_precisions_must_be_positive(self) -> None:
        with pytest.raises(InvalidInputError, match="count 0 pairs"):
            Spectrum.of(Factors(self.good.A, self.good.B, 0))
        with pytest.raises(InvalidInputError, match="prior precision is 0"):
            KroneckerPosterior.damped(self.good, 0.0, 1.0)
        with pytest.raises(InvalidInputError, match="tau is nan"):
            KroneckerPosterior.exact(self.good, 1.0, float("nan"))

    def test_rows_and_layers_of_another_model_are_named(self) -> None:
        posterior = KroneckerPosterior.damped(self.good, 1.0, 1.0)
        with pytest.raises(InvalidInputError, match="5 wide, but the posterior's factor A is 4 wide"):
            posterior.row_variance(torch.zeros(2, 5, dtype=torch.float64))
        with pytest.raises(InvalidInputError, match=r"P=4, D=3, but the layer's weight is \(3, 5\)"):
            posterior.check_weight(torch.zeros(3, 5))
