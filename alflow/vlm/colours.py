"""Pixels of any mode -> 8-bit sRGB on white.

Profiles go through LittleCMS. One that is sRGB by what it does, not by its name, changes nothing and costs nothing; one
that is damaged, or is for another colour space than the pixels, is left aside, as browsers do.

What is white in 16 bits depends on the range that was used. A TIFF of 12 bits a pixel says it. Where nothing is said it
is the smallest of 10, 12, 14 and 16 bits that holds the largest value: microscopes, X-ray and thermal cameras write
their 10 to 14 bits so. Ten bits are the least, so that noise around black stays black. Values that are all multiples
of 4 or of 257 were shifted or scaled to 16 bits by somebody, and are taken to have all of them, however dark.
"""

import io
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile, ImageOps

from alflow.errors import InvalidInputError

_MAX_PROFILE_BYTES: Final = 8 * 2**20
_RANGES: Final = (10, 12, 14, 16)  # bits
_SIXTEEN_BIT: Final = ("I", "I;16", "I;16L", "I;16B", "I;16N")
_WHITE: Final = (255, 255, 255)
_UNSEEN: Final = 3  # of 255: profiles of sRGB differ by that much among themselves

# Pillow keeps the upper byte of colours of 16 bits. The unpacker of the other byte order gives the lower one.
_NATIVE_LOWER: Final = "16B" if sys.byteorder == "little" else "16L"
_LOWER_BYTES: Final = {
    **{f"{colours};16B": f"{colours};16L" for colours in ("RGB", "RGBA")},
    **{f"{colours};16L": f"{colours};16B" for colours in ("RGB", "RGBA")},
    **{f"{colours};16N": f"{colours};{_NATIVE_LOWER}" for colours in ("RGB", "RGBA")},
    "LA;16B": "RGBA",  # upper and lower byte of L, then of A
}


@dataclass(frozen=True)
class Depth:
    """What a file says of pixels of more than 8 bits.

    Attributes:
        bits: that were used; 0 if nothing is said.
        sure: the values cannot be wider, nor shifted to fill 16 bits.
        negative: 0 is white.
    """

    bits: int = 0
    sure: bool = False
    negative: bool = False


def to_srgb(image: Image.Image, depth: Depth, lower: Image.Image | None = None) -> Image.Image:
    """Bring a decoded picture to RGB; `lower` is what `lower_bytes` gave.

    Raises:
        InvalidInputError: its pixels have no known range.
    """
    if image.mode == "F":
        raise InvalidInputError("floating-point pixels have no known range; convert the file to 8 or 16 bits")
    profile = image.info.get("icc_profile")
    profile = profile if isinstance(profile, bytes) else b""  # a TIFF may have anything for it
    if image.mode in _SIXTEEN_BIT:
        result = _opaque(_gray_of_sixteen_bits(image, depth), profile)
        if isinstance(clear := image.info.get("transparency"), int):  # one value, in a PNG
            result.paste(_WHITE, mask=Image.fromarray(np.asarray(image) == clear))
        return result
    if lower is not None:
        image = _joined(image, lower, depth)
    if image.has_transparency_data:
        return _on_white(image, profile)
    return _opaque(image, profile)


def has_lower_bytes(opened: ImageFile.ImageFile) -> bool:
    """Whether these are colours of 16 bits, of which Pillow keeps the upper bytes; asked before they are decoded."""
    return bool(opened.tile) and all(_rawmode(tile.args) in _LOWER_BYTES for tile in opened.tile)


def lower_bytes(upper: Image.Image, again: ImageFile.ImageFile) -> Image.Image | None:
    """The lower bytes, upright, where they matter: where the upper ones are dark. `again` is not yet decoded."""
    if max(int(np.asarray(band).max(initial=0)) for band in upper.split()[:3]) >= 64:
        return None
    modes = [_rawmode(tile.args) for tile in again.tile]
    again.tile = [
        tile._replace(args=_with_rawmode(tile.args, _LOWER_BYTES[mode]))
        for tile, mode in zip(again.tile, modes, strict=True)
    ]
    again.load()
    ImageOps.exif_transpose(again, in_place=True)
    if "LA;16B" in modes:
        gray = again.getchannel("G")
        return Image.merge("RGB", (gray, gray, gray))
    return again.convert("RGB")


def _gray_of_sixteen_bits(image: Image.Image, depth: Depth) -> Image.Image:
    values = np.asarray(image)
    if values.min(initial=0) < 0:
        raise InvalidInputError("negative pixels have no known range; convert the file to 8 or 16 bits")
    if values.max(initial=0) > 65535:
        raise InvalidInputError("pixels wider than 16 bits have no known range; convert the file to 8 or 16 bits")
    gray = Image.fromarray(_scaled(values, _white([values], depth)))
    return ImageOps.invert(gray) if depth.negative else gray


def _joined(upper: Image.Image, lower: Image.Image, depth: Depth) -> Image.Image:
    """Colours of 16 bits from both their bytes, in 8; alpha keeps its upper byte."""
    halves = list(zip(upper.split()[:3], lower.split(), strict=True))
    # made one at a time, and again: three planes of 16 bits are not held at once
    white = _white((_both(high, low) for high, low in halves), depth)
    bands = [Image.fromarray(_scaled(_both(high, low), white)) for high, low in halves]
    result = Image.merge(upper.mode, [*bands, *upper.split()[3:]])
    result.info = upper.info
    return result


def _both(high: Image.Image, low: Image.Image) -> NDArray[np.uint16]:
    values = np.asarray(high).astype(np.uint16)
    values *= 256
    values += np.asarray(low)
    return values


def _white(bands: Iterable[NDArray[Any]], depth: Depth) -> int:
    """The value that is white, in all bands."""
    highest, steps = 0, {4, 257}
    for values in bands:
        highest = max(highest, int(values.max(initial=0)))
        steps = {step for step in steps if not (values % step).any()}
    if highest >= 2**14 or (highest and steps and not depth.sure):
        return 65535
    if depth.sure and highest < 2**depth.bits:
        return int(2**depth.bits - 1)
    return int(2 ** min(width for width in _RANGES if highest < 2**width and width >= depth.bits) - 1)


def _scaled(values: NDArray[Any], white: int) -> NDArray[np.uint8]:
    if white == 65535:
        return (values // 257).astype(np.uint8)
    steps = np.arange(white + 1, dtype=np.uint32)
    return np.take(((steps * 255 + white // 2) // white).astype(np.uint8), values)


def _on_white(image: Image.Image, profile: bytes) -> Image.Image:
    if image.mode == "La":  # premultiplied
        image = image.convert("LA")
    is_gray = image.mode == "LA" or (image.mode in {"1", "L"} and "transparency" in image.info)
    opaque = image if image.mode == "RGBA" else image.convert("RGBA")
    canvas = Image.new("RGB", image.size, _WHITE)
    transform = _transform(profile, "L" if is_gray else "RGB")
    if transform is None:
        canvas.paste(opaque, mask=opaque)
    else:
        canvas.paste(
            transform.apply(opaque.getchannel("R") if is_gray else opaque.convert("RGB")), mask=opaque.getchannel("A")
        )
    return canvas


def _opaque(image: Image.Image, profile: bytes) -> Image.Image:
    if image.mode == "1":
        image = image.convert("L")
    transform = _transform(profile, image.mode if image.mode in {"L", "CMYK", "LAB"} else "RGB")
    if transform is None:
        return image.convert("RGB")
    if image.mode in {"L", "CMYK", "LAB"}:
        return transform.apply(image)
    colours = image.convert("RGB")
    transform.apply_in_place(colours)
    return colours


def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    return _made(profile, mode) if 0 < len(profile) <= _MAX_PROFILE_BYTES else None


@lru_cache(maxsize=16)
def _made(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From pixels of this mode to sRGB; None where nothing is to be done, or nothing can be."""
    seen = mode in {"RGB", "L"}
    # The tables of a printer are made for the perceptual intent; a screen's colours are meant as they are measured.
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC if seen else ImageCms.Intent.PERCEPTUAL
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            intent,
            ImageCms.Flags.NOCACHE,  # one transform serves several threads
        )
        if seen and _is_srgb(transform, mode):
            return None
    except (ImageCms.PyCMSError, OSError, ValueError):  # damaged, or of another colour space than the pixels
        return None
    return transform


def _is_srgb(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    if mode == "L":
        ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    else:
        steps = np.linspace(0, 255, 9).astype(np.uint8)
        ramp = Image.fromarray(np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3))
    before = np.asarray(ramp.convert("RGB"), np.int16)
    return int(np.abs(np.asarray(transform.apply(ramp), np.int16) - before).max()) <= _UNSEEN


def _rawmode(args: Any) -> str:
    return str(args if isinstance(args, str) else args[0])


def _with_rawmode(args: Any, mode: str) -> Any:
    return mode if isinstance(args, str) else (mode, *args[1:])
