"""Who has the desk of a project open: so that the last images of a round are shared, not hoarded."""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Insert, Select, bindparam, delete, func, select

from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import upsert_in


def note(tx: Transaction, project_id: int, annotator_id: int, until: datetime) -> None:
    """This person is at the desk, at least until then."""
    row = {"project_id": project_id, "annotator_id": annotator_id, "until": until}
    tx.execute(_note(tx.dialect.name), row)


def leave(tx: Transaction, project_id: int, annotator_id: int) -> None:
    """This person went away."""
    table = tables.presence
    tx.execute(delete(table).where(table.c.project_id == project_id, table.c.annotator_id == annotator_id))


def count(tx: Transaction, project_id: int, now: datetime) -> int:
    """How many people are at the desk."""
    return int(tx.execute(_count(), {"project": project_id, "now": now}).scalar_one())


@cache
def _note(dialect: str) -> Insert:
    statement = upsert_in(dialect, tables.presence)
    newest = {"until": statement.excluded.until}
    return statement.on_conflict_do_update(index_elements=["project_id", "annotator_id"], set_=newest)


@cache
def _count() -> Select[Any]:
    table = tables.presence
    there = (table.c.project_id == bindparam("project"), table.c.until > bindparam("now"))
    return select(func.count()).where(*there)
