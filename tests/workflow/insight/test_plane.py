"""The plane keeps neighbours together, is the same each time, and places images near those that they are like."""

import pytest
import torch
from sklearn.manifold import trustworthiness
from torch.nn.functional import normalize

from alflow.workflow.insight import plane
from alflow.workflow.insight.plane import lay_out


def clusters(count: int, seed: int = 0, width: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of length 1 about eight centres, and which centre each is of."""
    generator = torch.Generator().manual_seed(7)
    centres = torch.randn(8, width, generator=generator)
    generator.manual_seed(seed)
    which = torch.randint(8, (count,), generator=generator)
    return normalize(centres[which] + 0.4 * torch.randn(count, width, generator=generator), dim=1), which


def algorithms() -> list[object]:
    missing = pytest.mark.skipif(plane.available() != "umap", reason="umap-learn is not installed (extra `map`)")
    return ["t-sne", pytest.param("umap", marks=[missing, pytest.mark.slow])]


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", algorithms())
def test_what_is_alike_lies_together_anchors_and_others(algorithm: plane.Algorithm) -> None:
    anchors, of_anchor = clusters(300)
    others, of_other = clusters(200, seed=1)
    found = lay_out(anchors, algorithm, seed=3)
    assert found.positions.abs().max() == pytest.approx(0.98)
    assert trustworthiness(anchors.numpy(), found.positions.numpy(), n_neighbors=10) > 0.9
    placed = found.place(others)
    nearest = torch.cdist(placed, found.positions).argmin(dim=1)
    assert (of_anchor[nearest] == of_other).float().mean() > 0.97
    centre = torch.stack([found.positions[of_anchor == one].mean(dim=0) for one in range(8)])
    assert torch.cdist(placed, centre).argmin(dim=1).eq(of_other).float().mean() > 0.97  # none between two clusters
    again = lay_out(anchors, algorithm, seed=3)
    assert torch.equal(found.positions, again.positions)
    assert torch.allclose(found.place(anchors), found.positions, atol=1e-4)


@pytest.mark.parametrize("count", [1, 2, 3, 9, 10, 11, 31])
@pytest.mark.parametrize("width", [1, 2, 12])
def test_few_images_lie_somewhere_too(count: int, width: int) -> None:
    rows, _ = clusters(count, width=width)
    found = lay_out(rows, "t-sne", seed=-5)
    assert found.positions.shape == (count, 2)
    placed = found.place(clusters(4, seed=1, width=width)[0])
    for points in (found.positions, placed):
        assert torch.isfinite(points).all()
        assert points.abs().max() <= 0.981


def test_images_that_are_all_the_same_lie_in_one_place() -> None:
    rows = torch.ones(40, 6) / 6**0.5
    found = lay_out(rows, "t-sne", seed=0)
    assert torch.equal(found.positions, torch.zeros(40, 2))
    assert torch.equal(found.place(rows[:2]), torch.zeros(2, 2))


@pytest.mark.slow
def test_an_image_between_clusters_is_placed_in_one_of_them() -> None:
    """The plain mean of its neighbours would lie where no image is."""
    anchors, which = clusters(400)
    found = lay_out(anchors, "t-sne", seed=0)
    first, second = (anchors[which == one].mean(dim=0) for one in (0, 1))
    generator = torch.Generator().manual_seed(0)
    between = normalize((first + second) / 2 + 0.05 * torch.randn(20, 32, generator=generator), dim=1)
    gaps = torch.cdist(found.place(between), found.positions).min(dim=1).values
    spread = torch.cdist(found.positions, found.positions).kthvalue(2, dim=1).values
    assert gaps.max() < 10 * spread.median()
