"""The items that could not be embedded so far: by item, not by path; retried after growing pauses."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, update

from alflow.domain.images import EmbedFailure
from alflow.ids import ItemId, ProjectId
from alflow.pauses import pause
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import chunks, storable, upsert

FIRST_AGAIN: Final = timedelta(minutes=1)
"""Pause before an item is retried after its first failure; it doubles with each further failure."""

LAST_AGAIN: Final = timedelta(hours=6)
"""The longest pause before a retry."""


def record(tx: Transaction, reasons: Mapping[ItemId, str], now: datetime) -> None:
    """These items (id -> reason) could not be embedded just now."""
    table = tables.embed_failure
    statement = upsert(tx, table)
    newest = {name: statement.excluded[name] for name in ("reason", "attempts", "at", "next_at")}
    statement = statement.on_conflict_do_update(index_elements=["item_id"], set_=newest)
    for chunk in chunks(list(reasons)):
        tried = select(table.c.item_id, table.c.attempts).where(table.c.item_id.in_(chunk))
        before = dict(tx.execute(tried).tuples().all())
        rows = [_row(one, reasons[one], before.get(one, 0) + 1, now) for one in chunk]
        tx.execute(statement, rows)


def forget(tx: Transaction, item_ids: Sequence[ItemId]) -> None:
    """Clear these items: they are embedded, or something about them changed, so that they are retried at once."""
    table = tables.embed_failure
    for chunk in chunks(item_ids):
        tx.execute(delete(table).where(table.c.item_id.in_(chunk)))


def hasten(tx: Transaction, project_id: ProjectId, now: datetime) -> None:
    """The project's items that could not be embedded may be tried again from now on."""
    table, item = tables.embed_failure, tables.item
    mine = select(item.c.id).where(item.c.id == table.c.item_id, item.c.project_id == project_id)
    tx.execute(update(table).where(table.c.next_at > now, mine.exists()).values(next_at=now))


def of_project(tx: Transaction, project_id: ProjectId) -> list[EmbedFailure]:
    """The project's items that could not be embedded, in the order of their ids."""
    failure, item = tables.embed_failure, tables.item
    rows = select(failure, item.c.uri).join(item, item.c.id == failure.c.item_id)
    mine = rows.where(item.c.project_id + 0 == project_id).order_by(failure.c.item_id)  # + 0: not by all of the items
    return [EmbedFailure(**row) for row in tx.execute(mine).mappings()]


def _row(item_id: ItemId, reason: str, attempts: int, now: datetime) -> dict[str, object]:
    row = {"item_id": item_id, "reason": storable(reason), "attempts": attempts}
    return row | {"at": now, "next_at": now + pause(attempts, FIRST_AGAIN, LAST_AGAIN)}
