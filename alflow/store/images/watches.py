"""Sources of projects, watched or taken once, and what is known of their files."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, case, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from alflow.domain.images import Split
from alflow.domain.messages import Event
from alflow.domain.projects import ProjectState
from alflow.domain.watches import CHANGED, FileState, Watch, WatchedFile
from alflow.errors import ConflictError
from alflow.ids import ProjectId, WatchId
from alflow.store import outbox, tables
from alflow.store.database import Transaction
from alflow.store.rows import CHUNK, chunks, storable, upsert

_UNREADABLE: Final = "A watched source cannot be read. The Project page says why, and what to do."
_READABLE: Final = "A watched source can be read again."
_OF_FILE = [tables.watched_file.c[one.name] for one in fields(WatchedFile)]
_NEWEST = [one.name for one in fields(WatchedFile) if one.name != "uri"]


def add(
    tx: Transaction, project_id: ProjectId, source: str, split: Split, every: float, now: datetime, **more: Any
) -> Watch:
    """Watch a source, from now on; `more` are other columns of it.

    Raises:
        ConflictError: the project watches it already.
    """
    row = {"project_id": project_id, "source": source, "split": split, "every": every, "anywhere": False}
    row |= {"added_at": now, "next_at": now, "times": 0, "files": {}, "left_out": {}} | more
    try:
        with tx.begin_nested():
            made = tx.execute(insert(tables.watch).values(row).returning(tables.watch)).mappings().one()
    except IntegrityError as error:
        raise ConflictError(f"{source} is watched already: stop that first (`alflow watch stop`)") from error
    return Watch(**made)


def remove(tx: Transaction, watch_id: WatchId) -> None:
    """Forget a watched source and its files; the images that came from it stay."""
    tx.execute(delete(tables.watch).where(tables.watch.c.id == watch_id))


def of_project(tx: Transaction, project_id: ProjectId) -> list[Watch]:
    """The project's watched sources, in the order in which they were added."""
    table = tables.watch
    rows = select(table).where(table.c.project_id == project_id).order_by(table.c.id)
    return [Watch(**row) for row in tx.execute(rows).mappings()]


def by_id(tx: Transaction, watch_id: WatchId) -> Watch:
    """The source with this id, which must be there."""
    return Watch(**tx.execute(select(tables.watch).where(tables.watch.c.id == watch_id)).mappings().one())


def due(tx: Transaction, now: datetime) -> list[Watch]:
    """The watched sources of all active projects that are to be looked at, the longest due first."""
    table, project = tables.watch, tables.project
    active = select(project.c.id).where(project.c.state == ProjectState.ACTIVE)
    rows = (
        select(table)
        .where(table.c.next_at <= now, table.c.project_id.in_(active))
        .order_by(table.c.next_at, table.c.id)
    )
    return [Watch(**row) for row in tx.execute(rows).mappings()]


def hasten(tx: Transaction, project_id: ProjectId, now: datetime) -> None:
    """The project's sources are to be looked at from now on."""
    table = tables.watch
    tx.execute(update(table).where(table.c.project_id == project_id, table.c.next_at > now).values(next_at=now))


def looked(
    tx: Transaction, watch_id: WatchId, looked_at: datetime, next_at: datetime, left_out: Mapping[str, int]
) -> None:
    """Record that a source could be read, and count its files; the end of a trouble is told."""
    table = tables.watch
    over = update(table).where(table.c.id == watch_id, table.c.times > 0).values(times=0).returning(table.c.project_id)
    for project_id in tx.execute(over).scalars():
        outbox.tell(tx, project_id, Event.RECOVERY, _READABLE, subject=f"{watch_id} {looked_at.timestamp()}")
    newest = {"looked_at": looked_at, "next_at": next_at, "left_out": dict(left_out), "trouble": None}
    tx.execute(update(table).where(table.c.id == watch_id).values(newest))
    _count(tx, watch_id)


def failed(tx: Transaction, watch_id: WatchId, why: str, next_at: datetime) -> None:
    """Record that a source could not be read, and when it is tried again; the first time in a row is told."""
    table = tables.watch
    newest = {"trouble": storable(why), "times": table.c.times + 1, "next_at": next_at}
    statement = update(table).where(table.c.id == watch_id).values(newest)
    for project_id, times in tx.execute(statement.returning(table.c.project_id, table.c.times)).tuples():
        if times == 1:
            outbox.tell(tx, project_id, Event.FAILURE, _UNREADABLE, subject=f"{watch_id} {next_at.timestamp()}")


def files(tx: Transaction, watch_id: WatchId) -> Iterator[WatchedFile]:
    """What is known of the files of a source, by the code points of their places; read as it is asked for."""
    table = tables.watched_file
    known = select(*_OF_FILE).where(table.c.watch_id == watch_id).order_by(table.c.uri)
    for row in tx.execute(known.execution_options(yield_per=CHUNK)).mappings():
        yield WatchedFile(**row)


def keep(tx: Transaction, watch_id: WatchId, seen: Iterable[WatchedFile]) -> None:
    """Store what is known of these files now; of a source that is watched no more, nothing."""
    rows = [asdict(one) | {"watch_id": watch_id} for one in seen]
    if not rows or not _is_watched(tx, watch_id):
        return
    statement = upsert(tx, tables.watched_file)
    newest = {name: statement.excluded[name] for name in _NEWEST}
    tx.execute(statement.on_conflict_do_update(index_elements=["watch_id", "uri"], set_=newest), rows)


def forget(tx: Transaction, watch_id: WatchId, uris: Sequence[str]) -> None:
    """Forget these files."""
    table = tables.watched_file
    for chunk in chunks(uris):
        tx.execute(delete(table).where(table.c.watch_id == watch_id, table.c.uri.in_(chunk)))


def forget_all(tx: Transaction, watch_id: WatchId) -> None:
    """Forget all files of a source."""
    tx.execute(delete(tables.watched_file).where(tables.watched_file.c.watch_id == watch_id))


def ready_again(tx: Transaction, watch_id: WatchId) -> int:
    """Let all files of a source be tried once more that were refused; returns how many."""
    table = tables.watched_file
    refused = (table.c.watch_id == watch_id, table.c.state == FileState.REFUSED)
    found = tx.execute(update(table).where(*refused).values(state=FileState.READY)).rowcount
    _count(tx, watch_id)
    return int(found)


def change(tx: Transaction, watch_id: WatchId, **values: Any) -> None:
    """Set these columns of a source."""
    tx.execute(update(tables.watch).where(tables.watch.c.id == watch_id).values(values))


def tally(tx: Transaction, watch_id: WatchId, more: Mapping[str, int]) -> None:
    """Add to what is counted of a source."""
    row = select(tables.watch.c.tally).where(tables.watch.c.id == watch_id).with_for_update()
    if (found := tx.execute(row).first()) is not None:
        change(tx, watch_id, tally=dict(Counter(found.tally) + Counter(more)))


def ready(tx: Transaction, project_id: ProjectId) -> dict[WatchId, int]:
    """How many files wait to be taken, for each source of the project that has some."""
    table, of = tables.watched_file, tables.watch.c.project_id == project_id
    rows = select(table.c.watch_id, func.count()).join_from(table, tables.watch).where(of)
    found = tx.execute(rows.where(table.c.state == FileState.READY).group_by(table.c.watch_id))
    return dict(found.tuples().all())


def arrivals(tx: Transaction, project_id: ProjectId, now: datetime) -> tuple[int, bool]:
    """How many files of the project's sources wait to be taken, and whether more are expected: somebody uploads."""
    file, of = tables.watched_file, tables.watch.c.project_id == project_id
    waits = select(func.count()).join_from(file, tables.watch).where(of, file.c.state == FileState.READY)
    more = select(func.count()).where(of, tables.watch.c.more_until > now)
    n_ready, n_sending = tx.execute(select(waits.scalar_subquery(), more.scalar_subquery())).one()
    return int(n_ready), n_sending > 0


def version(tx: Transaction, project_id: ProjectId) -> tuple[int, int]:
    """Figures that change when a source of the project comes or goes."""
    table = tables.watch
    rows = select(func.count(), func.coalesce(func.max(table.c.id), 0)).where(table.c.project_id == project_id)
    count, newest = tx.execute(rows).one()
    return int(count), int(newest)


def is_refused(tx: Transaction, project_id: ProjectId, uri: str) -> bool:
    """Whether a file of a source of the project was tried, and could not be used."""
    table, of = tables.watched_file, tables.watch.c.project_id == project_id
    rows = select(table.c.uri).join_from(table, tables.watch).where(of, table.c.uri == uri)
    return tx.execute(rows.where(table.c.state == FileState.REFUSED).limit(1)).first() is not None


def in_state(tx: Transaction, watch_id: WatchId, state: FileState, limit: int) -> list[WatchedFile]:
    """The first files of a source of which this is known."""
    table = tables.watched_file
    rows = select(*_OF_FILE).where(table.c.watch_id == watch_id, table.c.state == state)
    return [WatchedFile(**row) for row in tx.execute(rows.order_by(table.c.uri).limit(limit)).mappings()]


def settle(tx: Transaction, watch_id: WatchId, tried: Sequence[WatchedFile]) -> None:
    """Store what became of files that were to be taken; one that a look has found changed meanwhile stays as it is."""
    if tried:
        table = tables.watched_file
        same = (table.c.uri == bindparam("place")) & (table.c.mark == bindparam("same"))
        statement = update(table).where(table.c.watch_id == watch_id, same, table.c.state == FileState.READY)
        statement = statement.values(state=bindparam("now"), at=bindparam("when"), tries=bindparam("often"))
        rows = [{"place": f.uri, "same": f.mark, "now": f.state, "when": f.at, "often": f.tries} for f in tried]
        tx.execute(statement, rows)
    _count(tx, watch_id)


def _count(tx: Transaction, watch_id: WatchId) -> None:
    """Count the files of a source, so that who shows the counts need not."""
    table = tables.watched_file
    changed = func.coalesce(func.sum(case((table.c.changes > 0, 1), else_=0)), 0)
    rows = select(table.c.state, func.count(), changed).where(table.c.watch_id == watch_id).group_by(table.c.state)
    found = tx.execute(rows).tuples().all()
    counts = {FileState(state).value: n for state, n, _ in found} | {CHANGED: sum(int(n) for *_, n in found)}
    tx.execute(update(tables.watch).where(tables.watch.c.id == watch_id).values(files=counts))


def _is_watched(tx: Transaction, watch_id: WatchId) -> bool:
    return tx.execute(select(tables.watch.c.id).where(tables.watch.c.id == watch_id)).first() is not None
