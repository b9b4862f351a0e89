"""Why the runs of a project fail, and when the schedule last looked at it."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, func, select, update

from alflow.domain.messages import Event
from alflow.domain.projects import Trouble
from alflow.ids import ProjectId
from alflow.store import outbox, tables
from alflow.store.database import Transaction
from alflow.store.rows import storable, upsert

_FAILS: Final = "Runs fail. The Project page says why, and what to do."
_AWAITED: Final = (
    tables.channel.c.next_at,
    tables.embed_claim.c.until,
    tables.embed_failure.c.next_at,
    tables.lease.c.until,
    tables.sign_in_limit.c.until,
    tables.watch.c.next_at,
)
_LONGEST: Final = timedelta(days=2)  # twice what the slowest of them may wait
_NEVER: Final = datetime(9998, 1, 1, tzinfo=UTC)  # before that of a source which is taken once
_SUCCEEDS: Final = "Runs succeed again."


def record(tx: Transaction, project_id: ProjectId, message: str, now: datetime) -> None:
    """Record that a run failed; the first failure after a success begins a new trouble, which is told."""
    table, statement = tables.trouble, upsert(tx, tables.trouble)
    newest: dict[str, ColumnElement[Any]] = {
        "message": statement.excluded.message,
        "times": table.c.times + 1,
        "at": statement.excluded.at,
    }
    statement = statement.on_conflict_do_update(index_elements=["project_id"], set_=newest)
    first = {"project_id": project_id, "message": storable(message), "times": 1, "since": now, "at": now}
    times, since = tx.execute(statement.returning(table.c.times, table.c.since), first).tuples().one()
    if times == 1:
        outbox.tell(tx, project_id, Event.FAILURE, _FAILS, subject=since.isoformat())


def clear(tx: Transaction, project_id: ProjectId) -> None:
    """Record that a run of the project succeeded; the end of a trouble is told."""
    table = tables.trouble
    ended = delete(table).where(table.c.project_id == project_id).returning(table.c.since)
    for since in tx.execute(ended).scalars():
        outbox.tell(tx, project_id, Event.RECOVERY, _SUCCEEDS, subject=since.isoformat())


def of_project(tx: Transaction, project_id: ProjectId) -> Trouble | None:
    """Why the project's runs fail; None while they succeed."""
    table = tables.trouble
    rows = select(table.c.message, table.c.times, table.c.since, table.c.at).where(table.c.project_id == project_id)
    row = tx.execute(rows).mappings().one_or_none()
    return None if row is None else Trouble(**row)


def look(tx: Transaction, project_id: ProjectId, now: datetime) -> None:
    """Record that the schedule looks at the project."""
    statement = upsert(tx, tables.look)
    statement = statement.on_conflict_do_update(index_elements=["project_id"], set_={"at": statement.excluded.at})
    tx.execute(statement, {"project_id": project_id, "at": now})


def pull_back(tx: Transaction, now: datetime) -> None:
    """Let nothing wait for a time that a clock has written which was ahead; two days at most it may wait."""
    tx.execute(update(tables.look).where(tables.look.c.at > now).values(at=now))
    for column in _AWAITED:
        waits = column.between(now + _LONGEST, _NEVER)
        tx.execute(update(column.table).where(waits).values({column.name: now}))


def last_look(tx: Transaction, project_id: ProjectId | None = None) -> datetime | None:
    """When the schedule last looked at the project, or at any; None if it never did."""
    rows = select(func.max(tables.look.c.at, type_=tables.look.c.at.type))
    return tx.execute(rows if project_id is None else rows.where(tables.look.c.project_id == project_id)).scalar()
