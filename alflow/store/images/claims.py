"""Which items somebody embeds now: held until a time that the holder puts off, so that nobody embeds them as well."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, distinct, select, update

from alflow.ids import ItemId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import chunks, upsert


def take(tx: Transaction, item_ids: Sequence[ItemId], holder: str, now: datetime, until: datetime) -> set[ItemId]:
    """Those of these items that are this holder's from now on: nobody held them, or for longer than until now."""
    table = tables.embed_claim
    statement = upsert(tx, table)
    newest = {name: statement.excluded[name] for name in ("holder", "until")}
    statement = statement.on_conflict_do_update(index_elements=["item_id"], set_=newest, where=table.c.until <= now)
    taken: set[ItemId] = set()
    for chunk in chunks(sorted(item_ids)):  # in one order: two at once must not wait for each other
        rows = [{"item_id": item, "holder": holder, "until": until} for item in chunk]
        taken.update(tx.execute(statement.returning(table.c.item_id), rows).scalars())
    return taken


def holders(tx: Transaction, item_ids: Sequence[ItemId]) -> set[str]:
    """Who holds any of these items, or did and was not heard of since."""
    table = tables.embed_claim
    found: set[str] = set()
    for chunk in chunks(item_ids):
        found.update(tx.execute(select(distinct(table.c.holder)).where(table.c.item_id.in_(chunk))).scalars())
    return found


def renew(tx: Transaction, holder: str, until: datetime) -> int:
    """Put off the end of all that this holder holds; returns how many items those are."""
    table = tables.embed_claim
    return tx.execute(update(table).where(table.c.holder == holder).values(until=until)).rowcount


def release(tx: Transaction, holder: str) -> None:
    """Let go of all that this holder holds."""
    tx.execute(delete(tables.embed_claim).where(tables.embed_claim.c.holder == holder))
