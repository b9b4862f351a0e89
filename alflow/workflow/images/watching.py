"""Watched sources: a folder, or a prefix of a bucket, whose new images enter a project by themselves.

A look lists the source and compares that with what is known: no file is read for it. A file on disk is taken once its
size and time have stayed the same from one look to a later one, so that none is taken half-written; a bucket shows
whole files only. What is ready is taken by a run (see `taking`).
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from alflow.bounds import bounds_of
from alflow.domain.images import Rejection, Split
from alflow.domain.projects import Project
from alflow.domain.watches import CHANGED, FileState, Watch, WatchedFile
from alflow.errors import InvalidInputError, NotFoundError
from alflow.ids import ProjectId
from alflow.pauses import pause
from alflow.store.images import items, watches
from alflow.store.rows import CHUNK
from alflow.workflow.images.addresses import LOCAL, parse
from alflow.workflow.images.compared import Look, compared
from alflow.workflow.images.pool import check_name
from alflow.workflow.images.shares import Destination, checked
from alflow.workflow.images.sources import Entry, Source, entries, watchable
from alflow.workflow.images.strict import turned_away
from alflow.workflow.images.threads import groups
from alflow.workspace import Workspace

EVERY: Final = 60.0
"""Seconds between two looks, unless somebody says otherwise."""

FIRST_AGAIN: Final = timedelta(seconds=30)
"""Pause after a source could not be read; it doubles with each further failure."""

LAST_AGAIN: Final = timedelta(minutes=10)

_EMPTY: Final = (
    "{} is empty, and {:,} files of it were taken: look whether its disk is mounted; if it is to be empty, stop "
    "watching it (`alflow watch stop`)"
)
_SHARE: Final = 20  # a source is looked at for a twentieth of the time at most


def watch(
    workspace: Workspace,
    project: Project,
    source: str,
    split: Split | Destination = Split.POOL,
    every: float = EVERY,
    *,
    anywhere: bool = False,
) -> Watch:
    """Watch a folder or a prefix of a bucket from now on, and look at it for the first time.

    Raises:
        InvalidInputError: it cannot be read, or is something else; or `every` or a share is out of its bounds.
        ConflictError: the project watches it already.
    """
    if every not in (bounds := bounds_of(Watch, "every")):
        raise InvalidInputError(f"the seconds between two looks cannot be {every}: {bounds}")
    to = Destination.given(split)
    now, drawn = datetime.now(UTC), checked(to.shares)
    address = str(watchable(source))
    seen = entries(address, anywhere=anywhere)
    with workspace.database.begin() as tx:
        made = watches.add(tx, project.id, address, to.split, every, now, anywhere=anywhere, shares=drawn)
    _record(workspace, made, seen, now)
    return next(one for one in watched(workspace, project.id) if one.id == made.id)


def watched(workspace: Workspace, project_id: ProjectId) -> list[Watch]:
    """What the project watches or takes once, in the order in which it was added."""
    with workspace.database.read() as tx:
        return watches.of_project(tx, project_id)


def amiss(one: Watch) -> str:
    """What a person should know of the files of a watched source, in words; empty if all is well."""
    told = (
        (FileState.REFUSED, "could not be used (`alflow status` and the Project page say why)"),
        (FileState.GONE, "are gone since they were taken, and their images stay"),
        (CHANGED, "changed since they were taken, and were taken anew"),
    )
    return "; ".join(f"{one.files[state]:,} {words}" for state, words in told if one.files.get(state))


def gone(workspace: Workspace, project_id: ProjectId, most: int) -> list[WatchedFile]:
    """Files that were taken and are not there any more, some of each watched source."""
    with workspace.database.read() as tx:
        every = watches.of_project(tx, project_id)
        return [file for one in every for file in watches.in_state(tx, one.id, FileState.GONE, most)]


def unwatch(workspace: Workspace, project: Project, source: str) -> None:
    """Watch it no more; the images that came from it stay.

    Raises:
        NotFoundError: the project does not watch it; the message lists what it does.
    """
    every = {one.source: one.id for one in watched(workspace, project.id)}
    wanted = next((one for one in (source, source.rstrip("/"), _as_kept(source)) if one in every), None)
    if wanted is None:
        names = ", ".join(every) or "nothing"
        raise NotFoundError(f"project {project.name} does not watch {source}: it watches {names}")
    with workspace.database.begin() as tx:
        watches.remove(tx, every[wanted])


def due_watches(workspace: Workspace, project_id: ProjectId | None = None) -> list[Watch]:
    """The watched sources that are to be looked at now, of one project or of all.

    Raises:
        UnavailableError: the database does not answer.
    """
    with workspace.database.read() as tx:
        return [one for one in watches.due(tx, datetime.now(UTC)) if project_id in {None, one.project_id}]


def look(workspace: Workspace, one: Watch) -> None:
    """List a watched source, and store what is new; that it cannot be read is stored too.

    Raises:
        UnavailableError: the database does not answer, or nothing can be stored.
    """
    now, taken = datetime.now(UTC), one.files.get(FileState.KNOWN, 0)
    try:
        seen = entries(one.source, anywhere=one.anywhere)
    except InvalidInputError as error:
        note_trouble(workspace, one, str(error))
    else:
        if seen.entries or not taken:
            _record(workspace, one, seen, now)
        else:
            note_trouble(workspace, one, _EMPTY.format(one.source, taken))


def note_trouble(workspace: Workspace, one: Watch, why: str) -> None:
    """Store why a watched source cannot be read; it is tried again after a pause.

    Raises:
        UnavailableError: the database does not answer, or nothing can be stored.
    """
    wait = max(pause(one.times + 1, FIRST_AGAIN, LAST_AGAIN), timedelta(seconds=one.every))
    with workspace.database.begin() as tx:
        watches.failed(tx, one.id, why, datetime.now(UTC) + wait)


def _as_kept(source: str) -> str:
    """The address as it would be kept, were it there; what is gone can be stopped too."""
    try:
        return str(parse(source)).rstrip("/")
    except InvalidInputError:
        return source


def _record(workspace: Workspace, one: Watch, seen: Source, at: datetime) -> None:
    """Store what a look has brought, in transactions of some thousand files: who answers waits for none of them."""
    named, nameless = list[Entry](), list[Rejection]()
    for entry in seen.entries:
        try:
            check_name(entry.uri)
            named.append(entry)
        except InvalidInputError as error:
            nameless.append(turned_away(entry, error))
    settles = timedelta(seconds=one.every if parse(one.source).scheme == LOCAL else 0)
    the_look = Look(at, settles, [folder.uri for folder in seen.rejected])
    with workspace.database.read() as old:
        for group in groups(compared(named, watches.files(old, one.id), the_look), CHUNK):
            never = [change.file.uri for change in group if change.forget]
            with workspace.database.begin() as tx:
                watches.keep(tx, one.id, [change.file for change in group if not change.forget])
                watches.forget(tx, one.id, never)
                items.forget_rejections(tx, one.project_id, never)
    ended = datetime.now(UTC)
    wait = max(timedelta(seconds=one.every), _SHARE * (ended - at))
    with workspace.database.begin() as tx:
        items.forget_rejections_like(tx, one.project_id, *seen.outdated)
        items.reject(tx, one.project_id, [*seen.rejected, *nameless])
        watches.looked(tx, one.id, at, ended + wait, seen.left_out)
