"""Shared by the modules of rows: chunks, locks, and inserts that leave existing rows alone."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, FromClause, RowMapping, Select, Table, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from alflow.domain.answers import Verdict
from alflow.domain.rounds import Origin
from alflow.errors import NotFoundError
from alflow.store.database import Transaction

CHUNK = 5_000
"""Rows or ids per statement; both databases allow at least about 32,000 parameters."""

REFERRAL = "referral-"
"""How the tokens of labels begin that were sent to the reviewers (`alflow.store.answers.referrals`)."""

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


def is_answer(label: FromClause) -> ColumnElement[bool]:
    """Which rows of `label` are answers of people, and not images that were sent to the reviewers."""
    sent = (label.c.verdict == Verdict.UNSURE) & label.c.candidate_id.is_(None) & label.c.token.startswith(REFERRAL)
    return ~sent


def stands(row: FromClause, at: datetime | None = None) -> ColumnElement[bool]:
    """Which answers or decisions were not withdrawn; with `at`, which were given and not withdrawn at that moment."""
    withdrawn = row.c.withdrawn_at
    return withdrawn.is_(None) if at is None else (row.c.at <= at) & (withdrawn.is_(None) | (withdrawn > at))


def is_queued(candidate: FromClause) -> ColumnElement[bool]:
    """Which rows of `candidate` a round waits for: all but those behind it, of the reserve and of the grid."""
    return candidate.c.origin.in_([origin for origin in Origin if origin.queued])


def is_asked(candidate: FromClause) -> ColumnElement[bool]:
    """Which rows of `candidate` were asked about: all but those behind a round without an answer that stands."""
    return is_queued(candidate) | (candidate.c.answers > 0)


def storable(text: str) -> str:
    """Text that both databases accept: lone surrogates and NUL, as in foreign messages, are escaped."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def part(row: RowMapping, table: Table) -> dict[str, Any]:
    """One table's columns of a joined row that was selected with LABEL_STYLE_TABLENAME_PLUS_COL."""
    return {column.name: row[f"{table.name}_{column.name}"] for column in table.columns}


def locked(tx: Transaction, table: Table, id_: int, otherwise: str) -> RowMapping:
    """The row of that id, which nobody else changes until the end of the transaction.

    Raises:
        NotFoundError: there is none; `otherwise` is the message.
    """
    row = tx.execute(_locked(table), {"locked": id_}).mappings().one_or_none()
    if row is None:
        raise NotFoundError(otherwise)
    return row


@cache
def _locked(table: Table) -> Select[Any]:
    return select(table).where(table.c.id == bindparam("locked")).with_for_update(key_share=True)
