"""Channels of a project, and the messages that wait for them."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, case, delete, func, insert, select, update

from alflow.domain.messages import Channel, Message
from alflow.domain.projects import ProjectState
from alflow.errors import NotFoundError
from alflow.ids import AnnotatorId, ChannelId, MessageId, ProjectId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import storable


@dataclass(frozen=True)
class Known:
    """A channel, who made it, and how many messages wait for it."""

    channel: Channel
    made_by: str | None
    waiting: int


def add(tx: Transaction, made_by: AnnotatorId | None, **values: Any) -> Channel:
    """Store a channel; the fields are those of `Channel`."""
    table = tables.channel
    start = {"times": 0, "dropped": 0, "next_at": values["made_at"], "made_by": made_by}
    return _channel(tx.execute(insert(table).values(values | start).returning(table)).mappings().one())


def of_project(tx: Transaction, project_id: ProjectId) -> list[Known]:
    """Those of a project, in the order in which they were made."""
    channel, annotator, message = tables.channel, tables.annotator, tables.message
    waits = (message.c.channel_id == channel.c.id, message.c.sent_at.is_(None))
    waiting = select(func.count()).select_from(message).where(*waits).scalar_subquery()
    rows = (
        select(channel, annotator.c.name.label("maker"), waiting.label("waiting"))
        .outerjoin(annotator, annotator.c.id == channel.c.made_by)
        .where(channel.c.project_id == project_id)
        .order_by(channel.c.id)
    )
    return [Known(_channel(row), row["maker"], row["waiting"]) for row in tx.execute(rows).mappings()]


def of_id(tx: Transaction, project_id: ProjectId, channel_id: ChannelId) -> Channel:
    """The project's channel of that id.

    Raises:
        NotFoundError: there is none.
    """
    table = tables.channel
    rows = select(table).where(table.c.id == channel_id, table.c.project_id == project_id)
    row = tx.execute(rows).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"the project has no channel {channel_id}: see `alflow messages list`")
    return _channel(row)


def remove(tx: Transaction, channel_id: ChannelId) -> None:
    """Send there no more; what waits for it goes."""
    tx.execute(delete(tables.channel).where(tables.channel.c.id == channel_id))


def due(tx: Transaction, project_ids: Collection[ProjectId], now: datetime) -> list[ChannelId]:
    """The channels of these projects for which messages wait that may be sent now."""
    channel, message = tables.channel, tables.message
    waits = select(message.c.id).where(message.c.channel_id == channel.c.id, message.c.sent_at.is_(None)).exists()
    rows = select(channel.c.id).where(channel.c.project_id.in_(project_ids), channel.c.next_at <= now, waits)
    return list(tx.execute(rows.order_by(channel.c.id)).scalars())


def claim(tx: Transaction, channel_id: ChannelId, now: datetime, until: datetime) -> Channel | None:
    """The channel, to which nobody else sends until then; None if somebody does, or nothing may be sent."""
    table, project = tables.channel, tables.project
    active = select(project.c.id).where(project.c.state == ProjectState.ACTIVE)
    free = (table.c.id == channel_id, table.c.next_at <= now, table.c.project_id.in_(active))
    taken = update(table).where(*free).values(next_at=until).returning(table)
    row = tx.execute(taken).mappings().one_or_none()
    return None if row is None else _channel(row)


def first_waiting(tx: Transaction, channel_id: ChannelId) -> Message | None:
    """The oldest message that was not sent."""
    table = tables.message
    rows = select(table).where(table.c.channel_id == channel_id, table.c.sent_at.is_(None)).order_by(table.c.id)
    row = tx.execute(rows.limit(1)).mappings().one_or_none()
    return None if row is None else Message(**{one.name: row[one.name] for one in fields(Message)})


def drop(tx: Transaction, channel_id: ChannelId, most: int, now: datetime, worth: timedelta, kept: timedelta) -> None:
    """Drop and count messages that have waited too long or are too many; forget those that were sent long ago."""
    table = tables.message
    mine = table.c.channel_id == channel_id
    waits = mine & table.c.sent_at.is_(None)
    newest = select(table.c.id).where(waits).order_by(table.c.id.desc()).limit(most)
    old = tx.execute(delete(table).where(waits, (table.c.at < now - worth) | table.c.id.not_in(newest))).rowcount
    tx.execute(delete(table).where(mine, table.c.sent_at < now - kept))
    if old:
        channel = tables.channel
        tx.execute(update(channel).where(channel.c.id == channel_id).values(dropped=channel.c.dropped + old))


def arrived(tx: Transaction, channel_id: ChannelId, message_id: MessageId, now: datetime) -> None:
    """Record that a message arrived: the channel is free for the next."""
    tx.execute(update(tables.message).where(tables.message.c.id == message_id).values(sent_at=now))
    free(tx, channel_id, now, sent_at=now, trouble=None, times=0)


def failed(tx: Transaction, channel_id: ChannelId, trouble: str, next_at: datetime) -> None:
    """Record why one did not; the next try is then."""
    free(tx, channel_id, next_at, trouble=storable(trouble), times=tables.channel.c.times + 1)


def tried(tx: Transaction, channel_id: ChannelId, trouble: str | None, now: datetime, claim: timedelta) -> None:
    """Record what became of a trial; after one that arrived, a pause that is longer than a claim is over."""
    table = tables.channel
    arrived_now = {
        "sent_at": now,
        "times": 0,
        "next_at": case((table.c.next_at > now + claim, now), else_=table.c.next_at),
    }
    values = {"trouble": None, **arrived_now} if trouble is None else {"trouble": storable(trouble)}
    tx.execute(update(table).where(table.c.id == channel_id).values(values))


def free(tx: Transaction, channel_id: ChannelId, next_at: datetime, **more: Any) -> None:
    """Let others send there from then on."""
    tx.execute(update(tables.channel).where(tables.channel.c.id == channel_id).values(next_at=next_at, **more))


def _channel(row: RowMapping) -> Channel:
    known = {one.name: row[one.name] for one in fields(Channel)}
    return Channel(**known | {"events": tuple(row["events"])})
