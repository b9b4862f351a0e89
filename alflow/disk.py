"""What disks say when they take nothing more, in one line that names the place and the remedy."""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from safetensors import SafetensorError

from alflow.errors import UnavailableError

ROOM: Final = 1 << 20
"""Bytes that must be free: with less than a megabyte, the next write may fail."""

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_REFUSED: Final = (errno.EACCES, errno.EPERM)
_NUMBER: Final = re.compile(r"\(os error (\d+)\)")  # how safetensors names an error of the disk


def in_words(error: OSError, path: str, doing: str = "written") -> str:
    """What went wrong with this path, and what to do."""
    if error.errno in _FULL:
        return f"the disk is full: {path} cannot be {doing}; free some space there, and it goes on"
    if error.errno == errno.EROFS:
        return f"the disk is read-only: {path} cannot be {doing}; let it be written, and it goes on"
    if error.errno == errno.EISDIR and doing == "written":
        return f"{path} cannot be written, for it is a folder: move that away, and it goes on"
    why = error.strerror or str(error) or type(error).__name__
    if error.errno in _REFUSED:
        return f"{path} may not be {doing} ({why}): give the user who runs alflow that right, and it goes on"
    return f"{path} cannot be {doing}: {why}"


@contextmanager
def disk_errors(path: str, doing: str = "written") -> Iterator[None]:
    """Turn errors of the disk while a file is `written` or `read` into one that a person can act on.

    Raises:
        UnavailableError: the disk is full, may not be written, or fails.
        SafetensorError: it is another error of safetensors.
    """
    try:
        yield
    except OSError as error:
        raise UnavailableError(in_words(error, path, doing)) from error
    except SafetensorError as error:
        found = _NUMBER.search(str(error))
        if found is None:
            raise
        number = int(found[1])
        raise UnavailableError(in_words(OSError(number, os.strerror(number)), path, doing)) from error


def check_writable(path: Path) -> None:
    """Look whether a file may be written, or a folder (or where it would be made) takes another; nothing is written.

    Raises:
        UnavailableError: it is on a full disk, or may not be written.
    """
    place = next((each for each in (path, *path.parents) if each.exists()), path)
    if place != path and not place.is_dir():
        raise UnavailableError(in_words(OSError(errno.ENOTDIR, f"{place} is not a folder"), str(path)))
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        raise UnavailableError(in_words(error, str(path))) from error
    if free < ROOM:
        raise UnavailableError(in_words(OSError(errno.ENOSPC, ""), str(path)))
    if not os.access(place, os.W_OK | (os.X_OK if place.is_dir() else 0)):
        read_only = bool(os.statvfs(place).f_flag & os.ST_RDONLY)
        number = errno.EROFS if read_only else errno.EACCES
        raise UnavailableError(in_words(OSError(number, os.strerror(number)), str(path)))
