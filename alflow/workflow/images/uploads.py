"""Files that people upload: kept in `home/uploads/PROJECT/SPLIT`, and taken from there as from any other source.

A file has its name once all of it is there; a name that is taken gets a number, unless the bytes are the same: to send
a file once more does no harm. Images wait for the next run; the members of an archive and the rows of a manifest are
sources of their own (see `once`). What cannot be used is recorded with the reason, and not kept where that shows at
its beginning.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

from alflow.disk import disk_errors
from alflow.domain.images import Rejection
from alflow.domain.projects import Project
from alflow.domain.watches import FileState, Watch, WatchedFile
from alflow.errors import InvalidInputError, UnavailableError
from alflow.store.images import items, watches
from alflow.store.rows import storable
from alflow.workflow.images.once import begin, take_once
from alflow.workflow.images.shares import Destination
from alflow.workflow.images.sources import folder_label
from alflow.workflow.images.upload_files import (
    begun,
    check_beginning,
    check_room,
    folder_of_project,
    kind_of,
    named,
    safe_name,
)
from alflow.workspace import Workspace

BEGINNING: Final = 2**16
"""Bytes of a file by which it is told what it is."""

_SOON: Final = timedelta(seconds=20)  # within which the next file is expected, while somebody uploads


@dataclass(frozen=True)
class Kept:
    """What became of an uploaded file.

    Attributes:
        name: under which it is kept, below the folder of its destination.
        known: whether a file of this name had these bytes already.
        images: how many images it brings that wait to be taken.
    """

    name: str
    known: bool
    images: int


class Arrival:
    """A file on its way: written piece by piece, kept when all is there; left otherwise, it leaves nothing.

    Raises:
        InvalidInputError: it cannot be used, which is recorded.
        UnavailableError: the disk is full, or cannot be written.
    """

    def __init__(self, workspace: Workspace, project: Project, path: str, size: int, to: Destination) -> None:
        self.workspace, self.project, self.to = workspace, project, to
        self.size, self.arrived, self.hash = size, 0, hashlib.sha256()
        self.folder = folder_of(workspace, project, to)
        self.name = safe_name(path)
        with self._refusing():
            check_room(workspace, project, self.name, size)
        self._file = begun(self.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        with suppress(OSError):
            Path(self._file.name).unlink(missing_ok=True)

    def write(self, block: bytes) -> None:
        """The next bytes.

        Raises:
            InvalidInputError: they show that it is of no use, or are more than was said.
            UnavailableError: they cannot be written.
        """
        with self._refusing():
            if not self.arrived:
                check_beginning(self.name, block)
            self.arrived += len(block)
            if self.arrived > self.size:
                raise InvalidInputError(f"more arrived than the {self.size:,} bytes that were announced: send it again")
        self.hash.update(block)
        with disk_errors(str(self.folder)):
            self._file.write(block)

    def finish(self) -> Kept:
        """Keep it, and let the next run take it.

        Raises:
            InvalidInputError: it is empty, or an archive or a manifest that cannot be read.
            UnavailableError: it cannot be stored.
        """
        if self.arrived != self.size:
            raise UnavailableError(f"{self.arrived:,} of {self.size:,} bytes arrived: send it again")
        with self._refusing():
            if not self.size:
                raise InvalidInputError("the file is empty")
        with disk_errors(str(self.folder)):
            self._file.flush()
            os.fsync(self._file.fileno())
            kept, known = named(
                Path(self._file.name), self.folder / self.name, self.hash.hexdigest(), self._was_refused
            )
        self.name = str(kept.relative_to(self.folder))
        return Kept(self.name, known, self._wait(kept, new_bytes=0 if known else self.size))

    def _wait(self, kept: Path, new_bytes: int) -> int:
        """Let the images of a file wait for the next run; returns how many.

        Raises:
            InvalidInputError: it is an archive or a manifest that cannot be read.
        """
        if kind_of(self.name) is not None:
            with self._refusing():
                try:
                    source = take_once(self.workspace, self.project, str(kept), self.to)
                except InvalidInputError:
                    kept.unlink(missing_ok=True)
                    raise
            self._count(source, new_bytes)
            return source.files.get(FileState.READY, 0)
        source = _source(self.workspace, self.project, self.folder, self.to)
        about = kept.stat()
        label = folder_label(self.name.split("/"))
        mark, now = f"{about.st_size} {about.st_mtime_ns}", datetime.now(UTC)
        with self.workspace.database.begin() as tx:
            watches.keep(tx, source.id, [WatchedFile(str(kept), mark, FileState.READY, now, label=label)])
        self._count(source, new_bytes)
        return 1

    def _count(self, source: Watch, new_bytes: int) -> None:
        now = datetime.now(UTC)
        with self.workspace.database.begin() as tx:
            watches.tally(tx, source.id, {"bytes": new_bytes})
            watches.change(tx, source.id, more_until=now + _SOON, looked_at=now)

    def _was_refused(self, there: Path) -> bool:
        with self.workspace.database.read() as tx:
            return watches.is_refused(tx, self.project.id, str(there))

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        with refusing(self.workspace, self.project, self.folder / self.name):
            yield


def offered(workspace: Workspace, project: Project, path: str, size: int, start: bytes, to: Destination) -> None:
    """Whether a file that begins so may be sent.

    Raises:
        InvalidInputError: it is of no use, which is recorded.
        UnavailableError: there is no room for it.
    """
    name = safe_name(path)
    with refusing(workspace, project, folder_of(workspace, project, to) / name):
        if not size:
            raise InvalidInputError("the file is empty")
        check_room(workspace, project, name, size)
        check_beginning(name, start)


def folder_of(workspace: Workspace, project: Project, to: Destination) -> Path:
    """Where uploads with this destination are kept."""
    return folder_of_project(workspace, project.id) / ("drawn" if to.shares else to.split)


def ended(workspace: Workspace, project: Project) -> None:
    """Nobody sends any more: a first round need not wait for the next file."""
    with workspace.database.begin() as tx:
        for one in watches.of_project(tx, project.id):
            if one.more_until is not None:
                watches.change(tx, one.id, more_until=None)


@contextmanager
def refusing(workspace: Workspace, project: Project, where: Path) -> Iterator[None]:
    """Record why a file was not taken; where it is kept is of no use to whoever sent it.

    Raises:
        InvalidInputError: it was not.
    """
    try:
        yield
    except InvalidInputError as error:
        why = str(error).replace(str(where), where.name)
        with workspace.database.begin() as tx:
            items.reject(tx, project.id, [Rejection(storable(str(where)), storable(why), datetime.now(UTC))])
        raise InvalidInputError(why) from error


def _source(workspace: Workspace, project: Project, folder: Path, to: Destination) -> Watch:
    """The source that all images of this destination are of."""
    with workspace.database.read() as tx:
        found = [one for one in watches.of_project(tx, project.id) if one.source == str(folder)]
    if found and found[0].shares == to.shares:
        return found[0]
    return begin(workspace, project, str(folder), to)
