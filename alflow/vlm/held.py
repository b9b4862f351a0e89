"""How much memory decoding will take, by the header alone; what takes too much is refused before it is begun.

Bytes a pixel, measured with Pillow 13: 4 in most formats; a WebP is held four times over, an AVIF or HEIC in its own
colours besides; a JPEG is shrunk while it is decoded, unless it is progressive and keeps the whole picture's
coefficients; a JPEG 2000 as `alflow.vlm.jpeg2000` says; a BMP of run lengths may skip 255 rows at a time; a TIFF may
have tiles larger than itself.
"""

import re
from dataclasses import dataclass
from typing import Final

from PIL import ImageFile, TiffImagePlugin

from alflow.errors import InvalidInputError
from alflow.vlm.jpeg2000 import read_codestream

MAX_HELD_PIXELS: Final = 80_000_000
"""Pixels a decoder may hold at once, of the usual 4 bytes. A baseline JPEG holds only its reduced picture."""

MAX_HELD_BYTES: Final = 2 * 4 * MAX_HELD_PIXELS
"""Bytes a decoder may hold at once where it needs more than that for a pixel."""

_BYTES_A_PIXEL: Final = {"WEBP": 16, "AVIF": 10, "HEIF": 10}
_MAX_SCANS: Final = 200  # of a progressive JPEG; cameras and websites write about ten

_MAX_PPM_HEADER: Final = 65536
_PPM_HEADER: Final = re.compile(rb"P[1-6](?:\s|#[^\r\n]*[\r\n])+\d+(?:\s|#[^\r\n]*[\r\n])+\d+\s")


@dataclass(frozen=True)
class Held:
    """What decoding holds, and how it is begun: reduced to 1/`scale` while it is decoded (1: afterwards, if at all)."""

    pixels: int
    scale: int


def check_start(data: bytes) -> None:
    """The door for headers that Pillow reads byte by byte: comments of a PPM may fill the whole file.

    Raises:
        InvalidInputError: its header is longer than any writer makes it.
    """
    if data[:1] == b"P" and data[1:2] in b"123456" and not _PPM_HEADER.match(data[:_MAX_PPM_HEADER]):
        raise InvalidInputError("the header of the PPM picture is damaged; save it as a PNG")


def held_pixels(image: ImageFile.ImageFile, data: bytes, scale: int) -> Held:
    """Pixels, or as many times 4 bytes, that decoding will hold.

    Raises:
        InvalidInputError: they are too many.
    """
    width, height = image.size
    area = width * height
    if image.format in {"JPEG", "MPO"}:
        return _of_jpeg(image, data, scale)
    if image.format == "JPEG2000":
        return _of_jpeg2000(image, data, scale)
    if image.format == "BMP" and any(
        isinstance(tile.codec_name, str) and "rle" in tile.codec_name for tile in image.tile
    ):
        return Held(_allowed(image, area, 4 * (area + 255 * width)), 1)
    held_bytes = area * _BYTES_A_PIXEL.get(str(image.format), 4) + _bytes_of_a_tile(image)
    return Held(_allowed(image, area, held_bytes), 1)


def _of_jpeg(image: ImageFile.ImageFile, data: bytes, scale: int) -> Held:
    width, height = image.size
    if "progressive" not in image.info:
        reduced = width * height // scale**2
        return Held(_allowed(image, reduced, 4 * reduced), scale)
    if data.count(b"\xff\xda") > _MAX_SCANS:  # each costs a pass over the whole picture
        raise InvalidInputError(f"more than {_MAX_SCANS} scans, which no camera writes; save it again as a JPEG")
    return Held(_allowed(image, width * height, 8 * width * height), scale)


def _of_jpeg2000(image: ImageFile.ImageFile, data: bytes, scale: int) -> Held:
    codestream = read_codestream(data)
    if codestream is None or (codestream.width, codestream.height) != image.size:
        raise InvalidInputError("the header of the JPEG 2000 picture is damaged; copy or download it again")
    scale = min(scale, 2**codestream.levels)
    return Held(_allowed(image, image.width * image.height // scale**2, codestream.held_bytes(scale)), scale)


def _bytes_of_a_tile(image: ImageFile.ImageFile) -> int:
    """Of a TIFF, whose tiles may be larger than the picture."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return 0
    width, height, samples, bits = (image.tag_v2.get(tag) for tag in (322, 323, 277, 258))
    if not isinstance(width, int) or not isinstance(height, int):
        return 0
    bits = max(bits) if isinstance(bits, tuple) else bits
    return int(width * height * (samples or 1) * (bits or 8)) // 8


def _allowed(image: ImageFile.ImageFile, pixels: int, held_bytes: int) -> int:
    """What is held, in pixels of 4 bytes.

    Raises:
        InvalidInputError: it is too much.
    """
    if pixels > MAX_HELD_PIXELS or held_bytes > MAX_HELD_BYTES:
        most = f"{MAX_HELD_PIXELS // 10**6} million" if pixels > MAX_HELD_PIXELS else f"{MAX_HELD_BYTES // 10**6} MB"
        raise InvalidInputError(
            f"{image.width} x {image.height} pixels: more than {most} would have to be held in memory; "
            "save a smaller picture"
        )
    return max(pixels, held_bytes // 4)
