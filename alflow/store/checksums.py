"""A checksum of a file inside the file itself, in a place that its format leaves for remarks.

In safetensors it is a string of the metadata, in a JPEG a comment, in a JSON object one more key. It is the SHA-256 of
the whole file, in which the checksum itself counts as zeros: so it covers every bit, those of the header too. What is
read and served are the bytes of the file as they are. Files from before there were checksums have none.
"""

import hashlib
import json
import re
from typing import BinaryIO, Final

KEY: Final = "checksum"
"""The key of metadata and of JSON objects."""

_MARK: Final = b"alflow-sha256:"
_ZEROS: Final = b"0" * 64
BLANK: Final = (_MARK + _ZEROS).decode()
"""What stands where the checksum will be."""

_SEALED: Final = re.compile(_MARK + rb"[0-9a-f]{64}")
_KEYED: Final = f'"{KEY}":'.encode()
_CHUNK: Final = 1 << 20
_START, _END, _APP0, _COMMENT = b"\xff\xd8", b"\xff\xd9", b"\xff\xe0", b"\xff\xfe"


def seal_tensors(file: BinaryIO) -> None:
    """Put the checksum into a safetensors file that was written with `BLANK`, open to read and write.

    Raises:
        ValueError: it was not.
    """
    header = _in_order(_header(file))
    at = _place(header)
    if at is None:
        raise ValueError("the file has no place for a checksum")
    found = _sum(header, at, file)
    file.seek(0)
    file.write(header[:at] + found + header[at + len(found) :])


def check_tensors(file: BinaryIO) -> None:
    """Compare a safetensors file with its checksum, chunk by chunk; one without a checksum is not looked at.

    Raises:
        ValueError: they differ.
    """
    header = _header(file)
    at = _place(header)
    if at is None:
        if _KEYED in header:
            raise ValueError("its checksum is damaged")
        return
    if _sum(header, at, file) != header[at : at + len(_ZEROS)]:
        raise ValueError("its checksum differs")


def seal_bytes(data: bytes) -> bytes:
    """A JPEG or a JSON object with a checksum inside; other bytes as they are."""
    if data.startswith(_START) and data.endswith(_END):
        after = 4 + int.from_bytes(data[4:6], "big") if data[2:4] == _APP0 else 2  # JFIF's own segment stays the first
        comment = BLANK.encode()
        segment = _COMMENT + (len(comment) + 2).to_bytes(2, "big") + comment
        return _with_sum(data[:after] + segment + data[after:])
    if data.startswith(b'{"') and data.endswith(b"}"):
        return _with_sum(data[:-1] + f', "{KEY}": "{BLANK}"'.encode() + b"}")
    return data


def check_bytes(data: bytes, *, jpeg: bool) -> None:
    """Compare a file with the checksum in it; a `jpeg` without one must be whole at least.

    Raises:
        ValueError: they differ, or the JPEG is cut short.
    """
    at = _place(data)
    if at is not None:
        if _sum(data, at) != data[at : at + len(_ZEROS)]:
            raise ValueError("its checksum differs")
    elif jpeg and not data.startswith(_START):
        raise ValueError("it is no picture" if data else "it is cut short")
    elif jpeg and not data.endswith(_END):
        raise ValueError("it is cut short")


def _header(file: BinaryIO) -> bytes:
    """The length and the JSON that a safetensors file begins with.

    Raises:
        ValueError: the file is shorter than its header.
    """
    file.seek(0, 2)
    size = file.tell()
    file.seek(0)
    length = file.read(8)
    rest = int.from_bytes(length, "little")
    if rest + 8 > size:
        raise ValueError("it is cut short")
    return length + file.read(rest)


def _in_order(header: bytes) -> bytes:
    """The header with its metadata sorted: safetensors writes them in any order, and equal content has equal files."""
    parts = json.loads(header[8:])
    parts["__metadata__"] = dict(sorted(parts["__metadata__"].items()))
    written = json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()
    return header[:8] + written.ljust(len(header) - 8) if len(written) <= len(header) - 8 else header


def _place(data: bytes) -> int | None:
    """Where the digits of the checksum begin; None when there is none.

    Raises:
        ValueError: there is the mark of one, without its digits.
    """
    if (found := _SEALED.search(data)) is not None:
        return found.start() + len(_MARK)
    if _MARK in data:
        raise ValueError("its checksum is damaged")
    return None


def _sum(data: bytes, at: int, rest: BinaryIO | None = None) -> bytes:
    """The digits for `data` and what is left to read of `rest`."""
    made = hashlib.sha256(data[:at] + _ZEROS + data[at + len(_ZEROS) :])
    while rest is not None and (chunk := rest.read(_CHUNK)):
        made.update(chunk)
    return made.hexdigest().encode()


def _with_sum(blank: bytes) -> bytes:
    at = blank.index(BLANK.encode()) + len(_MARK)
    return blank[:at] + _sum(blank, at) + blank[at + len(_ZEROS) :]
