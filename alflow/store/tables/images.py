"""Images and how many there are, the files that were rejected, those that could not be embedded or somebody embeds now.

`item_count` says what counting would: `store.images.items` keeps it where it adds images. No image is ever taken away.
"""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from alflow.domain.images import Split
from alflow.store.tables.base import UtcDateTime, id_, metadata, owner, partial_index, words

item = Table(
    "item",
    metadata,
    id_(),
    owner("project"),
    Column("content_hash", String(64), nullable=False),
    Column("uri", Text, nullable=False),
    Column("split", words(Split), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("truth", ForeignKey("class_label.id"), index=True),
    Column("group", String(200)),
    UniqueConstraint("project_id", "content_hash"),
    Index(None, "project_id", "split", "id"),
    partial_index("ix_item_group", "project_id", "group", where='"group" IS NOT NULL'),
    sqlite_autoincrement=True,
)

item_count = Table(
    "item_count",
    metadata,
    Column("project_id", ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    Column("split", words(Split), primary_key=True),
    Column("count", Integer, nullable=False),
)

rejection = Table(
    "rejection",
    metadata,
    id_(),
    owner("project"),
    Column("uri", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("project_id", "uri"),
)

embed_failure = Table(
    "embed_failure",
    metadata,
    Column("item_id", ForeignKey("item.id", ondelete="CASCADE"), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("next_at", UtcDateTime, nullable=False),
)

embed_claim = Table(
    "embed_claim",
    metadata,
    Column("item_id", ForeignKey("item.id", ondelete="CASCADE"), primary_key=True),
    Column("holder", String(128), nullable=False, index=True),
    Column("until", UtcDateTime, nullable=False),
)
