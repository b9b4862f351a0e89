"""File systems at addresses such as s3://bucket/birds, each by the package that brings it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import fsspec

from alflow.errors import InvalidInputError, UnavailableError
from alflow.leftovers import SAFE_AGE

EXTRAS: Final = {
    **dict.fromkeys(("s3", "s3a"), ("s3", "s3fs")),
    **dict.fromkeys(("gs", "gcs"), ("gcs", "gcsfs")),
    **dict.fromkeys(("az", "abfs", "abfss"), ("azure", "adlfs")),
    **dict.fromkeys(("http", "https"), ("http", "aiohttp")),
}
"""Of a scheme: the extra of alflow that reads it, and the package that the extra brings."""

OBJECT_STORES: Final = frozenset(scheme for scheme, (extra, _) in EXTRAS.items() if extra != "http")
"""Schemes of stores without folders, where a file is put whole or not at all."""

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*)(?:://|::)", re.IGNORECASE)
_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def scheme_of(address: str) -> str:
    """The scheme of the file system that an address names first, in lower case; `file` of a path."""
    found = _SCHEME.match(address)
    return found[1].lower() if found and _URL.search(address) else "file"


def connect(address: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it; what is there is asked anew each time.

    Raises:
        InvalidInputError: no file system has such an address.
        UnavailableError: the file system needs a package that is not installed, or cannot be set up.
    """
    if _URL.match(address):
        address = scheme_of(address) + address[address.index(":") :]
    with _explained(address):
        return fsspec.url_to_fs(address, use_listings_cache=False)  # type: ignore[no-any-return]


def file_system(scheme: str, **options: Any) -> Any:
    """The file system of a scheme, with its own options; what is there is asked anew each time.

    Raises:
        InvalidInputError: no file system has such a scheme.
        UnavailableError: the file system needs a package that is not installed, or cannot be set up.
    """
    with _explained(f"{scheme}://"):
        return fsspec.filesystem(scheme, use_listings_cache=False, **options)


def old_uploads(files: Any, root: str) -> list[tuple[str, str]]:
    """Paths below `root` whose upload in parts began long ago and was never finished, and the ids of these uploads.

    Only S3 keeps such parts, and bills for them; the others let them lapse.
    """
    if "s3" not in (files.protocol, *files.protocol):
        return []
    bucket, key, _ = files.split_path(root)
    found = files.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=f"{key.rstrip('/')}/" if key else "")
    latest = datetime.now(UTC) - SAFE_AGE
    return [
        (f"{bucket}/{upload['Key']}", upload["UploadId"])
        for upload in found.get("Uploads", [])
        if upload["Initiated"] < latest
    ]


def abort_uploads(files: Any, root: str) -> None:
    """Let S3 forget the parts of `old_uploads`."""
    for path, upload in old_uploads(files, root):
        bucket, key, _ = files.split_path(path)
        files.call_s3("abort_multipart_upload", Bucket=bucket, Key=key, UploadId=upload)


def reason(error: Exception) -> str:
    """Why a file system failed, in one line."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    words = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return " ".join(words.split())


@contextmanager
def _explained(address: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise UnavailableError(_missing(address, error)) from error
    except ValueError as error:
        scheme = str(error).removeprefix("Protocol not known: ")
        if scheme in EXTRAS:  # the package itself would make it known
            raise UnavailableError(_needs(scheme)) from error
        raise InvalidInputError(f"{address} is no address of a file system that is known: {error}") from error
    except Exception as error:  # each file system raises what it likes, such as for want of an account
        raise UnavailableError(f"{address} cannot be reached: {reason(error)}") from error


def _missing(address: str, error: ImportError) -> str:
    """Which package an address needs, and how to get it."""
    first = scheme_of(address)
    schemes = [first, *(part.partition("://")[0].lower() for part in address.split("::"))]
    known = next((scheme for scheme in schemes if scheme in EXTRAS and _is_named(scheme, error)), None)
    if known is None:
        return f"{first}:// needs a package that is not installed: {error}"
    return _needs(known)


def _is_named(scheme: str, error: ImportError) -> bool:
    """Whether it is this scheme's package that is missing; of an archive at an address it may be either's."""
    extra, package = EXTRAS[scheme]
    return package in f"{error} {error.__cause__}" or (extra == "http" and "HTTP" in str(error))


def _needs(scheme: str) -> str:
    extra, package = EXTRAS[scheme]
    return f"{scheme}:// needs {package}: pip install 'alflow[{extra}]'"
