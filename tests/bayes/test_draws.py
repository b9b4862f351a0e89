"""Joint draws against the weights they stand for; restricted draws against draws of everything."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from alflow.bayes.draws import centred
from alflow.bayes.gaussian import gaussian_embeddings
from alflow.bayes.logits import class_covariances, joint_scales, logit_moments
from alflow.bayes.uncertainty import monte_carlo, parts_from_draws
from alflow.errors import InvalidInputError
from tests.bayes.conftest import World, make_world
from tests.bayes.written_out import drawn_probabilities, entropies, top_draws


def sides(world: World):
    image = gaussian_embeddings(world.images, world.layers.image_weight, world.image_posterior)
    return image, gaussian_embeddings(world.classes, world.layers.text_weight, world.text_posterior)


def joint_gaussian(world: World):
    """Mean, scales and covariances of the logits."""
    image, text = sides(world)
    mean = logit_moments(image, text, *world.posteriors, world.layers).mean
    covariances = class_covariances(*world.posteriors, text, world.classes, world.layers.scale)
    return mean, joint_scales(image, world.text_posterior, covariances.trace), covariances


def test_moments_of_drawn_weights_are_the_closed_form(world: World) -> None:
    image, text = sides(world)
    n_draws, generator = 1_500, torch.Generator().manual_seed(6)
    W = world.image_posterior.draws(world.layers.image_weight, n_draws, generator)
    V = world.text_posterior.draws(world.layers.text_weight, n_draws, generator)
    norms = torch.outer(image.expected_norm, text.expected_norm)
    cosines = [world.images.embed(w) @ world.classes.embed(v).T / norms for w, v in zip(W, V, strict=True)]
    z = world.layers.scale * torch.stack(cosines, dim=1) + world.layers.bias
    moments = logit_moments(image, text, *world.posteriors, world.layers)
    assert ((z.mean(1) - moments.mean).abs() < 4 * (moments.variance / n_draws).sqrt()).all()
    squares = (z - moments.mean[:, None]).square()
    assert ((squares.mean(1) - moments.variance).abs() < 4 * squares.std(1) / n_draws**0.5).all()


def test_monte_carlo_is_that_of_many_plain_draws(damped_world: World) -> None:
    mean, scales, covariances = joint_gaussian(damped_world)
    n_draws = 40_000
    draws = drawn_probabilities(mean, scales, covariances, n_draws, torch.Generator().manual_seed(0))
    error = draws.std(1) / n_draws**0.5
    found = monte_carlo(mean, scales, covariances, n_classes=4, n_draws=4096)
    assert ((found - draws.mean(1)).abs() < 4 * error + 1e-4).all()
    total, epistemic = entropies(draws)
    parts = parts_from_draws(top_draws(mean, scales, covariances, 4, 4096).probabilities)
    torch.testing.assert_close(parts.total, total, rtol=0.01, atol=1e-3)
    torch.testing.assert_close(parts.epistemic, epistemic, rtol=0.03, atol=1e-3)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_aleatoric_part_of_restricted_draws_is_their_mean_entropy(damped_world: World, n_classes: int) -> None:
    """Two of the four classes, and all of them, where nothing is left for the others."""
    mean, scales, covariances = joint_gaussian(damped_world)
    for sharpness in (1.0, 50.0):
        drawn = top_draws(sharpness * mean, scales, covariances, n_classes, 64)
        torch.testing.assert_close(drawn.aleatoric, parts_from_draws(drawn.probabilities).aleatoric)
        single = [part.float() for part in (sharpness * mean, *scales)]
        found = top_draws(single[0], (single[1], single[2]), covariances, n_classes, 64)
        torch.testing.assert_close(found.aleatoric.double(), drawn.aleatoric, rtol=1e-3, atol=1e-5)


def test_restricted_draws_do_not_see_what_all_classes_share(damped_world: World) -> None:
    mean, scales, covariances = joint_gaussian(damped_world)
    shifted = replace(covariances, Q=covariances.Q + 50, S=covariances.S + 7)
    torch.testing.assert_close(monte_carlo(mean + 25, scales, shifted), monte_carlo(mean, scales, covariances))


def test_restricted_prediction_sums_to_one_and_is_the_softmax_without_noise(damped_world: World) -> None:
    mean, (k, r), covariances = joint_gaussian(damped_world)
    torch.testing.assert_close(monte_carlo(mean, (k, r), covariances, 2, 32).sum(1), torch.ones(5).double())
    still = (1e-12 * k, 1e-12 * r)
    torch.testing.assert_close(monte_carlo(mean, still, covariances), mean.softmax(1), rtol=1e-4, atol=1e-6)


def test_centring_leaves_differences_alone() -> None:
    X = torch.randn(4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    X = X @ X.T
    Y = centred(X)

    def differences(Z: Tensor) -> Tensor:
        return Z.diagonal()[:, None] + Z.diagonal() - 2 * Z

    torch.testing.assert_close(differences(X), differences(Y))
    torch.testing.assert_close(Y.sum(0), torch.zeros(4).double())


def test_one_class_is_refused() -> None:
    mean, scales, covariances = joint_gaussian(make_world(C=1))
    with pytest.raises(InvalidInputError, match="only one class"):
        monte_carlo(mean, scales, covariances)
