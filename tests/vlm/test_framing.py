"""Against open_clip's own resizing, which is the definition, and by what the longest pictures cost."""

import io
import time

import numpy as np
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from alflow.errors import InvalidInputError
from alflow.vlm.framing import framed
from alflow.vlm.images import read_image

MODES = ["shortest", "longest", "squash"]
SIZES = [224, (160, 96)]


def both(mode: str, size: object, image: Image.Image) -> tuple[torch.Tensor, torch.Tensor]:
    seen = PreprocessCfg(size=size, resize_mode=mode, mean=(0.0,) * 3, std=(1.0,) * 3)
    transform = image_transform_v2(seen, is_train=False)
    return framed(transform, seen)(image), transform(image)


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))


def smooth(width: int, height: int) -> Image.Image:
    across, down = np.meshgrid(np.linspace(0, 9, width), np.linspace(0, 9, height))
    waves = np.stack([np.sin(across), np.cos(down), np.sin(across + down)], axis=-1)
    return Image.fromarray((127 + 120 * waves).astype(np.uint8))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", [(300, 200), (31, 40), (900, 200), (41, 200), (1, 1)])
def test_usual_pictures_are_prepared_as_ever(mode: str, size: object, shape: tuple[int, int]) -> None:
    ours, theirs = both(mode, size, noise(*shape))
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", [(2000, 40), (41, 2001), (3000, 224), (3001, 100), (25, 500), (9000, 300)])
def test_long_pictures_are_prepared_nearly_as_ever(mode: str, size: object, shape: tuple[int, int]) -> None:
    ours, theirs = both(mode, size, smooth(*shape))
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().mean() < 0.01
    assert (ours - theirs).abs().max() < 0.1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", [(1, 20_000), (20_000, 1), (1, 200_000), (200_000, 1), (3, 65_000)])
def test_the_longest_pictures_cost_little(mode: str, size: tuple[int, int] | int, shape: tuple[int, int]) -> None:
    image = Image.new("RGB", shape, (255, 0, 0))
    seen = PreprocessCfg(size=size, resize_mode=mode, mean=(0.0,) * 3, std=(1.0,) * 3)
    prepare = framed(image_transform_v2(seen, is_train=False), seen)
    started = time.process_time()
    pixels = prepare(image)
    assert time.process_time() - started < 0.5
    height, width = (seen.size, seen.size) if isinstance(seen.size, int) else seen.size
    assert pixels.shape == (3, height, width)
    assert pixels[0].max() == 1  # padding lies beside the one line that is left of it
    assert pixels[1:].max() == 0


@pytest.mark.parametrize(("mode", "left"), [("shortest", (1, 6)), ("longest", (1, 224)), ("squash", (1, 1802))])
def test_the_longest_pictures_take_little_memory(mode: str, left: tuple[int, int]) -> None:
    """What open_clip is given is what it enlarges."""
    buffer, given = io.BytesIO(), []
    Image.new("L", (1, 200_000)).save(buffer, "PNG")
    assert len(buffer.getvalue()) < 1000

    def transform(image: Image.Image) -> torch.Tensor:
        given.append(image.size)
        return torch.empty(0)

    framed(transform, PreprocessCfg(resize_mode=mode))(read_image(buffer.getvalue(), shortest=448).image)
    assert given == [left]


@pytest.mark.parametrize("failure", [MemoryError(), ValueError("no"), OSError("gone")])
def test_what_cannot_be_prepared_is_a_reason(failure: Exception) -> None:
    def transform(_: Image.Image) -> torch.Tensor:
        raise failure

    with pytest.raises(InvalidInputError, match=r"cannot be prepared for the model \(4 x 3 pixels\): (Memory|no|gone)"):
        framed(transform, PreprocessCfg())(Image.new("RGB", (4, 3)))
