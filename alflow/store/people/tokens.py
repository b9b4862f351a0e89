"""Tokens of programs, by their hashes. A row goes with the role that it rests on (see `alflow.store.tables.people`)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, delete, func, insert, select, update

from alflow.accounts import ApiToken, Role
from alflow.domain.answers import Annotator
from alflow.ids import AnnotatorId, ProjectId, TokenId
from alflow.store import tables
from alflow.store.database import Transaction


@dataclass(frozen=True)
class Held:
    """A token that counts, who holds it, and their role in its project at this moment."""

    token: ApiToken
    annotator: Annotator
    role: Role


def add(tx: Transaction, token_hash: str, **values: Any) -> ApiToken:
    """Store a token; the fields are those of `ApiToken`. Those that are over are deleted."""
    table = tables.api_token
    tx.execute(delete(table).where(table.c.expires_at <= values["created_at"]))
    made = insert(table).values(token_hash=token_hash, **values).returning(table)
    return _token(tx.execute(made).mappings().one())


def find(tx: Transaction, token_hash: str, now: datetime) -> Held | None:
    """The token with this hash, unless it is over or its account may not sign in."""
    table, member, account = tables.api_token, tables.membership, tables.account
    holds = (member.c.project_id == table.c.project_id) & (member.c.annotator_id == table.c.annotator_id)
    rows = (
        select(table, member.c.role, tables.annotator.c.name.label("called"))
        .join(member, holds)
        .join(account, account.c.annotator_id == table.c.annotator_id)
        .join(tables.annotator, tables.annotator.c.id == table.c.annotator_id)
        .where(table.c.token_hash == token_hash, table.c.expires_at > now, account.c.active)
    )
    row = tx.execute(rows).mappings().one_or_none()
    if row is None:
        return None
    return Held(_token(row), Annotator(row["annotator_id"], row["called"]), row["role"])


def touch(tx: Transaction, token_id: TokenId, now: datetime) -> None:
    """Record that the token is in use."""
    tx.execute(update(tables.api_token).where(tables.api_token.c.id == token_id).values(used_at=now))


def of_person(tx: Transaction, annotator_id: AnnotatorId, now: datetime) -> list[ApiToken]:
    """Somebody's tokens in every project, newest first."""
    return _list(tx, tables.api_token.c.annotator_id == annotator_id, now)


def of_project(tx: Transaction, project_id: ProjectId, now: datetime) -> list[tuple[ApiToken, Annotator]]:
    """Everybody's tokens in a project with their names, newest first."""
    annotator, mine = tables.annotator, tables.api_token.c.project_id == project_id
    rows = _open(now, annotator.c.name.label("called")).join(
        annotator, annotator.c.id == tables.api_token.c.annotator_id
    )
    found = tx.execute(rows.where(mine)).mappings()
    return [(_token(row), Annotator(row["annotator_id"], row["called"])) for row in found]


def by_id(tx: Transaction, token_id: TokenId) -> ApiToken | None:
    """The token of that id."""
    row = tx.execute(select(tables.api_token).where(tables.api_token.c.id == token_id)).mappings().one_or_none()
    return None if row is None else _token(row)


def count(tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId, now: datetime) -> int:
    """How many tokens somebody has in a project."""
    table = tables.api_token
    mine = (table.c.project_id == project_id, table.c.annotator_id == annotator_id, table.c.expires_at > now)
    return tx.execute(select(func.count()).select_from(table).where(*mine)).scalar_one()


def remove(tx: Transaction, token_id: TokenId) -> None:
    """End a token."""
    tx.execute(delete(tables.api_token).where(tables.api_token.c.id == token_id))


def remove_all(tx: Transaction, annotator_id: AnnotatorId) -> None:
    """End every token of somebody."""
    tx.execute(delete(tables.api_token).where(tables.api_token.c.annotator_id == annotator_id))


def _open(now: datetime, *more: Any) -> Select[Any]:
    table = tables.api_token
    return select(table, *more).where(table.c.expires_at > now).order_by(table.c.id.desc())


def _list(tx: Transaction, where: ColumnElement[bool], now: datetime) -> list[ApiToken]:
    return [_token(row) for row in tx.execute(_open(now).where(where)).mappings()]


def _token(row: RowMapping) -> ApiToken:
    return ApiToken(**{name: row[name] for name in ApiToken.__dataclass_fields__})
