"""Factors without captions: the sums written out, and nearer to those of pairs than the images alone bring them."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from alflow.bayes.curvature import infonce_curvature, siglip_curvature
from alflow.bayes.without_pairs import MOVED, factors_without_pairs, move_images
from alflow.embeddings import Activations, LastLayers
from alflow.errors import InvalidInputError

D, SCALE = 10, 30.0
SLOPE, NOISE = 0.3, 0.05


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


LAYERS = LastLayers(normal(D, 7, seed=0), normal(D, 6, seed=1), SCALE)
IMAGES, TEXTS = Activations(normal(20, 7, seed=2), 0.1 * normal(20, D, seed=3)), Activations(normal(30, 6, seed=4))


def test_images_are_moved_by_the_slope_of_their_regression_on_texts() -> None:
    g, h = IMAGES.embed(LAYERS.image_weight), TEXTS.embed(LAYERS.text_weight)
    moved = move_images(g, h, SCALE, 50, generator())
    picked = torch.randint(20, (50,), generator=generator())
    unit, texts = normalize(g, dim=1), normalize(h, dim=1)
    p = (SCALE * unit @ texts.T).softmax(1)
    shown, centre = p @ texts, (p @ texts).mean(0)
    above = sum((shown[i] - centre) @ (unit[i] - unit.mean(0)) for i in range(20))
    below = sum(p[i, j] * (texts[j] - centre).square().sum() for i in range(20) for j in range(30))
    for row in range(50):
        i, j = int(picked[row]), row % 30
        expected = normalize(unit[i] + above / below * (texts[j] - shown[i]), dim=0) * g[i].norm()
        torch.testing.assert_close(moved[row], expected)


@pytest.mark.parametrize("parts", [[20], [1, 12, 7]])
def test_factors_are_the_sums_written_out(parts: list[int]) -> None:
    rows = torch.arange(20).split(parts)
    image, text = factors_without_pairs(LAYERS, (IMAGES[part] for part in rows), TEXTS, 1000, generator())
    g, h = IMAGES.embed(LAYERS.image_weight), TEXTS.embed(LAYERS.text_weight)
    moved = move_images(g, h, SCALE, MOVED, generator())
    assert (image.n, text.n) == (20, 30)
    torch.testing.assert_close(image.A, IMAGES.values.T @ IMAGES.values)
    torch.testing.assert_close(text.A, TEXTS.values.T @ TEXTS.values)
    torch.testing.assert_close(image.B, infonce_curvature(moved, h, SCALE) * 20 / MOVED)
    torch.testing.assert_close(text.B, infonce_curvature(h, moved, SCALE))


def test_the_sigmoid_loss_counts_as_many_others_as_pretraining_had() -> None:
    layers = replace(LAYERS, bias=-5.0, likelihood="sigmoid")
    image, text = factors_without_pairs(layers, [IMAGES], TEXTS, 1000, generator())
    g, h = IMAGES.embed(LAYERS.image_weight), TEXTS.embed(LAYERS.text_weight)
    moved = move_images(g, h, SCALE, MOVED, generator())
    torch.testing.assert_close(image.B, siglip_curvature(moved, h, SCALE, -5.0) * 20 / MOVED * 1000 / 30)
    torch.testing.assert_close(text.B, siglip_curvature(h, moved, SCALE, -5.0) * 1000 / MOVED)


def test_a_narrow_pool_comes_near_to_the_curvature_of_pretraining() -> None:
    """Images are a slope times their text, and much of their own; those of the pool show three of 300 texts.

    Of all 300 the model knows which text an image shows, as training makes it: by Bayes' rule s = slope / noise^2.
    """
    texts = torch.cat([normalize(normal(300, D - 1, seed=5), dim=1), torch.zeros(300, 1)], dim=1)
    scale, apart = SLOPE / NOISE**2, torch.eye(D, dtype=torch.float64)[-1]  # images and texts lie apart

    def photos(shown: Tensor, seed: int) -> Tensor:
        return normalize(apart + SLOPE * texts[shown] + NOISE * normal(len(shown), D, seed=seed), dim=1)

    pairs, pool = photos(torch.arange(3000) % 300, 7), photos(torch.arange(300) % 3, 8)
    moved = move_images(pool, texts, scale, 3000, generator())

    def errors(rows: Tensor, others: Tensor) -> list[float]:
        """Of the mean curvature of either side, relative to that of pairs."""
        wanted = infonce_curvature(pairs, texts, scale) / len(pairs), infonce_curvature(texts, pairs, scale)
        found = infonce_curvature(rows, texts, scale) / len(rows), infonce_curvature(texts, others, scale)
        return [float((a - b).norm() / b.norm()) for a, b in zip(found, wanted, strict=True)]

    assert all(less < 0.5 * more for less, more in zip(errors(moved, moved), errors(pool, pool), strict=True))


@pytest.mark.parametrize("likelihood", ["softmax", "sigmoid"])
def test_two_images_and_two_texts_are_enough_and_fewer_are_refused(likelihood: str) -> None:
    layers = replace(LAYERS, likelihood=likelihood)
    two = torch.arange(2)
    for images in (IMAGES[two], IMAGES[torch.zeros(2, dtype=torch.int64)]):  # also two that are the same
        for factors in factors_without_pairs(layers, [images], TEXTS[two], 100, generator()):
            assert factors.B.isfinite().all()
            assert (
                torch.linalg.eigvalsh(factors.B)[0] > -1e-9 * factors.B.norm() - 1e-30
            )  # of what is nothing, rounding is all
    for images, texts in ((IMAGES[two[:1]], TEXTS), (IMAGES, TEXTS[two[:1]])):
        with pytest.raises(InvalidInputError, match="needs two images and two texts"):
            factors_without_pairs(layers, [images], texts, 100, generator())
    with pytest.raises(InvalidInputError, match="needs two images and two texts, not 0 and 30"):
        factors_without_pairs(layers, [], TEXTS, 100, generator())


def test_activations_that_are_not_finite_are_named() -> None:
    broken = Activations(IMAGES.values.index_fill(0, torch.tensor([4]), float("nan")), IMAGES.residuals)
    with pytest.raises(InvalidInputError, match="some image activations are not finite"):
        factors_without_pairs(LAYERS, [broken], TEXTS, 100, generator())
    with pytest.raises(InvalidInputError, match="some text activations are not finite"):
        factors_without_pairs(LAYERS, [IMAGES], Activations(TEXTS.values / 0), 100, generator())
