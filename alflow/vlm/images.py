"""The one door through which foreign bytes come in: checked, decoded to upright 8-bit RGB, shrunk for the screen.

What is accepted and how it is brought to RGB:

* orientation: EXIF orientation is applied, `width` and `height` are those of the upright picture;
* transparency (RGBA, LA, palette or colour key): composited on white;
* CMYK and Lab: through the embedded profile to sRGB, or Pillow's plain conversion where there is none;
* 16 bits a channel: divided by 257, so that white stays white. Wider integers and floats have no known range: rejected;
* several pictures in one file (animated GIF, WebP and PNG, multi-page TIFF): rejected, since a label of one frame says
  nothing of the others. The second picture of a phone's JPEG (depth, gain map) is ignored;
* size: refused by the header, before a pixel is decoded, where decoding would hold more than `MAX_HELD_PIXELS`.

Formats whose decoder would start another program, or that no camera or website writes, are not tried at all.
"""

import io
import threading
import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from alflow.errors import InvalidInputError

MAX_BYTES: Final = 256 * 2**20
"""Size of a file that is not even read, in bytes."""

MAX_HELD_PIXELS: Final = 80_000_000
"""Pixels a decoder may hold at once (4 bytes each). A baseline JPEG holds only its reduced picture."""

Image.init()
_WANTED: Final = ("JPEG", "MPO", "PNG", "WEBP", "AVIF", "TIFF", "GIF", "BMP", "JPEG2000", "PPM")
_FORMATS: Final = tuple(name for name in _WANTED if name in Image.OPEN)
_SIXTEEN_BIT: Final = ("I;16", "I;16L", "I;16B", "I;16N")
_WHITE: Final = (255, 255, 255)
_ORIENTATION: Final = 0x0112
_TURNED: Final = (5, 6, 7, 8)

_LARGE_PIXELS: Final = 16_000_000
_one_large_picture = threading.Lock()  # bounds the memory of an import that decodes in several threads

# Our own limit is stricter than the one this warning speaks of; Pillow's hard limit (179 megapixels) stays in force.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes:
        image: upright, 8-bit RGB; smaller than the original if a reduction was asked for.
        width, height: of the upright original, in pixels.
    """

    image: Image.Image
    width: int
    height: int


def read_image(data: bytes, longest: int = 0, shortest: int = 0) -> Picture:
    """Decode foreign bytes.

    `longest` and `shortest` allow (both 0: forbid) the picture to be reduced to 1/2, 1/4 or 1/8, as long as its longer
    side keeps `longest` and its shorter side `shortest` pixels: a JPEG decodes several times faster that way, and
    every other format leaves a small picture in memory.

    Raises:
        InvalidInputError: the bytes are no picture alflow can use; the message is the reason, fit to be recorded.
    """
    if not data:
        raise InvalidInputError("the file is empty")
    if len(data) > MAX_BYTES:
        raise InvalidInputError(f"the file is larger than {MAX_BYTES // 2**20} MB")
    try:
        return _decode(data, longest, shortest)
    except InvalidInputError:
        raise
    except UnidentifiedImageError as error:
        raise InvalidInputError("not an image in a known format, or damaged") from error
    except Exception as error:  # decoders raise whatever they like on foreign bytes
        raise InvalidInputError(f"cannot be decoded: {str(error) or type(error).__name__}") from error


def rendition(picture: Picture, max_side: int, quality: int = 85) -> bytes:
    """The picture as a JPEG whose longer side has at most `max_side` pixels; never enlarged, no metadata kept."""
    shrink = min(1.0, max_side / max(picture.image.size))
    width, height = (max(1, round(side * shrink)) for side in picture.image.size)
    small = picture.image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _decode(data: bytes, longest: int, shortest: int) -> Picture:
    with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
        width, height = opened.size
        _check_frames(opened)
        scale = _reduction(opened.size, longest, shortest)
        held = _held_pixels(opened, scale)
        opened.draft(None, (width // scale, height // scale))
        with _one_large_picture if held > _LARGE_PIXELS else nullcontext():
            turned = opened.getexif().get(_ORIENTATION) in _TURNED  # decodes a PNG, whose EXIF may stand last
            ImageOps.exif_transpose(opened, in_place=True)
            image = _rgb(opened)
            drafted = image.size != ((height, width) if turned else (width, height))
            image = image if drafted or scale == 1 else image.reduce(scale)
    return Picture(image, height, width) if turned else Picture(image, width, height)


def _check_frames(image: Image.Image) -> None:
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise InvalidInputError(f"the {image.format} holds several frames or pages; save the wanted one as a file")


def _reduction(size: tuple[int, int], longest: int, shortest: int) -> int:
    """The largest of 1, 2, 4, 8 by which the picture may shrink."""
    bounds = [side // least for side, least in ((max(size), longest), (min(size), shortest)) if least]
    return max(scale for scale in (1, 2, 4, 8) if scale <= max(min(bounds, default=1), 1))


def _held_pixels(image: Image.Image, scale: int) -> int:
    """Pixels that decoding will hold, by the header.

    Raises:
        InvalidInputError: they are too many.
    """
    width, height = image.size
    # Only a JPEG is shrunk while it is decoded, and a progressive one keeps the coefficients of the whole picture.
    streamed = image.format in {"JPEG", "MPO"} and "progressive" not in image.info
    held = width * height // (scale**2 if streamed else 1)
    if held > MAX_HELD_PIXELS:
        limit = MAX_HELD_PIXELS // 10**6
        raise InvalidInputError(f"{width} x {height} pixels: more than {limit} million would have to be held in memory")
    return held


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise InvalidInputError("floating-point pixels have no known range; convert the file to 8 or 16 bits")
    if image.mode == "I" or image.mode in _SIXTEEN_BIT:
        return _eight_bit(image).convert("RGB")
    if image.has_transparency_data:
        opaque = image.convert("RGBA")
        canvas = Image.new("RGB", image.size, _WHITE)
        canvas.paste(opaque, mask=opaque)
        return canvas
    if image.mode in {"CMYK", "LAB"} and "icc_profile" in image.info:
        return _through_profile(image)
    return image.convert("RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if values.max(initial=0) > 65535 or values.min(initial=0) < 0:
        raise InvalidInputError("pixels wider than 16 bits have no known range; convert the file to 8 or 16 bits")
    return Image.fromarray((values // 257).astype(np.uint8))


def _through_profile(image: Image.Image) -> Image.Image:
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):  # a profile that is damaged, or of another colour space than the pixels
        return image.convert("RGB")
    return image.convert("RGB") if converted is None else converted
