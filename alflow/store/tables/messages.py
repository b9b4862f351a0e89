"""Where messages of a project go, and the messages: those that wait, and those that are not told twice."""

from sqlalchemy import Column, ForeignKey, Integer, String, Table, Text, UniqueConstraint

from alflow.domain.messages import Event
from alflow.store.tables.base import Json, UtcDateTime, id_, metadata, owner, partial_index, words

channel = Table(
    "channel",
    metadata,
    id_(),
    owner("project", index=True),
    Column("address", Text, nullable=False),
    Column("shown", String(300), nullable=False),
    Column("secret", String(200)),
    Column("events", Json, nullable=False),
    Column("made_by", ForeignKey("annotator.id", ondelete="SET NULL"), index=True),
    Column("made_at", UtcDateTime, nullable=False),
    Column("next_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    Column("trouble", Text),
    Column("times", Integer, nullable=False),
    Column("dropped", Integer, nullable=False),
    sqlite_autoincrement=True,
)

message = Table(
    "message",
    metadata,
    id_(),
    owner("channel"),
    Column("key", String(40), nullable=False, unique=True),
    Column("event", words(Event), nullable=False),
    Column("subject", String(40), nullable=False),
    Column("round", Integer),
    Column("words", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    UniqueConstraint("channel_id", "event", "subject"),
    partial_index("ix_message_waiting", "channel_id", "id", where="sent_at IS NULL"),
    sqlite_autoincrement=True,
)
