from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from scipy.linalg import sqrtm

from alflow.bayes.gaussian import gaussian_embeddings
from alflow.bayes.wasserstein import lift
from tests.bayes.conftest import World, output_covariance
from tests.bayes.written_out import squared_wasserstein

DATA = Path(__file__).parents[1] / "data"


def test_distances_meet_the_reference() -> None:
    data = load_file(DATA / "wasserstein.safetensors")
    trace = float(data["shared_variance"].sum())
    left, right = (lift(data[f"mean_{side}"], data[f"scale_{side}"], trace) for side in "ab")
    torch.testing.assert_close(squared_wasserstein(left, right), data["squared_w2"], rtol=1e-9, atol=0)


def test_g15_closed_form_is_that_of_full_covariances(world: World) -> None:
    image = gaussian_embeddings(world.images, world.layers.image_weight, world.image_posterior)
    covariance = output_covariance(world.image_posterior)
    rows = lift(image.mean, image.variance_scale, float(covariance.trace()))
    found = squared_wasserstein(rows, rows)
    for n in range(len(rows)):
        for m in range(len(rows)):
            one, other = ((image.variance_scale[i] * covariance).numpy() for i in (n, m))
            root = sqrtm(one)
            cross = sqrtm(root @ other @ root).real
            expected = (image.mean[n] - image.mean[m]).square().sum() + (one + other - 2 * cross).trace()
            assert float(found[n, m]) == pytest.approx(float(expected), abs=1e-10, rel=1e-10)
