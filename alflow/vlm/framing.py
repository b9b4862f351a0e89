"""Long thin pictures made fit for open_clip's resizing, which would enlarge 1 x 200,000 pixels to gigabytes.

Nothing is changed about a picture that is resized to less than `_LONG` times what the model sees. Of a longer one only
the middle is resized where all else would be cropped away; where all of it is seen, its long side is shrunk first.
"""

from collections.abc import Callable
from typing import Final

from open_clip.transform import PreprocessCfg
from PIL import Image
from torch import Tensor

from alflow.errors import InvalidInputError

_LONG: Final = 8
_KEPT: Final = 6  # of what is seen in the middle: what lies beside it weighs in at its edges


def framed(transform: Callable[[Image.Image], Tensor], seen: PreprocessCfg) -> Callable[[Image.Image], Tensor]:
    """`transform`, open_clip's for these settings, at a bounded cost for pictures of any shape.

    What it returns raises InvalidInputError for a picture that cannot be prepared.
    """

    def prepare(image: Image.Image) -> Tensor:
        try:
            return transform(_shortened(image, seen))
        except Exception as error:
            reason = str(error) or type(error).__name__
            size = f"{image.width} x {image.height} pixels"
            raise InvalidInputError(f"cannot be prepared for the model ({size}): {reason}") from error

    return prepare


def _shortened(image: Image.Image, seen: PreprocessCfg) -> Image.Image:
    height, width = (seen.size, seen.size) if isinstance(seen.size, int) else (seen.size[0], seen.size[-1])
    across, down = image.width / width, image.height / height
    if max(across, down) <= _LONG * min(across, down):
        return image
    if seen.resize_mode == "shortest":
        kept = _KEPT * min(across, down)
        return _middle(image, kept * width, kept * height)
    if seen.resize_mode == "longest":
        longest = max(across, down)  # the short side is one pixel where open_clip would round it to none
        return image.resize((max(1, round(image.width / longest)), max(1, round(image.height / longest))))
    return image.reduce((max(1, int(across // _LONG)), max(1, int(down // _LONG))))


def _middle(image: Image.Image, width: float, height: float) -> Image.Image:
    """The middle of the picture, exactly, so that cropping it again finds the same pixels."""
    left, top = int(max(0, image.width - width) // 2), int(max(0, image.height - height) // 2)
    return image.crop((left, top, image.width - left, image.height - top))
