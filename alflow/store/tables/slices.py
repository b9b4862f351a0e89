"""Slices: named sets of images, and how well each round's model knows them."""

from sqlalchemy import Column, ForeignKey, Integer, String, Table, UniqueConstraint

from alflow.store.tables.base import Json, UtcDateTime, id_, metadata, owner

slice_ = Table(
    "slice",
    metadata,
    id_(),
    owner("project"),
    Column("name", String(200), nullable=False),
    Column("made_by", ForeignKey("annotator.id"), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    UniqueConstraint("project_id", "name"),
    sqlite_autoincrement=True,
)

slice_item = Table(
    "slice_item",
    metadata,
    Column("slice_id", ForeignKey("slice.id", ondelete="CASCADE"), primary_key=True),
    Column("item_id", ForeignKey("item.id", ondelete="CASCADE"), primary_key=True, index=True),
)

slice_evaluation = Table(
    "slice_evaluation",
    metadata,
    Column("slice_id", ForeignKey("slice.id", ondelete="CASCADE"), primary_key=True),
    Column("round_number", Integer, primary_key=True, autoincrement=False),
    Column("basis", String(64), nullable=False),
    Column("n_test", Integer, nullable=False),
    Column("n_later", Integer, nullable=False),
    Column("metrics", Json, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
