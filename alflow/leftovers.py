"""What writers that were killed left unfinished. Who next writes into the same folder removes it, once it is old."""

import os
import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

SAFE_AGE: Final = timedelta(days=1)
"""Into what is older nobody has written for so long that its writer is gone, on whatever machine it was."""


def leftovers(folder: Path, *patterns: str, deep: bool = False) -> list[Path]:
    """What is unfinished in a folder (`deep`: and in those below) by the pattern of its name, and is old enough.

    Of a folder, what was last written in it counts.
    """
    latest = time.time() - SAFE_AGE.total_seconds()
    return sorted(path for path in _named(folder, patterns, deep=deep) if _written_at(path) < latest)


def sweep(folder: Path, *patterns: str, deep: bool = False) -> list[Path]:
    """Remove what `leftovers` finds, as far as that may be removed; returns what is gone."""
    found = leftovers(folder, *patterns, deep=deep)
    for path in found:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            _unlink(path)
    return [path for path in found if not os.path.lexists(path)]


def _named(folder: Path, patterns: tuple[str, ...], *, deep: bool) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        yield from (
            Path(place, name) for name in (*folders, *files) if any(fnmatch(name, pattern) for pattern in patterns)
        )
        if not deep:
            return


def _written_at(path: Path) -> float:
    """Seconds since the epoch; infinity where that cannot be told, as of what is gone meanwhile."""
    try:
        return max(each.lstat().st_mtime for each in (path, *path.rglob("*")))
    except OSError:
        return float("inf")


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # somebody else's: `alflow doctor` goes on telling of it
