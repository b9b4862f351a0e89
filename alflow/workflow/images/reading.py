"""Reading foreign files: bounded, and with the reason if it fails."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from fsspec.spec import AbstractFileSystem

from alflow import remote
from alflow.errors import InvalidInputError, UnavailableError
from alflow.workflow.images.addresses import LOCAL, WEB, Address

UNREAD: Final = ("the file does not exist", "the file cannot be read")
"""How the reasons begin why a file could not be read, which say nothing of what is in it."""

_SECONDS: Final = {"total": 1800, "sock_connect": 20, "sock_read": 60}  # of a request
_PIECE: Final = 2**20
_OF_WEB: Final = {  # by the name of aiohttp's error, for aiohttp is an extra
    "TooManyRedirects": "the server sends on and on",
    "NonHttpUrlRedirectClientError": "the server sends on to an address that is not of the web",
    "InvalidUrlRedirectClientError": "the server redirects to an invalid address",
    "InvalidUrlClientError": "this is not the address of a server",
    "InvalidURL": "this is not the address of a server",
    "ClientPayloadError": "the server sent less than it announced, or in another encoding",
}


def read_plain(address: Address, limit: int) -> bytes:
    """The first bytes of a file that is in no archive, at most `limit`.

    Raises:
        InvalidInputError: it is gone, or cannot be read; the message is the reason, fit to be recorded.
    """
    with reasons(address), _open(address) as file:
        return _read(file, limit)


def seekable(address: Address) -> IO[bytes]:
    """A seekable file; for a web server without range requests, a temporary copy that is deleted when closed.

    Raises:
        InvalidInputError: it cannot be read.
    """
    with reasons(address):
        return _of_web(address) if address.scheme in WEB else _open(address)


def is_web_page(start: bytes) -> bool:
    """Whether the bytes begin as HTML does."""
    text = start[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return text.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<script"))


def file_system(address: Address) -> AbstractFileSystem:
    """The file system of a URL.

    Raises:
        InvalidInputError: a package that it needs is not installed, or it refuses.
    """
    try:
        files: AbstractFileSystem = remote.file_system(
            address.scheme, **(_web_options(address) if address.scheme in WEB else {})
        )
    except UnavailableError as error:
        raise InvalidInputError(str(error)) from error
    return files


@contextmanager
def reasons(address: Address) -> Iterator[None]:
    """Turn what file systems raise into a reason.

    Raises:
        InvalidInputError: something was raised.
    """
    try:
        yield
    except InvalidInputError:
        raise
    except FileNotFoundError as error:
        hint = "; write / between folders" if address.scheme == LOCAL and "\\" in address.path else ""
        raise InvalidInputError(f"{UNREAD[0]}{hint}") from error
    except Exception as error:  # file systems of many makers, each with errors of its own
        raise InvalidInputError(f"{UNREAD[1]}: {_words(error)}") from error


def _words(error: Exception) -> str:
    if known := _OF_WEB.get(type(error).__name__):
        return known
    if status := getattr(error, "status", None):  # of an answer over http
        return f"the server answered {status} {getattr(error, 'message', '')}".strip()
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _open(address: Address) -> IO[bytes]:
    if address.scheme == LOCAL:
        path = Path(address.path)
        if path.exists() and not path.is_file():  # opening a pipe would block for ever
            raise InvalidInputError("it is not a file")
        return path.open("rb")
    # Of a web server the file is asked for once and as a stream, whatever it says of its size.
    once = {"block_size": 0, "size": 1} if address.scheme in WEB else {}
    return file_system(address).open(str(address), "rb", **once)  # type: ignore[no-any-return]


def _read(file: IO[bytes], limit: int) -> bytes:
    pieces, left = [], limit
    while left > 0 and (piece := file.read(min(left, _PIECE))):  # a stream may return less than requested
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _of_web(address: Address) -> IO[bytes]:
    """Parts of a file of a web server, as far as the server gives parts."""
    file = file_system(address).open(str(address), "rb")
    try:
        file.seek(1)
        file.read(1)
        file.seek(0)
    except ValueError:
        copy = tempfile.TemporaryFile()  # noqa: SIM115 - it outlives this function
        with _open(address) as stream:
            shutil.copyfileobj(stream, copy, _PIECE)
        copy.seek(0)
        return copy
    return file  # type: ignore[no-any-return]


def _web_options(address: Address) -> dict[str, Any]:
    try:
        from aiohttp import ClientTimeout  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise InvalidInputError(f"{address.scheme}:// needs aiohttp: pip install 'alflow[http]'") from error
    from alflow.workflow.images.redirects import guard, public_client  # noqa: PLC0415 - needs the extra

    client = {"timeout": ClientTimeout(**_SECONDS), "trace_configs": [guard()]}
    bounded = {"get_client": public_client} if address.public else {}
    return {"client_kwargs": client, "encoded": _is_encoded(address.path), **bounded}


def _is_encoded(url: str) -> bool:
    """Whether the text is a URL as it stands; a signature would not survive being encoded again."""
    return "%" in url and url.isascii() and url.isprintable() and " " not in url
