"""Sources, watched or taken once, and what is known of their files."""

from sqlalchemy import Boolean, Column, Float, Integer, String, Table, Text, UniqueConstraint, false, text

from alflow.domain.images import Split
from alflow.domain.watches import FileState
from alflow.store.tables.base import Json, UtcDateTime, id_, metadata, owner, partial_index, words

watch = Table(
    "watch",
    metadata,
    id_(),
    owner("project"),
    Column("source", Text, nullable=False),
    Column("split", words(Split), nullable=False),
    Column("every", Float, nullable=False),
    Column("anywhere", Boolean, nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("next_at", UtcDateTime, nullable=False),
    Column("looked_at", UtcDateTime),
    Column("trouble", Text),
    Column("times", Integer, nullable=False),
    Column("files", Json, nullable=False),
    Column("left_out", Json, nullable=False),
    Column("once", Boolean, nullable=False, server_default=false()),
    Column("shares", Json, nullable=False, server_default=text("'{}'")),
    Column("more_until", UtcDateTime),
    Column("tally", Json, nullable=False, server_default=text("'{}'")),
    UniqueConstraint("project_id", "source"),
    sqlite_autoincrement=True,
)

watched_file = Table(
    "watched_file",
    metadata,
    owner("watch", primary_key=True),
    # In the order of its code points, in which a listing comes: the two are compared side by side.
    Column("uri", Text().with_variant(Text(collation="C"), "postgresql"), primary_key=True),
    Column("mark", String(200), nullable=False),
    Column("state", words(FileState), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("changes", Integer, nullable=False),
    Column("label", Text, nullable=False, server_default=text("''")),
    Column("split", String(16), nullable=False, server_default=text("''")),
    Column("row", Integer),
    Column("group", Text, nullable=False, server_default=text("''")),
    partial_index("ix_watched_file_ready", "watch_id", "uri", where="state = 'ready'"),
    sqlite_with_rowid=False,
)
