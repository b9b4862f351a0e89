"""Real bytes, written by Pillow or by hand, through the one door."""

import io
import os
import resource
import struct
import subprocess
import sys
import zlib
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image, ImageCms

from alflow.errors import InvalidInputError
from alflow.vlm.held import MAX_HELD_PIXELS
from alflow.vlm.images import read_image, rendition

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def halves(left: object, right: object, mode: str = "RGB", size: tuple[int, int] = (32, 16)) -> Image.Image:
    image = Image.new(mode, size, left)
    image.paste(right, (size[0] // 2, 0, *size))
    return image


def colours(data: bytes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    image = read_image(data).image
    assert image.mode == "RGB"
    middle = image.height // 2
    return image.getpixel((image.width // 8, middle)), image.getpixel((image.width * 7 // 8, middle))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "GIF"])
def test_lossless_formats_keep_their_colours(kind: str) -> None:
    assert colours(encoded(halves(RED, BLUE), kind)) == (RED, BLUE)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_formats_keep_their_colours_nearly(kind: str) -> None:
    left, right = colours(encoded(halves(RED, BLUE, size=(64, 32)), kind, quality=95))
    np.testing.assert_allclose(left, RED, atol=6)
    np.testing.assert_allclose(right, BLUE, atol=6)


@pytest.mark.parametrize(
    ("orientation", "red_at"),
    [(1, "left"), (2, "right"), (3, "right"), (4, "left"), (5, "top"), (6, "top"), (7, "bottom"), (8, "bottom")],
)
def test_exif_orientation_is_applied(orientation: int, red_at: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = read_image(encoded(halves(RED, BLUE), "PNG", exif=exif))
    assert (picture.width, picture.height) == ((32, 16) if red_at in {"left", "right"} else (16, 32))
    assert picture.image.size == (picture.width, picture.height)
    corners = {"left": (0, 8), "right": (31, 8), "top": (8, 0), "bottom": (8, 31)}
    assert picture.image.getpixel(corners[red_at]) == RED


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "TIFF by libtiff", "WEBP", "AVIF", "MPO"])
@pytest.mark.parametrize("orientation", [1, 5, 6, 8])
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("longest", [0, 120])
def test_width_and_height_are_those_of_the_upright_picture(
    kind: str, orientation: int, mode: str, longest: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = halves(RED, BLUE, size=(640, 321)).convert(mode)
    options = {"compression": "tiff_deflate"} if "by" in kind else {}
    picture = read_image(encoded(image, kind.split(maxsplit=1)[0], exif=exif, **options), longest)
    width, height = (640, 321) if orientation < 5 else (321, 640)
    assert (picture.width, picture.height) == (width, height)
    shrunk = 4 if longest else 1
    assert picture.image.size == (-(-width // shrunk), -(-height // shrunk))


@pytest.mark.parametrize(
    "image",
    [
        halves((255, 0, 0, 0), (0, 0, 255, 255), "RGBA"),
        halves((0, 0), (0, 255), "LA"),
        halves((255, 0, 0, 0), (0, 0, 255, 255), "RGBA").quantize(4),
    ],
    ids=["RGBA", "LA", "palette"],
)
def test_transparency_lies_on_white(image: Image.Image) -> None:
    left, right = colours(encoded(image, "PNG"))
    assert left == WHITE
    assert right in {BLUE, (0, 0, 0)}


def test_half_transparent_is_half_white() -> None:
    left, _ = colours(encoded(halves((0, 0, 0, 128), (0, 0, 0, 255), "RGBA"), "PNG"))
    np.testing.assert_allclose(left, 127, atol=1)


def test_transparent_colour_of_a_gif_lies_on_white() -> None:
    image = halves(0, 1, "P")
    image.putpalette([*RED, *BLUE])
    assert colours(encoded(image, "GIF", transparency=0)) == (WHITE, BLUE)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_clipped(kind: str) -> None:
    values = np.zeros((16, 32), np.uint16)
    values[:, :16], values[:, 16:] = 65535, 32896  # 257 * 128
    assert colours(encoded(Image.fromarray(values), kind)) == (WHITE, (128,) * 3)


def test_big_endian_sixteen_bits() -> None:
    values = np.full((8, 8), 32896, ">u2")
    header = struct.pack(">IIBBBBB", 8, 8, 16, 0, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    assert colours(png(header, zlib.compress(rows)))[0] == (128,) * 3


def test_cmyk_without_and_with_a_profile() -> None:
    cyan = halves((255, 0, 0, 0), (0, 0, 0, 0), "CMYK", (64, 32))
    left, right = colours(encoded(cyan, "TIFF"))
    assert left == (0, 255, 255)
    assert right == WHITE
    not_cmyk = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert colours(encoded(cyan, "TIFF", icc_profile=not_cmyk)) == (left, right)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello, I am a text file", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", "not an image"),
        (encoded(halves(RED, BLUE, size=(640, 320)), "JPEG")[:2000], "truncated"),
        (encoded(Image.effect_noise((64, 64), 50), "PNG")[:1500], "truncated"),
        (encoded(halves(RED, BLUE), "PNG")[:20], "cannot be decoded|not an image"),
        (encoded(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF"), "floating-point"),
        (encoded(Image.fromarray(np.full((4, 4), 70000, np.int32)), "TIFF"), "wider than 16 bits"),
    ],
    ids=["empty", "text", "postscript", "cut JPEG", "cut PNG", "cut header", "float", "32 bits"],
)
def test_what_cannot_be_used_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        read_image(data)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_several_frames_are_rejected(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, GREEN)]
    with pytest.raises(InvalidInputError, match="several frames"):
        read_image(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))


def test_second_picture_of_a_phone_is_ignored() -> None:
    data = encoded(Image.new("RGB", (64, 64), RED), "MPO", save_all=True, append_images=[Image.new("RGB", (8, 8))])
    np.testing.assert_allclose(read_image(data).image.getpixel((32, 32)), RED, atol=3)


def test_flipped_bytes_never_escape_as_another_error() -> None:
    generator = np.random.default_rng(0)
    noise = Image.effect_noise((48, 48), 80).convert("RGB")
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"):
        whole = bytearray(encoded(noise, kind))
        for _ in range(60):
            broken = bytearray(whole)
            for place in generator.integers(0, len(whole), 4):
                broken[place] = generator.integers(0, 256)
            with suppress(InvalidInputError):
                assert read_image(bytes(broken)).image.mode == "RGB"


def test_reduction_keeps_what_was_asked_and_reports_the_original() -> None:
    data = encoded(Image.new("RGB", (2001, 1200), RED), "JPEG")
    picture = read_image(data, longest=900, shortest=300)
    assert (picture.width, picture.height) == (2001, 1200)
    assert picture.image.size == (1001, 600)
    assert read_image(data).image.size == (2001, 1200)
    assert read_image(encoded(Image.new("RGB", (2001, 1200)), "PNG"), longest=900).image.size == (1001, 600)
    assert read_image(data, shortest=1000).image.size == (2001, 1200)


def test_rendition_fits_and_never_enlarges() -> None:
    picture = read_image(encoded(halves(RED, BLUE, size=(400, 100)), "PNG"))
    assert read_image(rendition(picture, 100)).image.size == (100, 25)
    assert read_image(rendition(picture, 1024)).image.size == (400, 100)
    assert read_image(rendition(read_image(encoded(Image.new("RGB", (5000, 2)), "PNG")), 100)).height == 1


def test_rendition_carries_no_metadata() -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    small = rendition(read_image(encoded(halves(RED, BLUE), "JPEG", exif=exif)), 16)
    assert b"a camera" not in small
    assert b"Exif" not in small


def png(header: bytes, body: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def bomb(side: int) -> bytes:
    """A black PNG of `side`^2 RGB pixels, a thousandth of its size in the file; really decodable."""
    squeeze = zlib.compressobj(9)
    rows = b"".join(squeeze.compress(bytes(1 + 3 * side)) for _ in range(side))
    return png(struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0), rows + squeeze.flush())


@pytest.mark.slow
def test_a_bomb_is_refused_by_its_header() -> None:
    side = int(MAX_HELD_PIXELS**0.5) + 1
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    data = bomb(side)
    with pytest.raises(InvalidInputError, match="held in memory"):
        read_image(data)
    with pytest.raises(InvalidInputError, match="exceeds limit"):
        read_image(png(struct.pack(">IIBBBBB", 65535, 65535, 8, 2, 0, 0, 0), b""))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024  # MB
    assert grown < 50
    assert 3 * side**2 / 2**20 > 200  # what decoding would have taken


@pytest.mark.slow
def test_large_pictures_are_held_one_at_a_time() -> None:
    code = """
import io, resource
from concurrent.futures import ThreadPoolExecutor
from PIL import Image
from alflow.vlm.images import read_image, rendition
buffer = io.BytesIO()
Image.new("RGB", (5000, 5000)).save(buffer, "PNG", compress_level=1)
data, before = buffer.getvalue(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with ThreadPoolExecutor(6) as threads:
    sizes = list(threads.map(lambda _: len(rendition(read_image(data, longest=256), 256)), range(6)))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, len(sizes))
"""
    environment = os.environ | {"MALLOC_ARENA_MAX": "1"}  # glibc keeps freed memory per thread: count what is in use
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    grown, count = done.stdout.split()
    assert int(count) == 6
    assert float(grown) < 2 * 100 + 50  # 100 MB each, six threads; the last picture may still be on its way out
