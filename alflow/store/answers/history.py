"""What triggers wrote about labels, and what was on screen; both can be read and added to, never changed.

A screen is named by the hash of its content, so that many labels share one.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, select

from alflow.domain.answers import LabelChange
from alflow.ids import ItemId, ProjectId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import upsert

_PAGE = 1_000


def of_item(tx: Transaction, item_id: ItemId) -> list[LabelChange]:
    """Every change to the labels of an item, oldest first."""
    table = tables.label_history
    return _changes(tx, select(table).where(table.c.item_id == item_id).order_by(table.c.id))


def newest(tx: Transaction, project_id: ProjectId, count: int) -> list[LabelChange]:
    """The last changes to the labels of a project, newest first."""
    table = tables.label_history
    rows = select(table).where(table.c.project_id == project_id).order_by(table.c.id.desc()).limit(count)
    return _changes(tx, rows)


def all_(tx: Transaction, project_id: ProjectId) -> Iterator[LabelChange]:
    """Every change to the labels of a project, oldest first, a page of rows at a time."""
    table, last = tables.label_history, 0
    while True:
        rows = select(table).where(table.c.project_id == project_id, table.c.id > last).order_by(table.c.id)
        page = _changes(tx, rows.limit(_PAGE))
        yield from page
        if len(page) < _PAGE:
            return
        last = page[-1].id


def add_screen(tx: Transaction, hash_: str, content: Mapping[str, Any]) -> None:
    """Store what was on screen under its hash, unless it is stored already."""
    row = {"hash": hash_, "content": dict(content), "at": datetime.now(UTC)}
    tx.execute(upsert(tx, tables.screen).values(row).on_conflict_do_nothing(index_elements=["hash"]))


def screens(tx: Transaction, hashes: set[str]) -> dict[str, Mapping[str, Any]]:
    """Those of these screens that are stored, by hash."""
    table = tables.screen
    rows = select(table.c.hash, table.c.content).where(table.c.hash.in_(hashes))
    return {hash_: dict(content) for hash_, content in tx.execute(rows).tuples()}


def _changes(tx: Transaction, rows: Select[Any]) -> list[LabelChange]:
    return [LabelChange(**row) for row in tx.execute(rows).mappings()]
