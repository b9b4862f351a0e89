"""Profiles and ranges, by profiles made here: matrix and curve, as screens, cameras and scanners have them."""

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from alflow.vlm import colours
from alflow.vlm.images import read_image

# Colorants in XYZ, adapted to D50; a gamma for each.
SRGB = ((0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
DISPLAY_P3 = ((0.5151, 0.2412, -0.0011), (0.2919, 0.6922, 0.0419), (0.1572, 0.0666, 0.7841))
ADOBE_RGB = ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446))
PROPHOTO = ((0.7977, 0.2880, 0.0), (0.1352, 0.7119, 0.0), (0.0313, 0.0001, 0.8249))
TRANSFER = [(((i / 255 + 0.055) / 1.055) ** 2.4) if i / 255 > 0.04045 else i / 255 / 12.92 for i in range(256)]


def fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def curve(gamma: float | None) -> bytes:
    if gamma is None:
        return b"curv" + bytes(4) + struct.pack(">I256H", 256, *(round(65535 * value) for value in TRANSFER))
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)


def profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    text = b"desc" + bytes(4) + struct.pack(">I", 5) + b"mine\0" + bytes(78)
    tags = {b"desc": text, b"cprt": b"text" + bytes(4) + b"none\0", **tags}
    table, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    white = fixed(0.9642, 1.0, 0.8249)
    header = struct.pack(">II4s4s4s4s", at + len(body), 0, b"\x02\x40\0\0", b"mntr", space, b"XYZ ")
    header += bytes(12) + b"acsp" + bytes(28) + white + bytes(48)
    return header + struct.pack(">I", len(tags)) + table + body


def rgb_profile(colorants: Any, gamma: float | None) -> bytes:
    xyz = [b"XYZ " + bytes(4) + fixed(*one) for one in ((0.9642, 1.0, 0.8249), *colorants)]
    tags = dict(zip((b"wtpt", b"rXYZ", b"gXYZ", b"bXYZ"), xyz, strict=True))
    return profile(b"RGB ", tags | {name: curve(gamma) for name in (b"rTRC", b"gTRC", b"bTRC")})


def gray_profile(gamma: float | None) -> bytes:
    return profile(b"GRAY", {b"wtpt": b"XYZ " + bytes(4) + fixed(0.9642, 1.0, 0.8249), b"kTRC": curve(gamma)})


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def in_srgb(colour: tuple[int, int, int], colorants: Any, gamma: float | None) -> Any:
    """By the definition: to linear light, to XYZ, to linear sRGB, clipped, to sRGB."""
    linear = np.array([TRANSFER[value] for value in colour] if gamma is None else (np.array(colour) / 255) ** gamma)
    wanted = np.clip(np.linalg.solve(np.array(SRGB).T, np.array(colorants).T @ linear), 0, 1)
    return 255 * np.where(wanted > 0.0031308, 1.055 * wanted ** (1 / 2.4) - 0.055, 12.92 * wanted)


WIDE = {"Display P3": (DISPLAY_P3, None), "Adobe RGB": (ADOBE_RGB, 563 / 256), "ProPhoto": (PROPHOTO, 1.8)}
LOSSY = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}, "AVIF": {"quality": 100}}


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "WEBP", "AVIF"])
@pytest.mark.parametrize("name", WIDE)
def test_colours_of_another_profile_become_srgb(kind: str, name: str) -> None:
    colorants, gamma = WIDE[name]
    image = Image.new("RGB", (16, 16), (200, 120, 60))
    data = encoded(image, kind, icc_profile=rgb_profile(colorants, gamma), **LOSSY.get(kind, {}))
    wanted = in_srgb((200, 120, 60), colorants, gamma)
    assert np.abs(wanted - (200, 120, 60)).max() > 10
    np.testing.assert_allclose(read_image(data).image.getpixel((8, 8)), wanted, atol=4)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_turned_picture_keeps_its_profile(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.new("RGB", (32, 16), (200, 120, 60))
    for kind in ("JPEG", "PNG", "TIFF", "WEBP"):
        options = LOSSY.get(kind, {}) | {"icc_profile": rgb_profile(*WIDE["ProPhoto"]), "exif": exif}
        found = read_image(encoded(image, kind, **options)).image
        assert found.size == ((32, 16) if orientation in {1, 3} else (16, 32))
        np.testing.assert_allclose(found.getpixel((8, 8)), in_srgb((200, 120, 60), *WIDE["ProPhoto"]), atol=4)


@pytest.mark.parametrize("mode", ["RGBA", "P", "palette with a transparent colour"])
def test_transparent_pictures_are_converted_too(mode: str) -> None:
    image = Image.new("RGBA", (16, 16), (200, 120, 60, 255))
    image.paste((0, 0, 0, 0), (8, 0, 16, 16))
    if mode == "P":
        image = image.convert("RGB").quantize(4)
    elif mode != "RGBA":
        image = image.quantize(4)
    found = read_image(encoded(image, "PNG", icc_profile=rgb_profile(*WIDE["Adobe RGB"]))).image
    np.testing.assert_allclose(found.getpixel((4, 8)), in_srgb((200, 120, 60), *WIDE["Adobe RGB"]), atol=3)
    assert found.getpixel((12, 8)) == ((0, 0, 0) if mode == "P" else (255, 255, 255))


def test_half_transparent_colours_are_laid_on_white_after_they_are_converted() -> None:
    data = encoded(Image.new("RGBA", (4, 4), (200, 120, 60, 128)), "PNG", icc_profile=rgb_profile(*WIDE["Adobe RGB"]))
    wanted = in_srgb((200, 120, 60), *WIDE["Adobe RGB"]) * 128 / 255 + 127
    np.testing.assert_allclose(read_image(data).image.getpixel((0, 0)), wanted, atol=3)


@pytest.mark.parametrize("gamma", [1.0, 1.8, 3.0])
@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
def test_gray_profiles(gamma: float, mode: str) -> None:
    level = 140
    image = (
        Image.fromarray(np.full((8, 8), level * 257, np.uint16)) if mode == "I;16" else Image.new("L", (8, 8), level)
    )
    data = encoded(image.convert(mode) if mode == "LA" else image, "PNG", icc_profile=gray_profile(gamma))
    wanted = in_srgb((level,) * 3, SRGB, gamma)
    np.testing.assert_allclose(read_image(data).image.getpixel((4, 4)), wanted, atol=2)


@pytest.mark.parametrize(
    ("mode", "given"),
    [
        ("RGB", rgb_profile(SRGB, None)),
        ("RGB", ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()),
        ("RGB", b"no profile at all"),
        ("RGB", rgb_profile(ADOBE_RGB, 2.2)[:200]),
        ("RGB", gray_profile(1.0)),
        ("L", rgb_profile(ADOBE_RGB, 2.2)),
        ("L", gray_profile(None)),
        ("RGBA", rgb_profile(SRGB, None)),
        ("RGB", ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()),
        ("RGB", bytes(9 * 2**20)),
    ],
    ids=["sRGB", "Pillow's", "text", "cut", "gray", "colours for gray", "gray sRGB", "alpha", "Lab", "huge"],
)
def test_profiles_that_change_nothing_or_do_not_fit(mode: str, given: bytes) -> None:
    generator = np.random.default_rng(0)
    image = Image.fromarray(generator.integers(0, 256, (16, 16, 4), np.uint8), "RGBA").convert(mode)
    plain = read_image(encoded(image, "TIFF")).image
    assert read_image(encoded(image, "TIFF", icc_profile=given)).image.tobytes() == plain.tobytes()


@pytest.mark.parametrize("tag", [(34675, 2), (34675, 4), (322, 2), (274, 2), (281, 2)])
def test_tags_of_another_type_than_they_should_be(tag: tuple[int, int]) -> None:
    data = tiff16(np.zeros((2, 2, 1), np.uint16), **{f"_{tag[0]}": 65})
    at = data.find(struct.pack("<HH", tag[0], 4)) + 2
    assert read_image(data[:at] + struct.pack("<H", tag[1]) + data[at + 2 :]).image.size == (2, 2)


def test_one_profile_serves_several_threads() -> None:
    data = encoded(Image.effect_noise((64, 64), 90).convert("RGB"), "PNG", icc_profile=rgb_profile(PROPHOTO, 1.8))
    colours._made.cache_clear()
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: read_image(data).image.tobytes(), range(64)))
    assert len(found) == 1
    assert colours._made.cache_info().currsize == 1


def png16(values: Any, extra: bytes = b"", clear: int | None = None) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, bands = values.shape
    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[bands], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    significant = chunk(b"sBIT", extra) if extra else b""
    if clear is not None:
        significant += chunk(b"tRNS", struct.pack(">H", clear))
    body = significant + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body


def tiff16(values: Any, order: str = "<", **more: int) -> bytes:
    """Tags by number with a leading underscore."""
    height, width, bands = values.shape
    data = values.astype(f"{order}u2").tobytes()
    photometric = 2 if bands == 3 else 1
    tags = {256: width, 257: height, 258: 16, 259: 1, 262: photometric, 273: 0, 277: bands, 278: height, 279: len(data)}
    tags |= {int(name[1:]): value for name, value in more.items()}
    at = 8 + 2 + 12 * len(tags) + 4
    tags[273] = at + 6
    entries = b"".join(
        struct.pack(f"{order}HHII", tag, 4, 1, value)
        if tag != 258 or bands == 1
        else struct.pack(f"{order}HHII", 258, 3, 3, at)
        for tag, value in sorted(tags.items())
    )
    start = b"II*\0" if order == "<" else b"MM\0*"
    ifd = struct.pack(f"{order}H", len(tags)) + entries + bytes(4)
    return start + struct.pack(f"{order}I", 8) + ifd + struct.pack(f"{order}3H", 16, 16, 16) + data


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_narrow_values_in_sixteen_bits_are_scaled_by_their_own_range(bits: int, bands: int) -> None:
    ramp = np.linspace(0, 2**bits - 1, 64).round().astype(np.uint16)
    values = np.repeat(np.tile(ramp, (4, 1))[:, :, None], bands, axis=2)
    if bands in {2, 4}:
        values[:, :, -1] = 65535
    wanted = np.repeat(np.linspace(0, 255, 64)[None, :, None], 3, axis=2)
    files = [png16(values)]
    if bands in {1, 3}:
        files += [tiff16(values, "<"), tiff16(values, ">")]
    for data in files:
        np.testing.assert_allclose(np.asarray(read_image(data).image)[:1], wanted, atol=1)


def test_narrow_values_of_other_formats() -> None:
    ramp = np.linspace(0, 4095, 64).round().astype(np.uint16)
    image = Image.fromarray(np.tile(ramp, (64, 1)))
    graymap = b"P5 64 1 65535\n" + ramp.astype(">u2").tobytes()
    of_twelve_bits = b"P5 64 1 4095\n" + (ramp // 20).astype(">u2").tobytes()
    wanted = np.linspace(0, 255, 64)
    for data in (encoded(image, "JPEG2000", irreversible=False), graymap):
        np.testing.assert_allclose(np.asarray(read_image(data).image)[0, :, 0], wanted, atol=1)
    np.testing.assert_allclose(np.asarray(read_image(of_twelve_bits).image)[0, :, 0], wanted / 20, atol=1.5)


def test_a_turned_picture_of_narrow_colours() -> None:
    values = np.zeros((8, 16, 3), np.uint16)
    values[:, :8] = (4095, 1, 2001)
    found = read_image(tiff16(values, _274=6))
    assert (found.width, found.height) == found.image.size == (8, 16)
    assert found.image.getpixel((4, 2)) == (255, 0, 125)


@pytest.mark.parametrize(
    ("levels", "wanted"),
    [
        ((0, 3001, 40001), (0, 11, 155)),
        ((0, 15 * 257, 3 * 257), (0, 15, 3)),  # from 8 bits
        ((0, 200 * 16, 100 * 16), (0, 12, 6)),  # 12 bits, shifted to the left
        ((0, 7, 3), (0, 2, 1)),  # noise around black
        ((0, 0, 0), (0, 0, 0)),
    ],
)
def test_dark_pictures_of_sixteen_bits_stay_dark(levels: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    values = np.array(levels, np.uint16)[None, :, None]
    for data in (png16(values), png16(np.repeat(values, 3, axis=2)), tiff16(values)):
        np.testing.assert_allclose(np.asarray(read_image(data).image)[0, :, 0], wanted, atol=1)


def test_the_range_that_a_file_names() -> None:
    values = np.array([0, 301, 601], np.uint16)[None, :, None]
    for data in (png16(values, b"\x0c"), tiff16(values, _281=4095)):
        np.testing.assert_allclose(np.asarray(read_image(data).image)[0, :, 0], (0, 19, 37), atol=1)


def test_a_transparent_value_of_sixteen_bits_lies_on_white() -> None:
    values = np.array([[0, 65535, 40001, 0]], np.uint16)[:, :, None]
    found = np.asarray(read_image(png16(values, clear=0)).image)
    assert found[0].tolist() == [[255] * 3, [255] * 3, [155] * 3, [255] * 3]


def test_a_picture_whose_zero_is_white() -> None:
    values = np.array([0, 65535, 40001], np.uint16)[None, :, None]
    np.testing.assert_allclose(np.asarray(read_image(tiff16(values, _262=0)).image)[0, :, 0], (255, 0, 100), atol=1)
