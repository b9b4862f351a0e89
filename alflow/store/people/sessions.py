"""Sessions, limits on attempts to sign in, and known browsers.

All are stored, so that they survive a restart. Expired rows are deleted when new ones are added.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update

from alflow.domain.answers import Annotator
from alflow.ids import AnnotatorId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import upsert


@dataclass(frozen=True)
class Session:
    """A session that has not ended.

    Attributes:
        annotator: whose it is.
        link_hash: of the terminal's link that opened it; None where an account did.
        active: whether the annotator has an account that may sign in.
        has_password: whether that account has one.
        seen_at: when it was last used, to the minute or so.
    """

    annotator: Annotator
    link_hash: str | None
    active: bool
    has_password: bool
    seen_at: datetime


@dataclass(frozen=True)
class Limit:
    """At most `burst` tries at once under one key, and a further one each `interval` after that."""

    key: str
    burst: int
    interval: timedelta


def open_(
    tx: Transaction,
    annotator_id: AnnotatorId,
    token_hash: str,
    link_hash: str | None,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Store a session, and delete the expired ones."""
    table = tables.session
    tx.execute(delete(table).where(table.c.expires_at <= now))
    row = {
        "token_hash": token_hash,
        "annotator_id": annotator_id,
        "link_hash": link_hash,
        "seen_at": now,
        "expires_at": expires_at,
    }
    tx.execute(insert(table).values(row))


def find(tx: Transaction, token_hash: str, now: datetime, idle: timedelta) -> Session | None:
    """The session with this token, if it has neither expired nor been idle for too long."""
    session, annotator, account = tables.session, tables.annotator, tables.account
    password = account.c.password_hash.is_not(None)
    rows = (
        select(annotator, session.c.link_hash, session.c.seen_at, account.c.active, password.label("has_password"))
        .join(annotator, annotator.c.id == session.c.annotator_id)
        .outerjoin(account, account.c.annotator_id == session.c.annotator_id)
        .where(session.c.token_hash == token_hash, session.c.expires_at > now, session.c.seen_at > now - idle)
    )
    row = tx.execute(rows).mappings().one_or_none()
    if row is None:
        return None
    who, active = Annotator(row["id"], row["name"]), bool(row["active"])
    return Session(who, row["link_hash"], active, bool(row["has_password"]), row["seen_at"])


def touch(tx: Transaction, token_hash: str, now: datetime) -> None:
    """Record that the session is in use."""
    tx.execute(update(tables.session).where(tables.session.c.token_hash == token_hash).values(seen_at=now))


def close(tx: Transaction, token_hash: str) -> None:
    """End a session."""
    tx.execute(delete(tables.session).where(tables.session.c.token_hash == token_hash))


def close_all(tx: Transaction, annotator_id: AnnotatorId) -> None:
    """End every session of somebody."""
    tx.execute(delete(tables.session).where(tables.session.c.annotator_id == annotator_id))


def count_try(tx: Transaction, limit: Limit, now: datetime) -> float:
    """Count a try; the seconds until the next is allowed, 0 where this one is.

    The generic cell rate algorithm (ITU-T I.371): one moment a key says by when all tries so far would have come if
    they came one each interval; a try may be early by the burst. A try that is refused is not counted.
    """
    table = tables.sign_in_limit
    made = upsert(tx, table).values(key=limit.key, until=now)
    locked = made.on_conflict_do_update(index_elements=["key"], set_={"key": limit.key}).returning(table.c.until)
    until: datetime = tx.execute(locked).scalar_one()
    earliest = until + limit.interval - limit.burst * limit.interval
    if earliest > now:
        return (earliest - now).total_seconds()
    tx.execute(update(table).where(table.c.key == limit.key).values(until=max(until, now) + limit.interval))
    return 0.0


def forgive(tx: Transaction, key: str) -> None:
    """Forget the tries under a key."""
    tx.execute(delete(tables.sign_in_limit).where(tables.sign_in_limit.c.key == key))


def forget_tries(tx: Transaction, now: datetime) -> None:
    """Delete limits that block nobody any more, and keys whose time is over."""
    tx.execute(delete(tables.sign_in_limit).where(tables.sign_in_limit.c.until <= now))


def remember(tx: Transaction, key: str, until: datetime) -> None:
    """Remember a key until that moment."""
    statement = upsert(tx, tables.sign_in_limit).values(key=key, until=until)
    tx.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"until": until}))


def remembers(tx: Transaction, key: str, now: datetime) -> bool:
    """Whether the key is remembered."""
    table = tables.sign_in_limit
    return tx.execute(select(table.c.key).where(table.c.key == key, table.c.until > now)).scalar() is not None
