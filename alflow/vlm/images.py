"""The one door through which foreign bytes come in: checked, decoded to upright 8-bit RGB, shrunk for the screen.

What is accepted and how it is brought to RGB:

* orientation: EXIF orientation is applied, `width` and `height` are those of the upright picture;
* transparency (RGBA, LA, palette or colour key): composited on white;
* colours: through the embedded profile to sRGB, unless it is sRGB (see `alflow.vlm.colours`); CMYK and Lab without a
  profile by Pillow's plain conversion;
* 16 bits a channel: scaled by the range that was used, so that white stays white (see `alflow.vlm.colours`). Wider
  integers and floats have no known range: rejected;
* several pictures in one file (animated GIF, WebP, PNG and AVIF, multi-page TIFF, HEIC with more than one): rejected,
  since a label of one says nothing of the others. The second picture of a phone's JPEG (depth, gain map) is ignored;
* size: refused by the header, before a pixel is decoded, where decoding would hold too much (see `alflow.vlm.held`).

HEIC is read where pillow-heif is installed (the extra `heif`). Formats whose decoder would start another program, or
that no camera or website writes, are not tried at all; their name and what to do is said (see `alflow.vlm.foreign`).
"""

import io
import threading
import warnings
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Any, Final, cast

from PIL import Image, ImageFile, ImageOps, TiffImagePlugin, UnidentifiedImageError

from alflow.errors import InvalidInputError
from alflow.vlm.colours import Depth, has_lower_bytes, lower_bytes, to_srgb
from alflow.vlm.foreign import raw_of_a_camera, what_it_is
from alflow.vlm.held import check_start, held_pixels

MAX_BYTES: Final = 256 * 2**20
"""Size of a file that is not even read, in bytes."""

Image.init()
with suppress(ImportError):
    from pillow_heif import register_heif_opener

    register_heif_opener(thumbnails=False)
_WANTED: Final = ("JPEG", "MPO", "PNG", "WEBP", "AVIF", "HEIF", "TIFF", "GIF", "BMP", "JPEG2000", "PPM")
_FORMATS: Final = tuple(name for name in _WANTED if name in Image.OPEN)
_ORIENTATION: Final = 0x0112
_TURNED: Final = (5, 6, 7, 8)
_BITS, _PHOTOMETRIC, _LARGEST = 258, 262, 281  # tags of a TIFF

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
        check_start(data)
        return _decode(data, longest, shortest)
    except InvalidInputError:
        raise
    except UnidentifiedImageError as error:
        raise InvalidInputError(what_it_is(data)) from error
    except MemoryError as error:
        raise InvalidInputError(
            "cannot be decoded: there is not enough memory for it; save a smaller picture"
        ) from error
    except Exception as error:  # decoders raise whatever they like on foreign bytes
        raise InvalidInputError(f"cannot be decoded: {str(error) or type(error).__name__}") from error


def no_picture(start: bytes) -> str | None:
    """Why a file that begins so is no picture, with the remedy; None where all of it may be one."""
    try:
        with Image.open(io.BytesIO(start), formats=_FORMATS):
            return None
    except UnidentifiedImageError:
        reason = what_it_is(start)
    except Exception:  # noqa: BLE001 - decoders raise whatever they like on foreign bytes, and there are more of them
        return None
    return None if "damaged" in reason else reason  # a beginning is as good as a damaged file


def preview(data: bytes, side: int) -> bytes | None:
    """A small JPEG of what was refused, of its first picture where it holds several; None where there is none to show.

    What is too large to be decoded stays so.
    """
    try:
        check_start(data)
        with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
            held_pixels(opened, data, 1)
            opened.draft("RGB", (side, side))
            opened.thumbnail((side, side))
            picture = opened.convert("RGB")
        return rendition(Picture(picture, *picture.size), side)
    except Exception:  # noqa: BLE001 - it was refused, and may raise anything
        return None


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
        width, height = opened.size  # of a TIFF or HEIC: already upright
        _check_kind(opened)
        held = held_pixels(opened, data, scale := _reduction(opened.size, longest, shortest))
        _shrink_while_decoding(opened, held.scale)
        with _one_large_picture if held.pixels > _LARGE_PIXELS else nullcontext():
            # asked before a TIFF is decoded, which forgets it; decodes a PNG, whose EXIF may stand last
            depth, is_wide = _depth(opened, data), has_lower_bytes(opened)
            turned = opened.format != "TIFF" and opened.getexif().get(_ORIENTATION) in _TURNED
            ImageOps.exif_transpose(opened, in_place=True)
            image = to_srgb(opened, depth, _lower_bytes(opened, data) if is_wide else None)
            is_whole = image.size == ((height, width) if turned else (width, height))
            image = image.reduce(scale) if is_whole and scale > 1 else image
    return Picture(image, height, width) if turned else Picture(image, width, height)


def _check_kind(image: ImageFile.ImageFile) -> None:
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise InvalidInputError(f"the {image.format} holds several frames or pages; save the wanted one as a file")
    if reason := raw_of_a_camera(image):
        raise InvalidInputError(reason)


def _reduction(size: tuple[int, int], longest: int, shortest: int) -> int:
    """The largest of 1, 2, 4, 8 by which the picture may shrink."""
    bounds = [side // least for side, least in ((max(size), longest), (min(size), shortest)) if least]
    return max(scale for scale in (1, 2, 4, 8) if scale <= max(min(bounds, default=1), 1))


def _shrink_while_decoding(image: ImageFile.ImageFile, scale: int) -> None:
    if image.format != "JPEG2000":
        image.draft(None, (image.width // scale, image.height // scale))
    elif scale > 1:
        size = (-(-image.width // scale), -(-image.height // scale))  # Pillow's `reduce` rounds otherwise than OpenJPEG
        (tile,) = image.tile
        codec, _, *rest = cast("tuple[Any, ...]", tile.args)
        image._size = size  # noqa: SLF001
        image.tile = [tile._replace(extents=(0, 0, *size), args=(codec, scale.bit_length() - 1, *rest))]


def _depth(image: ImageFile.ImageFile, data: bytes) -> Depth:
    """What the file says of its range: TIFF in tags, PNG in a chunk before its pixels; Pillow scales the others."""
    if image.format == "PNG":
        at = data.find(b"sBIT", 0, max(data.find(b"IDAT"), 0))
        length = int.from_bytes(data[at - 4 : at], "big") if at > 0 else 0
        return Depth(max(data[at + 4 : at + 4 + min(length, 3)], default=0))
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        as_it_is = image.format == "JPEG2000" or (image.format == "PPM" and image.tile[0].codec_name == "raw")
        return Depth() if as_it_is else Depth(16, sure=True)
    bits = max(_numbers(image.tag_v2.get(_BITS)), default=0)
    largest = max(_numbers(image.tag_v2.get(_LARGEST)), default=0)
    is_negative = image.tag_v2.get(_PHOTOMETRIC) == 0
    if 8 < bits < 16:
        return Depth(bits, sure=True, negative=is_negative)
    return Depth(largest.bit_length() if largest < 65535 else 0, negative=is_negative)


def _numbers(value: object) -> list[int]:
    values = value if isinstance(value, tuple) else (value,)
    return [number for number in values if isinstance(number, int)]


def _lower_bytes(upper: Image.Image, data: bytes) -> Image.Image | None:
    with Image.open(io.BytesIO(data), formats=_FORMATS) as again:
        return lower_bytes(upper, again)
