"""Headers that promise more than the bytes behind them hold: refused, or decoded smaller, at a known cost."""

import io
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from alflow.errors import InvalidInputError
from alflow.vlm.images import read_image
from alflow.vlm.jpeg2000 import read_codestream

SMALL = Image.new("RGB", (64, 64), (9, 200, 30))


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg2000(width: int, height: int, tile: tuple[int, int] | None = None, **options: Any) -> bytes:
    """A header that names another size than that of the 64 x 64 pixels behind it."""
    data = bytearray(encoded(SMALL, "JPEG2000", **options))
    start, header = data.find(b"\xff\x4f\xff\x51"), data.find(b"ihdr")
    struct.pack_into(">II", data, header + 4, height, width)
    struct.pack_into(">II", data, start + 8, width, height)
    struct.pack_into(">II", data, start + 24, *(tile or (width, height)))
    return bytes(data)


def small_precincts() -> bytes:
    data = bytearray(jpeg2000(3000, 3000, precinct_size=(4, 4), codeblock_size=(4, 4)))
    coding = data.find(b"\xff\x52")
    for level in range(1, data[coding + 9] + 1):
        data[coding + 14 + level] = 0x11
    return bytes(data)


def progressive(side: int, scans: int = 1) -> bytes:
    data = bytearray(encoded(SMALL, "JPEG", progressive=True))
    struct.pack_into(">HH", data, data.find(b"\xff\xc2") + 5, side, side)
    last = data.rfind(b"\xff\xda")
    return bytes(data[:-2] + data[last:-2] * (scans - 1) + data[-2:])


def run_lengths(width: int, height: int) -> bytes:
    body = b"\0\2\xff\xff\0\1"  # skip 255 columns and 255 rows
    sizes = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(body), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 1078 + len(body), 0, 0, 1078) + sizes + bytes(1024) + body


def large_tiles(side: int) -> bytes:
    body = zlib.compress(bytes(4096))
    tags = {256: 64, 257: 64, 258: 8, 259: 8, 262: 1, 277: 1, 322: side, 323: side, 324: 8, 325: len(body)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<I", 8 + len(body)) + body + struct.pack("<H", len(tags)) + entries + bytes(4)


def webp(side: int) -> bytes:
    frame = encoded(SMALL, "WEBP", lossless=True)[12:]
    size = struct.pack("<I", side - 1)[:3]
    extended = b"VP8X" + struct.pack("<I", 10) + b"\2\0\0\0" + size + size + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    placed = bytes(6) + struct.pack("<I", 63)[:3] * 2 + bytes(4) + frame
    body = b"WEBP" + extended + b"ANMF" + struct.pack("<I", len(placed)) + placed
    return b"RIFF" + struct.pack("<I", len(body)) + body


def avif(side: int) -> bytes:
    data = bytearray(encoded(SMALL, "AVIF"))
    struct.pack_into(">II", data, data.find(b"ispe") + 8, side, side)
    return bytes(data)


def gif(width: int, height: int) -> bytes:
    data = bytearray(encoded(SMALL.quantize(4), "GIF"))
    struct.pack_into("<HH", data, 6, width, height)
    return bytes(data)


def text_bomb(kind: bytes, before: bytes) -> bytes:
    body = before + zlib.compress(bytes(100 * 2**20), 9)
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    data = encoded(SMALL, "PNG")
    return data[:33] + chunk + data[33:]


TOO_MUCH = {
    "JPEG 2000 of one tile": (jpeg2000(7000, 7000), "640 MB"),
    "JPEG 2000 of one long tile": (jpeg2000(60_000, 1300), "640 MB"),
    "JPEG 2000 of tiny tiles": (jpeg2000(5000, 5000, (20, 20)), "640 MB"),
    "JPEG 2000 of pixels as tiles": (jpeg2000(250, 250, (1, 1)), "640 MB"),
    "JPEG 2000 of tiny blocks": (jpeg2000(4000, 4000, codeblock_size=(4, 4)), "640 MB"),
    "JPEG 2000 of tiny precincts": (small_precincts(), "640 MB"),
    "JPEG 2000 without pixels": (jpeg2000(70, 70)[:140], "damaged"),
    "progressive JPEG": (progressive(9000), "80 million"),
    "JPEG of many scans": (progressive(64, 300), "200 scans"),
    "BMP of run lengths": (run_lengths(70_000_000, 1), "640 MB"),
    "TIFF of large tiles": (large_tiles(27_008), "640 MB"),
    "WebP": (webp(6500), "640 MB"),
    "AVIF": (avif(8200), "640 MB"),
    "GIF": (gif(65535, 1300), "80 million"),
    "PPM with a long comment": (b"P6 #" + b"a" * 200_000 + b"\n1 1 255\n\0\0\0", "header of the PPM"),
    "PPM with a long number": (b"P6 " + b"9" * 200_000 + b" 1 255\n", "header of the PPM"),
    "PNG with a profile": (text_bomb(b"iCCP", b"a\0\0"), "too large"),
    "PNG with a text": (text_bomb(b"zTXt", b"a\0\0"), "too large"),
    "PNG with a long text": (text_bomb(b"iTXt", b"a\0\1\0\0\0"), "too large"),
}

PEAK = """
import resource, sys, warnings
from pathlib import Path
from alflow.errors import InvalidInputError
from alflow.vlm.images import read_image
warnings.simplefilter("ignore")
for path in sorted(Path(sys.argv[1]).iterdir()):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    data = path.read_bytes()
    try:
        found = read_image(data, longest=int(sys.argv[2])).image.size
    except InvalidInputError as error:
        found = error
    print(f"{path.name}: {(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024} MB: {found}")
"""


def peaks(folder: Path, files: dict[str, bytes], longest: int = 0) -> dict[str, tuple[int, str]]:
    """Memory in MB by which a process of its own grew, and what came of it."""
    for name, data in files.items():
        (folder / name).write_bytes(data)
    run = [sys.executable, "-c", PEAK, str(folder), str(longest)]
    lines = subprocess.run(run, capture_output=True, text=True, check=True).stdout.splitlines()
    parts = (line.split(": ", 2) for line in lines)
    return {name: (int(grown.split()[0]), found) for name, grown, found in parts}


def test_what_would_take_too_much_is_refused_by_its_header(tmp_path: Path) -> None:
    found = peaks(tmp_path, {name: data for name, (data, _) in TOO_MUCH.items()})
    assert found.keys() == TOO_MUCH.keys()
    for name, (_, reason) in TOO_MUCH.items():
        grown, said = found[name]
        assert re.search(reason, said), (name, said)
        assert grown < 20, name


@pytest.mark.slow
def test_a_large_jpeg_2000_is_decoded_smaller_where_that_will_do(tmp_path: Path) -> None:
    side = 3000
    whole = encoded(Image.new("RGB", (side, side), (200, 30, 9)), "JPEG2000")
    assert len(whole) < 2000
    found = peaks(tmp_path, {"black.jp2": whole}, longest=350)
    grown, size = found["black.jp2"]
    assert size == "(375, 375)"
    assert grown < 40  # where the whole picture takes 170
    picture = read_image(whole, longest=350)
    assert (picture.width, picture.height) == (side, side)
    assert all(abs(a - b) < 4 for a, b in zip(picture.image.getpixel((9, 9)), (200, 30, 9), strict=True))


@pytest.mark.parametrize("width", range(64, 73))
@pytest.mark.parametrize("longest", [9, 17, 33])
def test_a_jpeg_2000_of_any_size_can_be_reduced(width: int, longest: int) -> None:
    image = Image.linear_gradient("L").resize((width, width + 3)).convert("RGB")
    picture = read_image(encoded(image, "JPEG2000"), longest)
    scale = max(scale for scale in (1, 2, 4, 8) if scale <= (width + 3) // longest)
    assert picture.image.size == (-(-width // scale), -(-(width + 3) // scale))
    assert (picture.width, picture.height) == (width, width + 3)


def test_headers_of_jpeg_2000_are_read_wherever_they_lie() -> None:
    data = encoded(SMALL.resize((300, 200)), "JPEG2000", tile_size=(128, 64), codeblock_size=(16, 32))
    found = read_codestream(data)
    assert found is not None
    assert (found.width, found.height, found.tile_width, found.tile_height) == (300, 200, 128, 64)
    assert found.components == 3
    assert found.records == pytest.approx(4 / 3 / 512, rel=0.01)  # blocks of all resolutions
    halved = read_codestream(encoded(SMALL.resize((300, 200)), "JPEG2000", precinct_size=(128, 128)))
    assert halved is not None
    assert halved.records < 3 / 1024  # small precincts of small resolutions are few
    raw = encoded(SMALL, "JPEG2000", no_jp2=True)
    assert read_codestream(raw) is not None
    for length in range(0, 200, 3):
        read_codestream(raw[:length])  # damaged: nothing, or no error


def test_long_thin_pictures_are_read_as_they_are() -> None:
    for size in ((1, 200_000), (200_000, 1), (3, 65_000), (1, 20_000)):
        picture = read_image(encoded(Image.new("L", size), "PNG"), longest=1024, shortest=448)
        assert (picture.width, picture.height) == size


def test_a_header_that_cannot_be_read_is_no_other_error() -> None:
    with pytest.raises(InvalidInputError):
        read_image(jpeg2000(2**32 - 1, 2**32 - 1))
