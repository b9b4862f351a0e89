"""What reviewers settled. Nothing is overwritten: a new decision withdraws the one before, and both stay."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import RowMapping, insert, select, update

from alflow.domain.answers import Adjudication
from alflow.domain.rounds import Candidate
from alflow.ids import AnnotatorId, ClassId, ItemId, LabelId, ProjectId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rounds.candidates import candidate_of
from alflow.store.rows import is_asked, stands


@dataclass(frozen=True)
class NewAdjudication:
    """A decision before it is stored; the fields are those of `alflow.domain.answers.Adjudication`."""

    project_id: ProjectId
    item_id: ItemId
    annotator_id: AnnotatorId
    class_id: ClassId | None
    note: str
    votes: Sequence[LabelId]
    at: datetime


def settle(tx: Transaction, new: NewAdjudication) -> Adjudication:
    """Store a decision in place of the one that stands, if there is one. The caller holds the item's lock."""
    withdraw(tx, new.item_id, new.at)
    made = insert(tables.adjudication).values(asdict(new) | {"votes": list(new.votes)}).returning(tables.adjudication)
    return _adjudication(tx.execute(made).mappings().one())


def withdraw(tx: Transaction, item_id: ItemId, at: datetime) -> None:
    """Withdraw the decision about an item, so that its votes count again. The caller holds the item's lock."""
    table = tables.adjudication
    standing = (table.c.item_id == item_id, table.c.withdrawn_at.is_(None))
    tx.execute(update(table).where(*standing).values(withdrawn_at=at))


def lock_item(tx: Transaction, item_id: ItemId) -> None:
    """Serialise decisions about one item until the end of the transaction."""
    tx.execute(select(tables.item.c.id).where(tables.item.c.id == item_id).with_for_update(key_share=True))


def standing(
    tx: Transaction, project_id: ProjectId, item_ids: Sequence[ItemId] | None = None, at: datetime | None = None
) -> dict[ItemId, Adjudication]:
    """Item id -> the decision that stands, or stood at a moment; of these items, a few thousand at most, or all."""
    table = tables.adjudication
    rows = select(table).where(table.c.project_id == project_id, stands(table, at))
    if item_ids is not None:
        rows = rows.where(table.c.item_id.in_(item_ids))
    found = map(_adjudication, tx.execute(rows).mappings())
    return {one.item_id: one for one in found}


def of_item(tx: Transaction, item_id: ItemId) -> list[Adjudication]:
    """Every decision about an item, withdrawn ones included, oldest first."""
    table = tables.adjudication
    rows = select(table).where(table.c.item_id == item_id).order_by(table.c.id)
    return [_adjudication(row) for row in tx.execute(rows).mappings()]


def newest_candidate(tx: Transaction, item_id: ItemId) -> Candidate | None:
    """The item's candidate in the last round that asked about it; None where none did."""
    table = tables.candidate
    rows = select(table).where(table.c.item_id == item_id, is_asked(table)).order_by(table.c.id.desc()).limit(1)
    found = tx.execute(rows).mappings().one_or_none()
    return None if found is None else candidate_of(found)


def _adjudication(row: RowMapping) -> Adjudication:
    return Adjudication(**{**row, "votes": tuple(row["votes"])})
