"""Shared by the modules of rows: chunks, and inserts that leave existing rows alone."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import RowMapping, Select, Table, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from alflow.store.database import Transaction

CHUNK = 5_000
"""Rows or ids per statement; both databases allow at least about 32,000 parameters."""

T = TypeVar("T")


def chunks(values: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Pieces of at most `size`, in order."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def upsert(tx: Transaction, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can say ON CONFLICT, in the database's own dialect."""
    return upsert_in(tx.dialect.name, table)


def upsert_in(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """The same for a dialect by its name."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def storable(text: str) -> str:
    """Text that both databases accept: lone surrogates and NUL, as in foreign messages, are escaped."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def part(row: RowMapping, table: Table) -> dict[str, Any]:
    """One table's columns of a joined row that was selected with LABEL_STYLE_TABLENAME_PLUS_COL."""
    return {column.name: row[f"{table.name}_{column.name}"] for column in table.columns}


@cache
def locked(table: Table) -> Select[Any]:
    """The row whose id is bound to `locked`, locked until the end of the transaction."""
    return select(table).where(table.c.id == bindparam("locked")).with_for_update(key_share=True)
