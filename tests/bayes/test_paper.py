"""Moments of the logits as in the paper, against the published numbers, Monte Carlo and the written-out sums."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from alflow.bayes.curvature import Factors
from alflow.bayes.gaussian import gaussian_embeddings, prompt_ensemble
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.embeddings import Activations
from alflow.errors import InvalidInputError
from tests.bayes.conftest import World, make_world, output_covariance, row_covariance
from tests.bayes.paper import Embeddings, LogitMoments, Weights, logit_moments, probit
from tests.bayes.written_out import inverses, published_moments, published_probit

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


def sides(world: World, forms: tuple[str, str] = ("damped", "damped")) -> tuple[Embeddings, Embeddings]:
    """Embeddings of images and of classes, either under the posterior of that form."""
    layers, image, text = world.layers, world.weights(forms[0])[0], world.weights(forms[1])[1]
    return Embeddings.of(world.images, layers.image_weight, image), Embeddings.of(
        world.classes, layers.text_weight, text
    )


def moments_of(world: World, covariance: str = "full", forms: tuple[str, str] = ("damped", "damped")) -> LogitMoments:
    image, text = sides(world, forms)
    if covariance == "diagonal":
        image, text = image.diagonal, text.diagonal
    return logit_moments(image, text, world.layers.scale, world.layers.bias)


@pytest.mark.parametrize("model", ["clip", "siglip"])
def test_diagonal_moments_meet_the_reference(model: str) -> None:
    data = load_file(DATA / f"predictive_{model}.safetensors")
    images, image_weight, image_posterior = reference_side(data, "image")
    texts, text_weight, text_posterior = reference_side(data, "text")
    bias, scale = float(data["logit_bias"]), float(data["log_logit_scale"].exp())
    image = Embeddings.of(images, image_weight, Weights.damped(image_posterior))
    text = Embeddings.of(texts, text_weight, Weights.damped(text_posterior))
    moments = logit_moments(image.diagonal, text.diagonal, scale, bias)
    torch.testing.assert_close(moments.mean, data["logit_mean"] + bias, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(moments.variance, data["logit_variance"], rtol=1e-9, atol=0)
    for rows, weight, posterior, expected in (
        (images, image_weight, image_posterior, image),
        (texts, text_weight, text_posterior, text),
    ):
        found = gaussian_embeddings(rows, weight, posterior)
        torch.testing.assert_close(found.mean, expected.mean, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(found.expected_norm, expected.square_norm.sqrt(), rtol=1e-9, atol=0)


@pytest.mark.parametrize("form", ["damped", "exact"])
def test_g7_full_variance_is_that_of_drawn_products(form: str) -> None:
    """Of g . h over the expected norms, with both weights drawn."""
    world, n_draws = make_world(), 40_000
    generator, forms = torch.Generator().manual_seed(0), (form, form)
    W, V = (
        weights.draws(mean, n_draws, generator)
        for weights, mean in zip(
            world.weights(form), (world.layers.image_weight, world.layers.text_weight), strict=True
        )
    )
    g = W @ world.images.values.T + world.images.residuals.T[None]  # [K D N]
    h = V @ world.classes.values.T  # [K D C]
    on_image, on_text = (side.square_norm.sqrt() for side in sides(world, forms))
    torch.testing.assert_close(g.square().sum(1).mean(0).sqrt(), on_image, rtol=0.01, atol=0)
    torch.testing.assert_close(h.square().sum(1).mean(0).sqrt(), on_text, rtol=0.01, atol=0)

    logits = world.layers.scale * g.transpose(1, 2) @ h / torch.outer(on_image, on_text) + world.layers.bias
    moments = moments_of(world, forms=forms)
    assert ((logits.mean(0) - moments.mean).abs() < 4 * (moments.variance / n_draws).sqrt()).all()
    deviations = (logits - moments.mean).square()
    standard_error = deviations.std(0) / n_draws**0.5
    assert ((deviations.mean(0) - moments.variance).abs() < 4 * standard_error).all()  # 20 numbers: 4 rather than 3


@pytest.mark.parametrize("form", ["damped", "exact"])
def test_g7_diagonal_is_full_where_output_covariances_are_diagonal(form: str) -> None:
    world, forms = make_world(), (form, form)
    whole, rough = moments_of(world, "full", forms), moments_of(world, "diagonal", forms)
    assert not torch.allclose(rough.variance, whole.variance, rtol=1e-3)

    def diagonal(posterior: KroneckerPosterior) -> KroneckerPosterior:
        factors = posterior.spectrum.factors
        only = Factors(factors.A, factors.B.diagonal().diag(), factors.n)
        return KroneckerPosterior.damped(only, posterior.prior_precision, posterior.tau)

    plain = World(
        world.layers, diagonal(world.image_posterior), diagonal(world.text_posterior), world.images, world.classes
    )
    rough = moments_of(plain, "diagonal", forms).variance
    torch.testing.assert_close(rough, moments_of(plain, "full", forms).variance, rtol=1e-12, atol=0)


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_moments_are_the_written_out_variance(covariance: str) -> None:
    world, forms = make_world(), ("exact", "damped")
    image, text = sides(world, forms)
    for n, c in ((0, 0), (3, 2)):
        on_image, on_text = (
            side.basis @ side.variance[row].diag() @ side.basis.T for side, row in ((image, n), (text, c))
        )
        if covariance == "diagonal":
            on_image, on_text = on_image.diagonal().diag(), on_text.diagonal().diag()
        g, h = image.mean[n], text.mean[c]
        variance = g @ on_text @ g + h @ on_image @ h + (on_image * on_text).sum()
        variance = variance * world.layers.scale**2 / (image.square_norm[n] * text.square_norm[c])
        torch.testing.assert_close(moments_of(world, covariance, forms).variance[n, c], variance, rtol=1e-10, atol=0)


def test_diagonal_moments_are_the_published_form() -> None:
    world = make_world()
    g, h = world.images.embed(world.layers.image_weight), world.classes.embed(world.layers.text_weight)
    dense = inverses(*world.posteriors, torch.float64)
    expected = published_moments((world.images.values, g), (world.classes.values, h), dense, world.layers.scale, rows=2)
    found = moments_of(world, "diagonal")
    torch.testing.assert_close(found.mean, expected.mean + world.layers.bias)
    torch.testing.assert_close(found.variance, expected.variance)


class TestPromptEnsemble:
    """Classes of three, one and two prompts: moments of the mean of their embeddings over their lengths."""

    world, counts = make_world(N=5, C=6), (3, 1, 2)
    layers, prompts = world.layers, world.classes.values
    lengths = (prompts @ layers.text_weight.T).norm(dim=1)
    of_class = torch.block_diag(*(torch.full((1, count), 1 / count).double() for count in counts)) / lengths  # [3 6]
    ensemble = prompt_ensemble(world.classes, counts, layers.text_weight)

    def moments(self) -> LogitMoments:
        return moments_of(World(self.layers, *self.world.posteriors, self.world.images, self.ensemble))

    def test_variances_are_the_sums_over_pairs_of_prompts(self) -> None:
        posterior = self.world.text_posterior
        h = self.of_class @ (self.prompts @ self.layers.text_weight.T)  # the ensemble of CLIP
        k = self.of_class @ row_covariance(posterior, self.prompts, self.prompts) @ self.of_class.T  # [3 3]
        text = gaussian_embeddings(self.ensemble, self.layers.text_weight, posterior)
        torch.testing.assert_close(text.mean, h)
        torch.testing.assert_close(text.variance_scale, k.diagonal())
        norms = (h.square().sum(1) + k.diagonal() * output_covariance(posterior).trace()).sqrt()
        torch.testing.assert_close(text.expected_norm, norms)

    def test_moments_are_those_of_drawn_weights(self) -> None:
        n_draws, generator = 40_000, torch.Generator().manual_seed(0)
        W = self.world.weights()[0].draws(self.layers.image_weight, n_draws, generator)
        V = self.world.weights()[1].draws(self.layers.text_weight, n_draws, generator)
        g = W @ self.world.images.values.T + self.world.images.residuals.T[None]  # [K D N]
        h = V @ self.prompts.T @ self.of_class.T  # [K D 3], every prompt through the same draw
        norms = [x.square().sum(1).mean(0).sqrt() for x in (g, h)]
        logits = self.layers.scale * g.transpose(1, 2) @ h / torch.outer(*norms) + self.layers.bias
        moments = self.moments()
        torch.testing.assert_close(logits.mean(0), moments.mean, rtol=0.02, atol=0.05)
        torch.testing.assert_close(logits.var(0), moments.variance, rtol=0.05, atol=0)


class TestProbabilities:
    generator = torch.Generator().manual_seed(3)
    moments = LogitMoments(
        5 * torch.randn(6, 4, dtype=torch.float64, generator=generator),
        20 * torch.rand(6, 4, dtype=torch.float64, generator=generator),
    )

    def test_probit_does_not_see_a_constant_in_all_logits(self) -> None:
        shifted = LogitMoments(self.moments.mean + 25, self.moments.variance)
        torch.testing.assert_close(probit(shifted), probit(self.moments), rtol=1e-12, atol=1e-12)
        assert (published_probit(shifted) - published_probit(self.moments)).abs().max() > 0.01  # the paper's form does

    def test_probit_is_the_softmax_where_nothing_is_uncertain(self) -> None:
        certain = LogitMoments(self.moments.mean, torch.zeros_like(self.moments.variance))
        for form in (probit, published_probit):
            torch.testing.assert_close(form(certain), certain.mean.softmax(1))


def test_a_posterior_of_another_model_is_refused(world: World) -> None:
    with pytest.raises(InvalidInputError, match="import or estimate the posterior of this model"):
        gaussian_embeddings(world.images, world.layers.image_weight, world.text_posterior)
