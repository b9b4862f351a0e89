"""Addresses of files: a local path, a URL of a scheme that alflow reads, or either inside an archive.

    /data/a.jpg    file:///data/a%20b.jpg    https://host/a.jpg?signature=...    s3://bucket/a.jpg
    zip://cats/a.jpg::/data/all.zip          tar://a.jpg::https://host/all.tar.gz

A row of a manifest is read relative to the manifest's folder, and may not leave it: see `within`.
"""

import os
import posixpath
import re
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote, urljoin

from alflow.errors import InvalidInputError

LOCAL: Final = "file"
WEB: Final = ("http", "https")
BUCKETS: Final = ("s3", "gs", "gcs", "az", "abfs", "hf")
ARCHIVES: Final = ("zip", "tar")
SCHEMES: Final = (LOCAL, *WEB, *BUCKETS, *ARCHIVES)
"""All that is read. Other schemes of fsspec would run commands on other machines, or read private files."""

MAX_ADDRESS: Final = 2600
"""Largest number of bytes of an address; PostgreSQL cannot index longer texts."""

_MAX_NAME: Final = 255  # bytes of one name of a path, on the usual disks
_MAX_DEPTH: Final = 3  # archives within each other
_URL: Final = re.compile(r"([a-z][a-z0-9+.-]*)://(.*)", re.DOTALL | re.IGNORECASE)
_WORD: Final = re.compile(r"[a-z][a-z0-9_+.-]*", re.IGNORECASE)


@dataclass(frozen=True)
class Address:
    """Where a file or a folder is; `str` gives it back as text.

    Attributes:
        scheme: one of `SCHEMES`.
        path: an absolute local path; of a URL what follows `://`; the name of a member of an archive.
        outer: the archive, of a member.
        public: whether it is read over connections to the internet alone (see `reach`).
    """

    scheme: str
    path: str
    outer: "Address | None" = None
    public: bool = False

    def __str__(self) -> str:
        if self.scheme == LOCAL:
            return self.path
        return f"{self.scheme}://{self.path}" + (f"::{self.outer}" if self.outer else "")

    @property
    def host(self) -> str:
        """Machine or bucket of a URL."""
        return self.path.partition("/")[0]

    @property
    def name(self) -> str:
        """The path, in lower case and without a query: its ending tells the kind of file."""
        path = self.path.partition("?")[0] if self.scheme in WEB else self.path
        return path.lower()

    @property
    def shown(self) -> str:
        """The address without its query, which may be a secret signature."""
        return str(replace(self, path=self.path.partition("?")[0]) if self.scheme in WEB else self)

    @property
    def folder(self) -> "Address":
        """The folder that contains it."""
        path = self.path.partition("?")[0] if self.scheme in WEB else self.path
        parent = posixpath.dirname(path)
        return replace(self, path=parent or ("" if self.outer else path))


def parse(text: str, folder: Address | None = None) -> Address:
    """The address that a text means; the text is from a manifest in `folder`, or from a person where there is none.

    Raises:
        InvalidInputError: the scheme is not supported, or it is not an address; the message is the reason.
    """
    if not text.strip():
        raise InvalidInputError("it names no file")
    if "\0" in text:
        raise InvalidInputError("its name holds a NUL character")
    try:
        address = _parse(text, folder)
    except ValueError as error:  # the standard library says that it is not a URL, or not a name
        raise InvalidInputError(f"it is not a valid address: {str(error).partition(':')[0]}") from error
    _check(address)
    if not is_short(str(address)):
        raise InvalidInputError(f"its name is longer than {MAX_ADDRESS} bytes")
    return address


def is_short(address: str) -> bool:
    """Whether an address can be stored: it has at most `MAX_ADDRESS` bytes when escaped."""
    return _bytes(address) <= MAX_ADDRESS


def within(address: Address, folder: Address) -> bool:
    """Whether a file is inside the folder of the manifest that names it, after `..` and links are resolved.

    For a URL this means the same bucket, or the same host and folder; for an archive, the same archive.
    """
    if folder.outer is not None:
        return (address.scheme, address.outer) == (folder.scheme, folder.outer)
    while address.outer is not None:
        address = address.outer
    if address.scheme != folder.scheme:
        return False
    if folder.scheme == LOCAL:
        return is_below(os.path.realpath(address.path), os.path.realpath(folder.path))
    if folder.scheme in WEB:
        return is_below(_as_served(address), _as_served(folder))
    return _bucket(address) == _bucket(folder)


def is_below(path: str, folder: str) -> bool:
    """Whether a path without links and dots is the folder or below it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _parse(text: str, folder: Address | None, depth: int = 0) -> Address:
    if "::" in text and (folder is None or folder.scheme == LOCAL):
        local = _local(text, folder)
        if os.path.lexists(local):
            return Address(LOCAL, local)
    first, chained, rest = text.strip().partition("::")
    url = _URL.fullmatch(first)
    scheme = (url[1] if url else first).lower()
    if scheme in ARCHIVES and (url or chained):
        outer = _outer(scheme, rest, folder, depth + 1)
        return Address(scheme, url[2].strip("/") if url else "", outer)
    if url := _URL.fullmatch(text.strip()):
        return _of_url(url[1].lower(), url[2])
    if (chained and "://" in rest and _WORD.fullmatch(first)) or scheme.startswith("data:"):
        raise _not_read(first.partition(":")[0])
    if scheme.startswith("file:/"):
        return _of_url(LOCAL, "/" + text.strip()[len("file:/") :].lstrip("/"))
    return Address(LOCAL, _local(text, folder)) if folder is None or folder.scheme == LOCAL else _below(text, folder)


def _outer(scheme: str, text: str, folder: Address | None, depth: int) -> Address:
    """The archive that a file lies in.

    Raises:
        InvalidInputError: there is none, or too many lie in each other.
    """
    if not text:
        raise InvalidInputError(f"{scheme}:// needs an archive to read from: {scheme}://NAME::ARCHIVE")
    if depth > _MAX_DEPTH:
        raise InvalidInputError(f"it lies in more than {_MAX_DEPTH} archives")
    return _parse(text, folder, depth)


def _of_url(scheme: str, rest: str) -> Address:
    if scheme not in SCHEMES:
        raise _not_read(scheme)
    if scheme != LOCAL:
        if not rest.strip("/"):
            raise InvalidInputError(f"{scheme}:// names no file")
        return Address(scheme, rest)
    host, _, path = rest.partition("/")
    if host not in {"", "localhost"}:
        raise InvalidInputError(f"file://{host[:_MAX_NAME]}/ names another machine: write file:///FOLDER/NAME")
    plain, decoded = f"/{path}", unquote(f"/{path}", errors="surrogateescape")
    return Address(LOCAL, _normal(plain if os.path.lexists(plain) and not os.path.lexists(decoded) else decoded))


def _not_read(scheme: str) -> InvalidInputError:
    return InvalidInputError(f"alflow does not read {scheme[:_MAX_NAME]}://; it reads {', '.join(SCHEMES)}")


def _below(text: str, folder: Address) -> Address:
    """What a row without a scheme names, in a folder at an address or in an archive."""
    where = text.strip()
    if folder.scheme in WEB:  # a name may hold colons and number signs, which in a URL mean something else
        reference = where.replace("#", "%23")
        joined = urljoin(f"{folder}/", reference if where.startswith("/") else f"./{reference}")
        scheme, path = joined.split("://", 1)
        return Address(scheme, path)
    if folder.outer is not None:
        return replace(folder, path=posixpath.normpath(posixpath.join("/", folder.path, where)).strip("/"))
    inside = folder.path.partition("/")[2]
    below = posixpath.normpath(where.lstrip("/") if where.startswith("/") else posixpath.join(inside, where))
    return replace(folder, path=f"{folder.host}/{below}")


def _local(text: str, folder: Address | None) -> str:
    """The path that a text means; spaces and `~` count as written if there is such a file."""
    here = folder.path if folder else str(Path.cwd())
    path = posixpath.join(here, text)
    return _normal(path if os.path.lexists(path) else posixpath.join(here, os.path.expanduser(text.strip())))  # noqa: PTH111


def _normal(path: str) -> str:
    return "/" + str(PurePosixPath(path)).lstrip("/")


def _check(address: Address) -> None:
    """Refuse a text that cannot name a file.

    Raises:
        InvalidInputError: the message is the reason.
    """
    if address.outer is not None:
        _check(address.outer)
    elif address.scheme == LOCAL:
        _check_local(address.path)
    elif any(character.isspace() or character == "\\" for character in address.host):
        raise InvalidInputError(f"{address.host[:_MAX_NAME]!r} is not the name of a machine or bucket")
    elif address.scheme in BUCKETS and ".." in address.path.split("/"):
        raise InvalidInputError("it leads out of its bucket")


def _check_local(path: str) -> None:
    try:
        os.fsencode(path)
    except UnicodeEncodeError as error:
        raise InvalidInputError("its name is not valid text") from error
    if "\0" in path:
        raise InvalidInputError("its name holds a NUL character")
    if any(len(os.fsencode(part)) > _MAX_NAME for part in path.split("/")):
        raise InvalidInputError(f"a part of its name is longer than {_MAX_NAME} bytes")


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "backslashreplace"))


def _as_served(address: Address) -> str:
    """Machine and path as the server of a URL sees them: decoded, without dots and query."""
    host, _, path = address.path.partition("?")[0].partition("/")
    machine = host.lower().removesuffix(":443" if address.scheme == "https" else ":80")
    return posixpath.normpath(f"{machine}/{unquote(path)}".replace("\\", "/"))


def _bucket(address: Address) -> list[str]:
    """What bounds a manifest: the bucket, or the repository of a hub."""
    if address.scheme != "hf":
        return [address.host]
    parts = address.path.split("/")
    return parts[: 3 if parts[0] in {"datasets", "spaces", "buckets"} else 2]
