"""Joint draws against the weights they stand for; restricted draws against draws of everything."""

import torch
from torch import Tensor

from alflow.bayes.draws import centred
from alflow.bayes.gaussian import gaussian_embeddings
from alflow.bayes.logits import logit_moments
from tests.bayes.conftest import World


def sides(world: World):
    image = gaussian_embeddings(world.images, world.layers.image_weight, world.image_posterior)
    return image, gaussian_embeddings(world.classes, world.layers.text_weight, world.text_posterior)


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


def test_centring_leaves_differences_alone() -> None:
    X = torch.randn(4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    X = X @ X.T
    Y = centred(X)

    def differences(Z: Tensor) -> Tensor:
        return Z.diagonal()[:, None] + Z.diagonal() - 2 * Z

    torch.testing.assert_close(differences(X), differences(Y))
    torch.testing.assert_close(Y.sum(0), torch.zeros(4).double())
