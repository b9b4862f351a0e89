"""Archives as folders: `.zip` and `.tar`, plain or compressed. Members are read in memory, none is unpacked to disk."""

import io
import tarfile
import threading
import time
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO, Final

from alflow.errors import InvalidInputError
from alflow.vlm.images import MAX_BYTES
from alflow.workflow.images.addresses import LOCAL, Address
from alflow.workflow.images.reading import is_web_page, read_plain, reasons, seekable

SUFFIXES: Final[Mapping[str, str]] = {".zip": "zip"} | dict.fromkeys(
    (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz"), "tar"
)
"""Endings of a file, and the scheme that reads it."""

_KEPT_SECONDS: Final = 600  # for which a remote archive is assumed to be unchanged
_BOMB: Final = 200  # largest ratio of unpacked to compressed size; images hardly compress at all
_SAYS_UTF8: Final = 0x800  # flag of a member of a zip archive
_SMALL: Final = 2**30  # smaller files are not checked


@dataclass(frozen=True)
class Members:
    """The files of an archive in their order, and how many entries were left out, by the reason."""

    files: tuple[str, ...]
    left_out: Mapping[str, int]


@dataclass(frozen=True)
class _Archive:
    """An open archive; one thread at a time reads from it."""

    opened: zipfile.ZipFile | tarfile.TarFile
    files: Mapping[str, zipfile.ZipInfo | tarfile.TarInfo]
    left_out: Mapping[str, int]
    one_reader: threading.Lock = field(default_factory=threading.Lock)


def read(address: Address, limit: int) -> bytes:
    """The first bytes of a file, in an archive or not, at most `limit`, however large it would unpack.

    Raises:
        InvalidInputError: it is gone, or cannot be read; the message is the reason, fit to be recorded.
    """
    if address.outer is None:
        return read_plain(address, limit)
    archive = _opened(address)
    about = archive.files.get(address.path)
    if about is None:
        raise InvalidInputError(f"the archive {address.outer.shown} holds no file {address.path!r}")
    with reasons(address), archive.one_reader, _member(archive.opened, about) as file:
        return file.read(limit)


def archive_of(address: Address) -> Address | None:
    """The contents of a file whose name says that it is an archive."""
    for suffix, scheme in SUFFIXES.items():
        if address.name.endswith(suffix):
            return Address(scheme, "", address)
    return None


def members(address: Address) -> Members:
    """The files of an archive, below the folder that `address` names in it; names are those in the archive.

    Raises:
        InvalidInputError: it cannot be read, or is damaged.
    """
    archive = _opened(address)
    below = address.path.rstrip("/") + "/" if address.path else ""
    return Members(tuple(name for name in archive.files if name.startswith(below)), archive.left_out)


def has_member(address: Address) -> bool:
    """Whether the archive holds a file of exactly this name.

    Raises:
        InvalidInputError: the archive cannot be read, or is damaged.
    """
    return address.path in _opened(address).files


def _member(opened: zipfile.ZipFile | tarfile.TarFile, about: zipfile.ZipInfo | tarfile.TarInfo) -> IO[bytes]:
    if isinstance(about, zipfile.ZipInfo):
        if about.flag_bits & 0x1:
            raise InvalidInputError("it is encrypted: unpack the archive and import the folder")
        assert isinstance(opened, zipfile.ZipFile)
        return opened.open(about)
    assert isinstance(opened, tarfile.TarFile)
    file = opened.extractfile(about)
    if file is None:
        raise InvalidInputError("it is not a file")
    return file


def _opened(address: Address) -> _Archive:
    outer = address.outer
    if outer is None:
        raise InvalidInputError(f"{address} is in no archive")
    return _kept(outer, address.scheme, _age(outer))


def _age(address: Address) -> tuple[int, ...]:
    """What changes when an archive does."""
    while address.outer is not None:
        address = address.outer
    if address.scheme != LOCAL:
        return (int(time.monotonic() // _KEPT_SECONDS),)
    try:
        about = Path(address.path).stat()
    except OSError:
        return ()
    return about.st_mtime_ns, about.st_size, about.st_ino


@lru_cache(maxsize=4)
def _kept(address: Address, scheme: str, age: tuple[int, ...]) -> _Archive:  # noqa: ARG001 - `age` is part of the key
    """The open archive, cached: to list it again for each member would take too long.

    Raises:
        InvalidInputError: it cannot be read, or is not an archive; the message names it.
    """
    try:
        file = seekable(address) if address.outer is None else _within_memory(address)
    except InvalidInputError as error:
        raise InvalidInputError(f"the archive {address.shown}: {error}") from error
    try:
        return _zip(file) if scheme == "zip" else _tar(file)
    except Exception as error:  # damaged bytes may raise anything
        file.seek(0)
        found = "a web page, not an archive" if is_web_page(file.read(1024)) else f"no {scheme} archive, or damaged"
        why = (str(error) or type(error).__name__).partition("\n")[0].rstrip(":")
        raise InvalidInputError(f"the archive {address.shown} is {found}: {why}") from error


def _within_memory(address: Address) -> IO[bytes]:
    data = read(address, MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InvalidInputError(f"it is an archive in an archive, larger than {MAX_BYTES // 2**20} MB")
    return io.BytesIO(data)


def _zip(file: IO[bytes]) -> _Archive:
    opened = zipfile.ZipFile(file)
    named = [(_name(about).replace("\\", "/"), about) for about in opened.infolist()]  # as old Windows tools write them
    everything = [(name.strip("/"), about) for name, about in named if not name.endswith("/")]
    files = dict[str, zipfile.ZipInfo | tarfile.TarInfo](everything)
    return _Archive(opened, files, _same_name(len(everything) - len(files)))


def _name(about: zipfile.ZipInfo) -> str:
    """The name as it was packed: a Mac and `zip` write UTF-8 without saying so, which is read as code page 437."""
    if not about.flag_bits & _SAYS_UTF8:
        with suppress(UnicodeError):
            return about.filename.encode("cp437").decode()
    return about.filename


def _tar(file: IO[bytes]) -> _Archive:
    size = file.seek(0, 2)
    file.seek(0)
    opened = tarfile.open(fileobj=file, mode="r:*")  # noqa: SIM115 - it outlives this function
    files, several, none = dict[str, zipfile.ZipInfo | tarfile.TarInfo](), 0, 0
    for about in opened:
        unpacked = about.offset_data + about.size
        if unpacked > max(_SMALL, _BOMB * size):
            raise InvalidInputError(f"it unpacks to more than {_BOMB} times its size")
        if about.isreg() or about.islnk() or about.issym():
            name = about.name.removeprefix("./").strip("/")
            several += name in files
            files[name] = about
        else:
            none += not about.isdir()
    other = {"not files (pipes, sockets, devices)": none} if none else {}
    return _Archive(opened, files, _same_name(several) | other)


def _same_name(count: int) -> dict[str, int]:
    return {"files of one name in the archive, of which the last counts": count} if count else {}
