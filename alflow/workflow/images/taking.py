"""Taking what is ready in a project's sources, watched or taken once: imported as by hand, with the same report."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from alflow.domain.projects import Project
from alflow.domain.watches import FileState, Watch, WatchedFile
from alflow.progress import Progress, silent
from alflow.store.images import watches
from alflow.workflow.images.imported import ImportReport
from alflow.workflow.images.pool import import_found
from alflow.workflow.images.reading import UNREAD
from alflow.workflow.images.shares import Destination
from alflow.workflow.images.sources import Entry, Source, folder_label
from alflow.workspace import Workspace

_A_RUN: Final = 1_000  # files; what is left waits for the next run, which an answered round goes before


@dataclass(frozen=True)
class Brought:
    """What one run took from a source.

    Attributes:
        source: where it is from.
        files: how many were tried.
        changed: how many of them had been taken before, with other bytes.
        report: what became of them.
    """

    source: str
    files: int
    changed: int
    report: ImportReport


def bring_watched(workspace: Workspace, project: Project, progress: Progress = silent) -> list[Brought]:
    """Import what is ready in the project's sources, so many files at most; the next run takes the rest.

    Each source gets its part of them, so that a few images need not wait behind a million others.

    Raises:
        UnavailableError: the database does not answer, or nothing can be stored.
    """
    with workspace.database.read() as tx:
        ready = watches.ready(tx, project.id)
        waiting = [one for one in watches.of_project(tx, project.id) if one.id in ready]
    waiting.sort(key=lambda one: ready[one.id])
    done: list[Brought] = []
    left = _A_RUN
    for place, one in enumerate(waiting):
        if left <= 0:
            break
        with workspace.database.read() as tx:
            files = watches.in_state(tx, one.id, FileState.READY, max(1, left // (len(waiting) - place)))
        if files:
            found = Source(tuple(_entry(one, file) for file in files), left_out=one.left_out)
            report = import_found(workspace, project, found, Destination(one.split, one.shares), progress)
            with workspace.database.begin() as tx:
                watches.settle(tx, one.id, list(_settled(files, report)))
                watches.tally(tx, one.id, _counted(report))
            done.append(Brought(one.source, len(files), sum(file.changes > 0 for file in files), report))
            left -= len(files)
    return done


def _counted(report: ImportReport) -> dict[str, int]:
    return {"added": report.added, "known": report.known, "elsewhere": len(report.other_split)}


def _entry(one: Watch, file: WatchedFile) -> Entry:
    """A file as a listing names it; of one that is watched, the label is the first folder below the source."""
    if one.once:
        return Entry(file.uri, file.label, file.split, row=file.row, mark=file.mark, group=file.group)
    start = len(one.source.partition("://")[2] or one.source) + 1  # other names of a scheme mean the same
    below = (file.uri.partition("://")[2] or file.uri)[start:].split("/")
    return Entry(file.uri, label=folder_label(below), mark=file.mark)


def _settled(files: Sequence[WatchedFile], report: ImportReport) -> Iterator[WatchedFile]:
    """What is known of files after they were tried."""
    now, refused = datetime.now(UTC), {one.uri: one.reason for one in report.rejected}
    for file in files:
        why = refused.get(file.uri)
        tries = file.tries + 1 if why is not None and why.startswith(UNREAD) else 0
        state = FileState.KNOWN if why is None else FileState.REFUSED
        yield replace(file, state=state, at=now, tries=tries)
