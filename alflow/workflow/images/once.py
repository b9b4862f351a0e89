"""Sources that are taken once: what a page names, and what people upload (see `uploads`).

What they hold is listed at once and waits as `READY`; the runs of the schedule take it as they take what is watched,
some at a time, so that a first round can open before all is there.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from alflow.domain.images import Rejection
from alflow.domain.projects import Project
from alflow.domain.watches import FileState, Watch, WatchedFile
from alflow.errors import ConflictError, InvalidInputError
from alflow.store.images import items, watches
from alflow.store.rows import CHUNK
from alflow.workflow.images.addresses import parse
from alflow.workflow.images.pool import check_name, check_strictly
from alflow.workflow.images.shares import TO_POOL, Destination, checked
from alflow.workflow.images.sources import Entry, entries
from alflow.workflow.images.strict import turned_away
from alflow.workflow.images.threads import groups
from alflow.workspace import Workspace

NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""When a source that is taken once is looked at next."""

_EVERY: Final = 60.0  # which a source that is never looked at does not need


def take_once(
    workspace: Workspace,
    project: Project,
    source: str,
    to: Destination = TO_POOL,
    *,
    strict: bool = False,
) -> Watch:
    """List a source, as an import would, and let the next runs take it; what was taken of it before is taken anew.

    Raises:
        InvalidInputError: it cannot be read, or holds no file; a share is out of its bounds; or, with `strict`, it has
            a fault that shows before an image is read (see `check_strictly`).
        ConflictError: the project watches it.
    """
    seen = entries(source)
    if not seen.entries and not seen.rejected:
        left_out = ", ".join(f"{what} ({count})" for what, count in seen.left_out.items())
        raise InvalidInputError(f"there is no file in {source}{left_out and f'; left out: {left_out}'}")
    if strict:
        check_strictly(workspace, project, seen, to)
    now = datetime.now(UTC)
    made = begin(workspace, project, parse(source).shown, to)
    fine, refused = _parted(seen.entries)
    with workspace.database.begin() as tx:
        items.forget_rejections_like(tx, project.id, *seen.outdated)
        items.reject(tx, project.id, [*seen.rejected, *refused])
        watches.forget_all(tx, made.id)
    for group in groups(_ready(fine, now), CHUNK):
        with workspace.database.begin() as tx:
            watches.keep(tx, made.id, group)
    with workspace.database.begin() as tx:
        watches.looked(tx, made.id, now, NEVER, seen.left_out)
        return watches.by_id(tx, made.id)


def begin(workspace: Workspace, project: Project, source: str, to: Destination) -> Watch:
    """The source as one that is taken once, for these splits from now on.

    Raises:
        InvalidInputError: a share is out of its bounds.
        ConflictError: the project watches it.
    """
    drawn, now = checked(to.shares), datetime.now(UTC)
    with workspace.database.begin() as tx:
        items.lock(tx, project.id)
        known = next((one for one in watches.of_project(tx, project.id) if one.source == source), None)
        if known is None:
            more = {"once": True, "shares": drawn, "next_at": NEVER}
            return watches.add(tx, project.id, source, to.split, _EVERY, now, **more)
        if not known.once:
            raise ConflictError(f"{source} is watched already: its images enter by themselves")
        watches.change(tx, known.id, split=to.split, shares=drawn)
        return watches.by_id(tx, known.id)


def try_again(workspace: Workspace, project: Project) -> int:
    """Let the next runs try all files once more that were refused; returns how many."""
    with workspace.database.begin() as tx:
        return sum(watches.ready_again(tx, one.id) for one in watches.of_project(tx, project.id))


def _parted(seen: Iterable[Entry]) -> tuple[list[Entry], list[Rejection]]:
    """Those that can be kept, and why the others cannot; the first row that names a file counts."""
    fine, refused = dict[str, Entry](), list[Rejection]()
    for entry in seen:
        try:
            check_name(entry.uri)
        except InvalidInputError as error:
            refused.append(turned_away(entry, error))
        else:
            if fine.setdefault(entry.uri, entry) is not entry:
                again = replace(entry, uri=f"{entry.uri}, once more")
                refused.append(turned_away(again, InvalidInputError("it is named more than once: the first counts")))
    return list(fine.values()), refused


def _ready(fine: Iterable[Entry], now: datetime) -> Iterator[WatchedFile]:
    for one in fine:
        kept = one.label, one.split[:_LONGEST], one.row, one.group
        yield WatchedFile(one.uri, one.mark, FileState.READY, now, 0, 0, *kept)


_LONGEST: Final = 16  # no split has a longer name: what is longer is none, cut or not
