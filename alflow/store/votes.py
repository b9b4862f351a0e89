"""Answers as votes: the few columns that quality is measured by, without what was on screen."""

from typing import NamedTuple

from sqlalchemy import select

from alflow.store import tables
from alflow.store.database import Transaction


class Answer(NamedTuple):
    """An answer that stands; `class_id` is None where it names no class. `seconds` on screen."""

    label_id: int
    item_id: int
    annotator_id: int
    class_id: int | None
    seconds: float


def standing(tx: Transaction, project_id: int) -> list[Answer]:
    """The project's answers that stand, oldest first."""
    label = tables.label
    columns = (label.c.id, label.c.item_id, label.c.annotator_id, label.c.class_id, label.c.seconds)
    rows = select(*columns).where(label.c.project_id == project_id, label.c.withdrawn_at.is_(None))
    return [Answer(*row) for row in tx.execute(rows.order_by(label.c.id)).tuples()]
