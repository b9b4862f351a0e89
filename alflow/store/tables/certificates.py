"""Certificates, and the images that were accepted with them."""

from sqlalchemy import Boolean, Column, Float, ForeignKey, Integer, String, Table, Text

from alflow.store.tables.base import Json, UtcDateTime, id_, metadata, owner, partial_index

certificate = Table(
    "certificate",
    metadata,
    id_(),
    owner("project", index=True),
    Column("round_number", Integer, nullable=False),
    Column("model", String(64), nullable=False),
    Column("bound", Float, nullable=False),
    Column("delta", Float, nullable=False),
    Column("per_class", Boolean, nullable=False),
    Column("parts", Json, nullable=False),
    Column("n_slice", Integer, nullable=False),
    Column("n_left", Integer, nullable=False),
    Column("n_accepted", Integer, nullable=False),
    Column("drift", Float, nullable=False),
    Column("annotator_id", ForeignKey("annotator.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("withdrawn_at", UtcDateTime),
    Column("withdrawn_by", ForeignKey("annotator.id")),
    Column("withdrawn_why", Text),
    partial_index("uq_certificate_standing", "project_id", where="withdrawn_at IS NULL", unique=True),
    sqlite_autoincrement=True,
)

accepted = Table(
    "accepted",
    metadata,
    Column("certificate_id", ForeignKey("certificate.id", ondelete="CASCADE"), primary_key=True),
    Column("item_id", ForeignKey("item.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("class_id", ForeignKey("class_label.id"), nullable=False, index=True),
    Column("probability", Float, nullable=False),
)
