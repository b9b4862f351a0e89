"""Moments of the logits against the reference, Monte Carlo and the written-out sums."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from alflow.bayes.curvature import Factors
from alflow.bayes.gaussian import gaussian_embeddings, prompt_ensemble
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.bayes.logits import LogitMoments, class_covariances, joint_scales, logit_moments
from alflow.bayes.probabilities import probit
from alflow.bayes.uncertainty import entropy
from alflow.embeddings import Activations, LastLayers
from alflow.errors import InvalidInputError
from tests.bayes.conftest import World, make_world
from tests.bayes.written_out import published_probit

DATA = Path(__file__).parents[1] / "data"


def with_constant(values: Tensor) -> Tensor:
    return torch.cat([values, torch.ones(len(values), 1, dtype=values.dtype)], dim=1)


def reference_side(data: dict[str, Tensor], side: str) -> tuple[Activations, Tensor, KroneckerPosterior]:
    """Activations, weight and posterior of one tower; a bias that the factors cover becomes a column of the weight."""
    values, weight, bias = (data[f"{side}_{name}"] for name in ("activations", "weight", "bias"))
    A, B = data[f"A_{side}"], data[f"B_{side}"]
    if len(A) == values.shape[1] + 1:
        values, weight = with_constant(values), torch.cat([weight, bias[:, None]], dim=1)
    residuals = data[f"{side}_embeddings"] - values @ weight.T
    factors = Factors.published(A, B, n=1000)
    posterior = KroneckerPosterior.damped(factors, float(data[f"prior_precision_{side}"]), float(data["tau"]))
    return Activations(values, residuals), weight, posterior


def moments_of(world: World, covariance: str = "full") -> LogitMoments:
    image = gaussian_embeddings(world.images, world.layers.image_weight, world.image_posterior)
    text = gaussian_embeddings(world.classes, world.layers.text_weight, world.text_posterior)
    return logit_moments(image, text, *world.posteriors, world.layers, covariance)


@pytest.mark.parametrize("model", ["clip", "siglip"])
def test_diagonal_moments_meet_the_reference(model: str) -> None:
    data = load_file(DATA / f"predictive_{model}.safetensors")
    images, image_weight, image_posterior = reference_side(data, "image")
    texts, text_weight, text_posterior = reference_side(data, "text")
    bias = float(data["logit_bias"])
    layers = LastLayers(image_weight, text_weight, float(data["log_logit_scale"].exp()), bias)
    image = gaussian_embeddings(images, image_weight, image_posterior)
    text = gaussian_embeddings(texts, text_weight, text_posterior)
    moments = logit_moments(image, text, image_posterior, text_posterior, layers, "diagonal")
    torch.testing.assert_close(moments.mean, data["logit_mean"] + bias, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(moments.variance, data["logit_variance"], rtol=1e-9, atol=0)


def expected_norms(world: World) -> tuple[Tensor, Tensor]:
    image = gaussian_embeddings(world.images, world.layers.image_weight, world.image_posterior)
    text = gaussian_embeddings(world.classes, world.layers.text_weight, world.text_posterior)
    return image.expected_norm, text.expected_norm


@pytest.mark.parametrize("form", ["damped", "exact"])
def test_g7_full_variance_is_that_of_drawn_products(form: str) -> None:
    """Of g . h over the expected norms, with both weights drawn."""
    world, n_draws = make_world(form), 40_000
    generator = torch.Generator().manual_seed(0)
    W = world.image_posterior.draws(world.layers.image_weight, n_draws, generator)
    V = world.text_posterior.draws(world.layers.text_weight, n_draws, generator)
    g = W @ world.images.values.T + world.images.residuals.T[None]  # [K D N]
    h = V @ world.classes.values.T  # [K D C]
    on_image, on_text = expected_norms(world)
    torch.testing.assert_close(g.square().sum(1).mean(0).sqrt(), on_image, rtol=0.01, atol=0)
    torch.testing.assert_close(h.square().sum(1).mean(0).sqrt(), on_text, rtol=0.01, atol=0)

    logits = world.layers.scale * g.transpose(1, 2) @ h / torch.outer(on_image, on_text) + world.layers.bias
    moments = moments_of(world)
    assert ((logits.mean(0) - moments.mean).abs() < 4 * (moments.variance / n_draws).sqrt()).all()
    deviations = (logits - moments.mean).square()
    standard_error = deviations.std(0) / n_draws**0.5
    assert ((deviations.mean(0) - moments.variance).abs() < 4 * standard_error).all()  # 20 numbers: 4 rather than 3


@pytest.mark.parametrize("form", ["damped", "exact"])
def test_g7_diagonal_is_full_where_output_covariances_are_diagonal(form: str) -> None:
    world = make_world(form)
    assert not torch.allclose(moments_of(world, "diagonal").variance, moments_of(world).variance, rtol=1e-3)

    def diagonal(posterior: KroneckerPosterior) -> KroneckerPosterior:
        factors = posterior.spectrum.factors
        make = KroneckerPosterior.exact if form == "exact" else KroneckerPosterior.damped
        only = Factors(factors.A, factors.B.diagonal().diag(), factors.n)
        return make(only, posterior.prior_precision, posterior.tau)

    plain = World(
        world.layers, diagonal(world.image_posterior), diagonal(world.text_posterior), world.images, world.classes
    )
    torch.testing.assert_close(moments_of(plain, "diagonal").variance, moments_of(plain).variance, rtol=1e-12, atol=0)


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_mixed_forms_of_the_two_posteriors_agree_with_the_written_out_variance(covariance: str) -> None:
    damped, exact = make_world("damped"), make_world("exact")
    world = World(damped.layers, exact.image_posterior, damped.text_posterior, damped.images, damped.classes)
    image = gaussian_embeddings(world.images, world.layers.image_weight, world.image_posterior)
    text = gaussian_embeddings(world.classes, world.layers.text_weight, world.text_posterior)
    basis = world.image_posterior.spectrum.output_basis
    for n, c in ((0, 0), (3, 2)):
        on_image = basis @ image.output_variance[n].diag() @ basis.T
        on_text = text.variance_scale[c] * world.text_posterior.output_covariance
        if covariance == "diagonal":
            on_image, on_text = on_image.diagonal().diag(), on_text.diagonal().diag()
        g, h = image.mean[n], text.mean[c]
        variance = g @ on_text @ g + h @ on_image @ h + (on_image * on_text).sum()
        variance = variance * (world.layers.scale / (image.expected_norm[n] * text.expected_norm[c])) ** 2
        torch.testing.assert_close(moments_of(world, covariance).variance[n, c], variance, rtol=1e-10, atol=0)


def test_joint_covariance_of_classes_and_images_is_that_of_draws(damped_world: World) -> None:
    """Cov(z_c(x), z_c'(x*)) = k Q + (r + k trace) S, for every pair of (image, class) pairs."""
    world, n_draws = damped_world, 40_000
    generator = torch.Generator().manual_seed(1)
    g = world.image_posterior.draws(world.layers.image_weight, n_draws, generator) @ world.images.values.T
    g = g + world.images.residuals.T[None]
    h = world.text_posterior.draws(world.layers.text_weight, n_draws, generator) @ world.classes.values.T
    on_image, on_text = expected_norms(world)
    z = (world.layers.scale * g.transpose(1, 2) @ h / torch.outer(on_image, on_text)).reshape(n_draws, -1)  # [K NC]
    found = torch.cov(z.T)

    image = gaussian_embeddings(world.images, world.layers.image_weight, world.image_posterior)
    text = gaussian_embeddings(world.classes, world.layers.text_weight, world.text_posterior)
    joint = class_covariances(*world.posteriors, text, world.classes, world.layers.scale)
    values = world.images.values
    k = world.image_posterior.row_covariance(values, values) / torch.outer(on_image, on_image)
    r = image.direction @ world.text_posterior.output_covariance @ image.direction.T
    expected = torch.kron(k, joint.Q) + torch.kron(r + k * joint.trace, joint.S)
    deviation = expected.diagonal().sqrt()
    assert ((found - expected) / torch.outer(deviation, deviation)).abs().max() < 8 / n_draws**0.5

    on_q, on_s = joint_scales(image, world.text_posterior, joint.trace)
    torch.testing.assert_close(on_q, k.diagonal())
    torch.testing.assert_close(on_s, (r + k * joint.trace).diagonal())
    marginal = torch.outer(on_q, joint.Q.diagonal()) + torch.outer(on_s, joint.S.diagonal())
    torch.testing.assert_close(marginal, moments_of(world).variance)


class TestPromptEnsemble:
    """Classes of three, one and two prompts: moments of the mean of their embeddings over their lengths."""

    world, counts = make_world(N=5, C=6), (3, 1, 2)
    layers, prompts = world.layers, world.classes.values
    lengths = (prompts @ layers.text_weight.T).norm(dim=1)
    of_class = torch.block_diag(*(torch.full((1, count), 1 / count).double() for count in counts)) / lengths  # [3 6]
    ensemble = prompt_ensemble(world.classes, counts, layers.text_weight)

    def moments(self) -> LogitMoments:
        return moments_of(World(self.layers, *self.world.posteriors, self.world.images, self.ensemble))

    def test_moments_are_the_sums_over_pairs_of_prompts(self) -> None:
        image_posterior, text_posterior = self.world.posteriors
        h = self.of_class @ (self.prompts @ self.layers.text_weight.T)  # the ensemble of CLIP
        k = self.of_class @ text_posterior.row_covariance(self.prompts, self.prompts) @ self.of_class.T  # [3 3]
        image = gaussian_embeddings(self.world.images, self.layers.image_weight, image_posterior)
        text = gaussian_embeddings(self.ensemble, self.layers.text_weight, text_posterior)
        found = class_covariances(*self.world.posteriors, text, self.ensemble, self.layers.scale)
        norms = (h.square().sum(1) + k.diagonal() * text_posterior.output_covariance.trace()).sqrt()
        torch.testing.assert_close(text.expected_norm, norms)
        torch.testing.assert_close(found.S, self.layers.scale**2 * k / torch.outer(norms, norms))
        for n in range(len(self.world.images)):
            on_image = image.variance_scale[n] * image_posterior.output_covariance
            for c in range(3):
                on_text = k[c, c] * text_posterior.output_covariance
                g, size = image.mean[n], self.layers.scale / (image.expected_norm[n] * norms[c])
                variance = g @ on_text @ g + h[c] @ on_image @ h[c] + (on_image * on_text).sum()
                torch.testing.assert_close(self.moments().variance[n, c], size**2 * variance)
                torch.testing.assert_close(self.moments().mean[n, c], size * (g @ h[c]) + self.layers.bias)

    def test_moments_are_those_of_drawn_weights(self) -> None:
        n_draws, generator = 40_000, torch.Generator().manual_seed(0)
        W = self.world.image_posterior.draws(self.layers.image_weight, n_draws, generator)
        V = self.world.text_posterior.draws(self.layers.text_weight, n_draws, generator)
        g = W @ self.world.images.values.T + self.world.images.residuals.T[None]  # [K D N]
        h = V @ self.prompts.T @ self.of_class.T  # [K D 3], every prompt through the same draw
        norms = [x.square().sum(1).mean(0).sqrt() for x in (g, h)]
        logits = self.layers.scale * g.transpose(1, 2) @ h / torch.outer(*norms) + self.layers.bias
        moments = self.moments()
        torch.testing.assert_close(logits.mean(0), moments.mean, rtol=0.02, atol=0.05)
        torch.testing.assert_close(logits.var(0), moments.variance, rtol=0.05, atol=0)


def test_tempered_embeddings_are_those_of_the_tempered_posterior(world: World) -> None:
    whole = gaussian_embeddings(world.images, world.layers.image_weight, world.image_posterior)
    cooler = gaussian_embeddings(world.images, world.layers.image_weight, world.image_posterior.tempered(0.2))
    torch.testing.assert_close(whole.tempered(0.2).expected_norm, cooler.expected_norm)
    torch.testing.assert_close(whole.tempered(0.2).variance_scale, cooler.variance_scale)
    rows = torch.tensor([3, 0])
    torch.testing.assert_close(whole[rows].expected_norm, whole.expected_norm[rows])


class TestProbabilities:
    generator = torch.Generator().manual_seed(3)
    moments = LogitMoments(
        5 * torch.randn(6, 4, dtype=torch.float64, generator=generator),
        20 * torch.rand(6, 4, dtype=torch.float64, generator=generator),
    )

    def test_g8_probit_does_not_see_a_constant_in_all_logits(self) -> None:
        shifted = LogitMoments(self.moments.mean + 25, self.moments.variance)
        torch.testing.assert_close(probit(shifted), probit(self.moments), rtol=1e-12, atol=1e-12)
        assert (published_probit(shifted) - published_probit(self.moments)).abs().max() > 0.01  # the paper's form does

    def test_probit_is_the_softmax_where_nothing_is_uncertain(self) -> None:
        certain = LogitMoments(self.moments.mean, torch.zeros_like(self.moments.variance))
        for form in (probit, published_probit):
            torch.testing.assert_close(form(certain), certain.mean.softmax(1))

    def test_entropy_of_a_certain_prediction_is_zero(self) -> None:
        p = torch.tensor([[1.0, 0.0], [0.5, 0.5]], dtype=torch.float64)
        torch.testing.assert_close(entropy(p), torch.tensor([0.0, 2.0]).double().log().nan_to_num(neginf=0.0))


def test_everything_runs_in_single_precision() -> None:
    world = make_world()
    single = World(
        LastLayers(world.layers.image_weight.float(), world.layers.text_weight.float(), 8.0, -2.0),
        *world.posteriors,
        Activations(world.images.values.float(), world.images.residuals.float()),
        Activations(world.classes.values.float()),
    )
    exact, moments = moments_of(world), moments_of(single)
    assert moments.mean.dtype == moments.variance.dtype == torch.float32
    torch.testing.assert_close(moments.mean.double(), exact.mean, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(moments.variance.double(), exact.variance, rtol=1e-4, atol=1e-5)


def test_a_posterior_of_another_model_is_refused(damped_world: World) -> None:
    with pytest.raises(InvalidInputError, match="import or estimate the posterior of this model"):
        gaussian_embeddings(damped_world.images, damped_world.layers.image_weight, damped_world.text_posterior)
