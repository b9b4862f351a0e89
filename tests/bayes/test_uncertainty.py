"""What is cached, streamed or split off against what it stands for, and bad input at the door."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from alflow.bayes.draws import stream_top_draws
from alflow.bayes.gaussian import check_classes, gaussian_embeddings
from alflow.bayes.logits import (
    ClassCovariances,
    LogitMoments,
    cache_classes,
    cache_images,
    cached_moments,
    cached_scales,
    class_covariances,
    joint_scales,
    logit_moments,
    stream_cache,
)
from alflow.bayes.spectrum import Spectrum
from alflow.bayes.uncertainty import (
    class_uncertainty,
    drawn_parts,
    entropy,
    monte_carlo,
    novelty,
    parts_from_draws,
    uncertainty_parts,
    variance_share,
)
from alflow.embeddings import Activations, LastLayers
from alflow.errors import InvalidInputError
from tests.bayes.conftest import World, make_world
from tests.bayes.test_draws import joint_gaussian, sides
from tests.bayes.written_out import elementwise_moments, inverses, published_moments


def test_g9_epistemic_part_of_draws_is_their_mean_divergence() -> None:
    draws = torch.randn(4, 7, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).softmax(-1)
    parts = parts_from_draws(draws)
    mean = draws.mean(1, keepdim=True)
    divergence = (draws * (draws / mean).log()).sum(2).mean(1)
    torch.testing.assert_close(parts.epistemic, divergence, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(parts.total, entropy(draws.mean(1)))
    torch.testing.assert_close(parts.aleatoric, torch.stack([entropy(row).mean() for row in draws]))


def test_certain_draws_have_no_uncertainty() -> None:
    parts = parts_from_draws(torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]]]))
    assert torch.equal(torch.stack(parts), torch.zeros(3, 2))


def test_epistemic_part_survives_a_large_shared_covariance_in_single_precision() -> None:
    """Cosine logits share most of their covariance, and diag(p) - p p^T does not see it."""
    generator = torch.Generator().manual_seed(0)
    root = 0.02 * torch.randn(6, 6, dtype=torch.float64, generator=generator)
    p = torch.randn(9, 6, dtype=torch.float64, generator=generator).softmax(1)
    own, shared = root @ root.T, 100 * torch.ones(6, 6, dtype=torch.float64)
    scale, nothing = torch.ones(9), torch.zeros(6, 6)
    exact = uncertainty_parts(p, scale.double(), scale.double(), ClassCovariances(own, nothing.double(), 0.0))
    both = ClassCovariances((own + shared).float(), nothing, 0.0)
    found = uncertainty_parts(p.float(), scale, scale, both)
    # What remains is the rounding of Q itself, 6e-8 of the shared part.
    torch.testing.assert_close(found.epistemic.double(), exact.epistemic, rtol=0.05, atol=1e-5)


def test_epistemic_part_of_all_but_certain_predictions_survives_single_precision() -> None:
    """p near 1: diag(p) - p p^T is a difference of two nearly equal numbers, if it is taken."""
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(4, 4, dtype=torch.float64, generator=generator)
    covariances = ClassCovariances(root @ root.T + 50, torch.zeros(4, 4, dtype=torch.float64), 0.0)
    p = (torch.tensor([[12.0], [16.0], [20.0]]) * torch.tensor([1.0, 0.1, 0.05, 0.0])).double().softmax(1)
    scale = torch.full((3,), 1e-3, dtype=torch.float64)
    exact = uncertainty_parts(p, scale, scale, covariances).epistemic
    dense = [0.5e-3 * torch.trace((row.diag() - torch.outer(row, row)) @ (root @ root.T)) for row in p]
    torch.testing.assert_close(exact, torch.stack(dense), rtol=1e-6, atol=0)
    single = ClassCovariances(covariances.Q.float(), covariances.S.float(), 0.0)
    found = uncertainty_parts(p.float(), scale.float(), scale.float(), single).epistemic
    torch.testing.assert_close(found.double(), exact, rtol=1e-4, atol=0)


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_cached_scalars_give_the_moments_for_other_classes(world: World, covariance: str) -> None:
    image, _ = sides(world)
    kept = cache_images(image, world.text_posterior, covariance)
    other = make_world(C=6)
    text = gaussian_embeddings(other.classes, world.layers.text_weight, world.text_posterior)
    classes = cache_classes(text, *world.posteriors, world.layers, covariance)
    expected = logit_moments(image, text, *world.posteriors, world.layers, covariance)
    found = cached_moments(kept, classes)
    torch.testing.assert_close(found.mean, expected.mean)
    torch.testing.assert_close(found.variance, expected.variance)
    if world.image_posterior.form == "damped":
        assert kept.spread.shape[1] == kept.across.shape[1] == 1  # with the norm, three scalars an image


def test_cached_scales_are_the_joint_scales(world: World) -> None:
    image, _ = sides(world)
    kept = cache_images(image, world.text_posterior)
    for found, expected in zip(
        cached_scales(kept, world.text_posterior, 0.3), joint_scales(image, world.text_posterior, 0.3), strict=True
    ):
        torch.testing.assert_close(found, expected)


def test_streamed_chunks_are_the_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alflow.bayes.logits._ROWS", 2)
    image, _ = sides(world)
    whole = cache_images(image, world.text_posterior)
    g = world.images.embed(world.layers.image_weight)
    for known in (None, g):
        parts = list(stream_cache(world.images, world.layers, *world.posteriors, mean=known))
        assert [len(part) for part in parts] == [2, 2, 1]
        joined = type(whole).concatenate(parts)
        torch.testing.assert_close(joined.direction, whole.direction)
        torch.testing.assert_close(joined.spread, whole.spread)
        torch.testing.assert_close(joined.across, whole.across)
        torch.testing.assert_close(joined.image_scale, whole.image_scale)


@pytest.mark.parametrize("form", [elementwise_moments, published_moments])
def test_diagonal_moments_are_the_written_out_form(form: Callable[..., LogitMoments]) -> None:
    world = make_world()
    g, h = world.images.embed(world.layers.image_weight), world.classes.embed(world.layers.text_weight)
    dense = inverses(*world.posteriors, torch.float64)
    expected = form((world.images.values, g), (world.classes.values, h), dense, world.layers.scale, rows=2)
    image, text = sides(world)
    found = logit_moments(image, text, *world.posteriors, world.layers, "diagonal")
    torch.testing.assert_close(found.mean, expected.mean + world.layers.bias)
    torch.testing.assert_close(found.variance, expected.variance)


def test_kernel_in_half_precision_is_within_a_hundredth(damped_world: World) -> None:
    world = damped_world
    layers = LastLayers(world.layers.image_weight.float(), world.layers.text_weight.float(), 8.0, -2.0)
    images = Activations(world.images.values.float(), world.images.residuals.float())
    single = gaussian_embeddings(images, layers.image_weight, world.image_posterior)
    half = gaussian_embeddings(images, layers.image_weight, world.image_posterior, product_dtype=torch.bfloat16)
    assert half.variance_scale.dtype == torch.float32
    torch.testing.assert_close(half.variance_scale, single.variance_scale, rtol=0.01, atol=0)
    assert torch.equal(half.mean, single.mean)


def test_drawn_parts_add_up_and_agree_with_all_classes_drawn() -> None:
    mean, scales, covariances = joint_gaussian(make_world(N=40, C=12, P=20, D=8))
    exact = drawn_parts(mean, scales, covariances, n_classes=12, n_draws=4096)
    fast = drawn_parts(mean, scales, covariances, n_classes=6, n_draws=256)
    torch.testing.assert_close(fast.aleatoric + fast.epistemic, fast.total)
    for part in fast:
        assert (part >= 0).all()
    assert torch.corrcoef(torch.stack([fast.epistemic, exact.epistemic]))[0, 1] > 0.98


def test_draws_of_some_rows_at_a_time_are_those_of_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows there are, draws take no more memory than one block of them."""
    asked = joint_gaussian(make_world(N=40, C=12, P=20, D=8))
    whole = monte_carlo(*asked, 6, 64), *drawn_parts(*asked, 6, 64)
    monkeypatch.setattr("alflow.bayes.draws._DRAWS_AT_ONCE", 3 * 64 * 7)
    assert [len(drawn.classes) for drawn in stream_top_draws(*asked, 6, 64)] == [3] * 13 + [1]
    for found, expected in zip((monte_carlo(*asked, 6, 64), *drawn_parts(*asked, 6, 64)), whole, strict=True):
        torch.testing.assert_close(found, expected)


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
    if posterior.form == "damped":
        damped = posterior.tau**0.5 * factors.A / 40**0.5 + posterior.prior_precision**0.5 * torch.eye(6).double()
        lengths = (data @ torch.linalg.inv(damped) * data).sum(1)
        torch.testing.assert_close(found, lengths / lengths.mean())
    torch.testing.assert_close(novelty(posterior.row_variance(data), posterior.tempered(0.1)), found)
    usual, strange = torch.eye(6, dtype=torch.float64)[[0, 5]]
    found = novelty(posterior.row_variance(torch.stack([usual, strange])), posterior)
    assert found[1] > 2 * found[0]


def test_variance_share_is_what_the_mean_leaves_of_the_expected_square_norm(world: World) -> None:
    image, _ = sides(world)
    torch.testing.assert_close(variance_share(image), 1 - image.direction.square().sum(1))
    stranger = Activations(100 * world.images.values, world.images.residuals)
    found = variance_share(gaussian_embeddings(stranger, 0 * world.layers.image_weight, world.image_posterior))
    assert (found > 0.9).all()


def test_name_of_a_class_adds_its_own_deviation(damped_world: World) -> None:
    """The deviation of the logit where only the text projection is drawn."""
    world, n_draws = damped_world, 40_000
    image, text = sides(world)
    covariances = class_covariances(*world.posteriors, text, world.classes, world.layers.scale)
    r = joint_scales(image, world.text_posterior, 0.0)[1]
    V = world.text_posterior.draws(world.layers.text_weight, n_draws, torch.Generator().manual_seed(0))
    z = world.layers.scale * image.direction @ (V @ world.classes.values.T) / text.expected_norm  # [K N C]
    expected = z.var(dim=0).mean(dim=0).sqrt()
    found = class_uncertainty(text, covariances, r)
    torch.testing.assert_close(found.logit_deviation, expected, rtol=0.02, atol=0)
    torch.testing.assert_close(found.variance_share, variance_share(text))


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
