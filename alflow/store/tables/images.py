"""Images, the files that were rejected, and the images that could not be embedded."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from alflow.domain.images import Split
from alflow.store.tables.base import UtcDateTime, id_, metadata, owner, words

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
    UniqueConstraint("project_id", "content_hash"),
    Index(None, "project_id", "split", "id"),
    sqlite_autoincrement=True,
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
