"""What a JPEG 2000 says of itself before anything is decoded, to know what decoding will hold.

A file of 1 KB can name a picture of gigabytes: OpenJPEG keeps a tile of every component in 32 bits, and records for
each of its code blocks and precincts, which a file may make as small as it likes.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Final

_START: Final = b"\xff\x4f\xff\x51"
_COD, _COC, _SOT, _SOD = 0xFF52, 0xFF53, 0xFF90, 0xFF93
_MAX_TILE_PARTS: Final = 65535

# Bytes that OpenJPEG 2.5 was measured to take, rounded up.
_A_SAMPLE: Final = 6
_A_RECORD: Final = 400  # code block or precinct, of all components and resolutions, whichever are wanted
_A_TILE: Final = 8000
_A_COMPONENT_OF_A_TILE: Final = 1500


@dataclass(frozen=True)
class Codestream:
    """A header: sizes in pixels, how often the picture can be halved, code blocks and precincts for each sample."""

    width: int
    height: int
    tile_width: int
    tile_height: int
    components: int
    levels: int
    records: float

    def held_bytes(self, scale: int) -> int:
        """What decoding at 1/`scale` of the size holds."""
        across, down = ceil(self.width / self.tile_width), ceil(self.height / self.tile_height)
        tile = min(self.tile_width, self.width) * min(self.tile_height, self.height) * self.components
        picture = 4 * self.width * self.height // scale**2
        tiles = across * down * (_A_TILE + _A_COMPONENT_OF_A_TILE * self.components)
        return picture + _A_SAMPLE * tile // scale**2 + int(_A_RECORD * self.records * tile) + tiles


def read_codestream(data: bytes) -> Codestream | None:
    """The header of the first codestream; None if it is damaged."""
    start = data.find(_START)
    try:
        width, height, left, top, tile_width, tile_height = struct.unpack_from(">6I", data, start + 8)
        (components,) = struct.unpack_from(">H", data, start + 40)
        styles = [_style(marker, segment, components) for marker, segment in _segments(data, start + 2)]
    except (struct.error, IndexError):
        return None
    styles = [style for style in styles if style is not None]
    if start < 0 or not styles or min(width - left, height - top, tile_width, tile_height, components) < 1:
        return None
    levels, records = zip(*styles, strict=True)
    return Codestream(width - left, height - top, tile_width, tile_height, components, min(levels), max(records))


def _segments(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """The marker segments of the main header and of the headers of all tile parts, which may say other than it."""
    part_end, parts = 0, 0
    while parts <= _MAX_TILE_PARTS and at + 4 <= len(data):
        marker, length = struct.unpack_from(">HH", data, at)
        if marker == _SOD:
            at = part_end
            continue
        if marker < 0xFF00 or length < 2:
            return
        yield marker, data[at + 4 : at + 2 + length]
        if marker == _SOT:
            parts += 1
            (size,) = struct.unpack_from(">I", data, at + 6)
            part_end = at + size if size >= 14 else len(data)
        at += 2 + length


def _style(marker: int, segment: bytes, components: int) -> tuple[int, float] | None:
    """Levels, and how many code blocks and precincts there are for a sample, where a segment names them."""
    if marker == _COD:
        has_precincts, coding = segment[0] & 1, segment[5:]
    elif marker == _COC:
        after = 1 if components < 257 else 2
        has_precincts, coding = segment[after] & 1, segment[after + 1 :]
    else:
        return None
    levels, wide, high = coding[0], (coding[1] & 15) + 2, (coding[2] & 15) + 2
    sizes = coding[5 : 6 + levels] if has_precincts else b"\xff" * (levels + 1)  # from the smallest resolution up
    records = 0.0
    for level, size in enumerate(sizes):
        precinct = 2 ** ((size & 15) + (size >> 4))
        records += (1 / precinct + 1 / min(2 ** (wide + high), precinct)) / 4 ** (levels - level)
    return levels, records
