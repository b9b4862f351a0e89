"""Who has the desk of a project open: so that the last images of a round are shared, not hoarded."""

from datetime import datetime

from sqlalchemy import delete, func, select

from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import upsert


def note(tx: Transaction, project_id: int, annotator_id: int, until: datetime) -> None:
    """This person is at the desk, at least until then."""
    table = tables.presence
    statement = upsert(tx, table).values(project_id=project_id, annotator_id=annotator_id, until=until)
    statement = statement.on_conflict_do_update(index_elements=["project_id", "annotator_id"], set_={"until": until})
    tx.execute(statement)


def leave(tx: Transaction, project_id: int, annotator_id: int) -> None:
    """This person went away."""
    table = tables.presence
    tx.execute(delete(table).where(table.c.project_id == project_id, table.c.annotator_id == annotator_id))


def count(tx: Transaction, project_id: int, now: datetime) -> int:
    """How many people are at the desk."""
    table = tables.presence
    return tx.execute(select(func.count()).where(table.c.project_id == project_id, table.c.until > now)).scalar_one()
