"""Who has the desk of a project open, so that the last images of a round are shared."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Insert, Select, bindparam, func, select

from alflow.ids import AnnotatorId, ProjectId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import upsert_in


def note(tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId, until: datetime) -> None:
    """This person is at the desk until then at least."""
    row = {"project_id": project_id, "annotator_id": annotator_id, "until": until}
    tx.execute(_note(tx.dialect.name), row)


def leave(tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId, at: datetime) -> None:
    """This person left the desk at that moment, which is kept: see `left_since`."""
    note(tx, project_id, annotator_id, at)


def left_since(tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId, moment: datetime) -> bool:
    """Whether this person left the desk after that moment and has not come back.

    The row of somebody present names a moment in the future, that of somebody who left the moment of leaving. A
    presence that ends just now looks the same, which does no harm: this person has sent no request for a while.
    """
    which = {"project": project_id, "who": annotator_id, "since": moment, "now": datetime.now(UTC)}
    return tx.execute(_left(), which).first() is not None


def count(tx: Transaction, project_id: ProjectId, now: datetime) -> int:
    """How many people are at the desk."""
    return int(tx.execute(_count(), {"project": project_id, "now": now}).scalar_one())


@cache
def _note(dialect: str) -> Insert:
    statement = upsert_in(dialect, tables.presence)
    newest = {"until": statement.excluded.until}
    return statement.on_conflict_do_update(index_elements=["project_id", "annotator_id"], set_=newest)


@cache
def _left() -> Select[Any]:
    table = tables.presence
    mine = (table.c.project_id == bindparam("project"), table.c.annotator_id == bindparam("who"))
    since = (table.c.until >= bindparam("since"), table.c.until <= bindparam("now"))
    return select(table.c.until).where(*mine, *since)


@cache
def _count() -> Select[Any]:
    table = tables.presence
    there = (table.c.project_id == bindparam("project"), table.c.until > bindparam("now"))
    return select(func.count()).where(*there)
