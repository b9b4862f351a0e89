"""What a person chose for their desk in a project."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from alflow.ids import AnnotatorId, ProjectId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import upsert

Chosen = Mapping[str, Sequence[int | None] | None]
"""`favourites`: classes, in the order in which they were chosen; `goal`: images and minutes. None: never chosen."""


def keep(tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId, chosen: Chosen) -> None:
    """Keep what was chosen; what is not named stays as it is."""
    row: dict[str, Any] = {"project_id": project_id, "annotator_id": annotator_id, **chosen}
    made = upsert(tx, tables.own_desk).values(row)
    tx.execute(made.on_conflict_do_update(index_elements=["project_id", "annotator_id"], set_=dict(chosen)))


def chosen_by(tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId) -> Chosen:
    """What this person has chosen so far."""
    table = tables.own_desk
    mine = (table.c.project_id == project_id, table.c.annotator_id == annotator_id)
    row = tx.execute(select(table.c.favourites, table.c.goal).where(*mine)).mappings().one_or_none()
    return {"favourites": None, "goal": None} if row is None else dict(row)
