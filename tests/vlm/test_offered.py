"""What is said of the models to choose from is what open_clip makes of them; nothing is fetched."""

import open_clip
import pytest
import torch

from alflow.vlm.models import check_reference
from alflow.vlm.offered import OFFERED, OfferedModel


@pytest.mark.parametrize("offered", OFFERED, ids=lambda one: one.reference)
def test_sizes_are_those_of_the_architecture(offered: OfferedModel) -> None:
    check_reference(offered.reference)
    name = offered.reference.partition("/")[0]
    with torch.device("meta"):
        model = open_clip.create_model(name, device="meta", load_weights=False)
    assert sum(weights.numel() for weights in model.parameters()) == offered.parameters
    assert model.visual.image_size in {offered.image_size, (offered.image_size,) * 2}


def test_the_smallest_is_first() -> None:
    assert OFFERED[0] == min(OFFERED, key=lambda one: one.parameters)
