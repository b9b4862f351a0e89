"""What a page explained to a person once, and need not again."""

from datetime import datetime

from sqlalchemy import select

from alflow.ids import AnnotatorId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import upsert


def is_seen(tx: Transaction, annotator_id: AnnotatorId, name: str) -> bool:
    """Whether this person was told, and put it away."""
    hint = tables.seen_hint.c
    return tx.execute(select(hint.name).where(hint.annotator_id == annotator_id, hint.name == name)).first() is not None


def note(tx: Transaction, annotator_id: AnnotatorId, name: str, at: datetime) -> None:
    """Not again; a second time changes nothing."""
    row = upsert(tx, tables.seen_hint).values(annotator_id=annotator_id, name=name, at=at)
    tx.execute(row.on_conflict_do_nothing(index_elements=["annotator_id", "name"]))
