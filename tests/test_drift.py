"""Drift: a slice of the same pool is refused as rarely as was said, one of another kind is found."""

import numpy as np
import pytest

from alflow.drift import LEVEL, drift, mean_discrepancy


def _drift(seed: int, shift: float, share: float = 1.0, n: int = 120) -> bool:
    generator = np.random.default_rng(seed)
    slice_points, points = generator.normal(size=(n, 6)), generator.normal(size=(600, 6))
    points[: int(share * 600), 0] += shift
    own, other = 1 / (1 + np.exp(-slice_points[:, 0])), 1 / (1 + np.exp(-points[:, 0]))
    return drift(own, other, slice_points, points, generator).found


@pytest.mark.slow
def test_a_slice_of_the_same_pool_is_rarely_refused() -> None:
    found = np.mean([_drift(seed, 0.0) for seed in range(100)])
    assert found <= LEVEL + 2 * np.sqrt(LEVEL * (1 - LEVEL) / 100)


@pytest.mark.slow
@pytest.mark.parametrize(("shift", "share"), [(1.5, 1.0), (3.0, 0.5)])
def test_another_pool_is_found(shift: float, share: float) -> None:
    assert np.mean([_drift(seed, shift, share) for seed in range(10)]) >= 0.9


def test_embeddings_tell_what_confidences_hide() -> None:
    generator = np.random.default_rng(0)
    points = generator.normal(size=(400, 5))
    points[:, 4] += 2
    assert drift(generator.random(100), generator.random(400), generator.normal(size=(100, 5)), points, generator).found


def test_nothing_is_said_of_a_few_images_or_of_equal_ones() -> None:
    generator = np.random.default_rng(0)
    few, many = np.zeros((3, 2)), np.ones((50, 2))
    assert not drift(np.zeros(3), np.ones(50), few, many, generator).found
    assert mean_discrepancy(np.ones((9, 2)), many, generator) == 1
