"""Walking through a local folder: its files, what is left out, and what cannot be read."""

import os
import stat
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from errno import ELOOP
from typing import Final

from alflow.domain.images import Rejection
from alflow.errors import InvalidInputError
from alflow.workflow.images.addresses import is_below

HIDDEN: Final = "hidden files"
_OF_SYSTEMS: Final = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini"})  # Windows hides them without a dot
HIDDEN_FOLDERS: Final = "hidden folders"
NO_FILES: Final = "not files (pipes, sockets, devices)"
NOWHERE: Final = "links that lead nowhere"
LOOPS: Final = "links in a loop"
OUTSIDE: Final = "links that lead out of the folder (--anywhere follows them)"
SHUT: Final = "the folder cannot be read"  # how reasons begin
AGAIN: Final = "links to a folder that another link led to"

_FILE: Final = "file"
_FOLDER: Final = "folder"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of a folder.

    Attributes:
        uri: its address as text.
        below: the names on the way to it from the folder.
        mark: a text that is another one when its bytes are, as far as can be told without reading them; else empty.
    """

    uri: str
    below: tuple[str, ...]
    mark: str = ""


@dataclass(frozen=True)
class Found:
    """The files of a folder in a fixed order, folders that cannot be read, and how many entries were skipped."""

    files: tuple[FoundFile, ...]
    left_out: Mapping[str, int]
    rejected: tuple[Rejection, ...] = ()


@dataclass(frozen=True)
class _Folder:
    """A folder to visit: its path as reached, its real path, and whether a link led there."""

    path: str
    real: str
    by_link: bool = False


@dataclass(frozen=True)
class _Walk:
    """What is known so far."""

    root: str  # where the folder really is
    anywhere: bool
    files: dict[str, str] = field(default_factory=dict)  # path -> mark
    rejected: list[Rejection] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    linked: set[str] = field(default_factory=set)  # real folders that were visited by a link


def local_folder(root: str, *, anywhere: bool) -> Found:
    """The files in a local folder, by name. Links are followed as far as they stay in it, or `anywhere`.

    Each real folder is visited once by its own name and at most once by links, so the walk always ends.

    Raises:
        InvalidInputError: the folder itself cannot be read.
    """
    real = os.path.realpath(root)
    walk, waiting = _Walk(real, anywhere), [_Folder(root, real)]
    while waiting:
        waiting += _look_into(walk, waiting.pop())
    if any(one.uri == root for one in walk.rejected):
        raise InvalidInputError(walk.rejected[0].reason)
    start = len(root.rstrip("/")) + 1
    files = tuple(FoundFile(path, tuple(path[start:].split("/")), walk.files[path]) for path in sorted(walk.files))
    return Found(files, walk.left_out, tuple(walk.rejected))


def hidden(below: tuple[str, ...]) -> str:
    """The reason to leave a file out, if a system hides a name on the way to it; else empty."""
    return HIDDEN if any(map(_is_hidden, below)) else ""


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _OF_SYSTEMS


def _look_into(walk: _Walk, folder: _Folder) -> list[_Folder]:
    """Record the contents of a folder; returns the folders in it."""
    if folder.by_link:
        if folder.real in walk.linked:
            walk.left_out[AGAIN] += 1
            return []
        walk.linked.add(folder.real)
    try:
        with os.scandir(folder.path) as listed:
            children = list(listed)
    except OSError as error:
        reason = f"{SHUT}: {error.strerror or error}"
        walk.rejected.append(Rejection(folder.path, reason, datetime.now(UTC)))
        return []
    folders = []
    for child in children:
        kind = _kind(walk, child, folder.real)
        if kind == _FILE:
            walk.files[child.path] = _mark(child)
        elif kind == _FOLDER:
            folders.append(_below(folder, child))
        else:
            walk.left_out[kind] += 1
    return folders


def _below(folder: _Folder, child: "os.DirEntry[str]") -> _Folder:
    if child.is_symlink():
        return _Folder(child.path, os.path.realpath(child.path), by_link=True)
    return _Folder(child.path, f"{folder.real.rstrip('/')}/{child.name}", folder.by_link)


def _kind(walk: _Walk, child: "os.DirEntry[str]", here: str) -> str:
    """Whether it is a file or a folder to visit, or else the reason why it is skipped."""
    if _is_hidden(child.name):
        return HIDDEN_FOLDERS if child.is_dir(follow_symlinks=False) else HIDDEN
    try:
        mode = child.stat().st_mode
    except PermissionError:
        return _FILE  # to open it will fail, and say so by name
    except OSError as error:
        return LOOPS if error.errno == ELOOP else NOWHERE
    if child.is_symlink() and (reason := _refused(walk, child, here)):
        return reason
    if stat.S_ISDIR(mode):
        return _FOLDER
    return _FILE if stat.S_ISREG(mode) else NO_FILES


def _mark(file: "os.DirEntry[str]") -> str:
    try:
        about = file.stat()
    except OSError:
        return ""
    return f"{about.st_size} {about.st_mtime_ns}"


def _refused(walk: _Walk, link: "os.DirEntry[str]", here: str) -> str:
    """The reason not to follow a link, or nothing."""
    target = os.path.realpath(link.path)
    if is_below(here, target) or is_below(walk.root, target):  # so that it is a folder, from which one would come back
        return LOOPS if walk.anywhere or is_below(target, walk.root) else OUTSIDE
    return "" if walk.anywhere or is_below(target, walk.root) else OUTSIDE
