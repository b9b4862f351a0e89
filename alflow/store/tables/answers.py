"""Labels, their history, and what reviewers decided.

Triggers write `label_history` (see `alflow.store.tables.triggers`), no statement of this package does.
"""

from sqlalchemy import CheckConstraint, Column, Float, ForeignKey, Index, Integer, String, Table, Text, text

from alflow.domain.answers import Verdict
from alflow.store.tables.base import Json, UtcDateTime, id_, metadata, owner, partial_index, words

label = Table(
    "label",
    metadata,
    id_(),
    owner("project"),
    owner("item", index=True),
    Column("candidate_id", ForeignKey("candidate.id"), index=True),
    Column("round_id", ForeignKey("round.id"), index=True),
    Column("annotator_id", ForeignKey("annotator.id"), nullable=False),
    Column("verdict", words(Verdict), nullable=False),
    Column("class_id", ForeignKey("class_label.id"), index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("token", String(100), nullable=False, unique=True),
    Column("shown", Json, nullable=False),
    Column("withdrawn_at", UtcDateTime),
    Column("comment", Text, nullable=False, server_default=text("''")),
    Column("proposed_class", String(200), nullable=False, server_default=text("''")),
    Column("withdrawn_by", ForeignKey("annotator.id")),
    Column("withdrawn_why", Text),
    Column("follows", ForeignKey("label.id")),
    CheckConstraint("(verdict = 'class') = (class_id IS NOT NULL)", name="class_of_verdict"),
    CheckConstraint("proposed_class = '' OR verdict = 'none'", name="proposal"),
    Index(None, "project_id", "annotator_id", "id"),
    partial_index("uq_label_active", "candidate_id", "annotator_id", where="withdrawn_at IS NULL", unique=True),
    partial_index("ix_label_standing", "item_id", "annotator_id", where="withdrawn_at IS NULL"),
    partial_index("ix_label_follows", "follows", where="follows IS NOT NULL"),
    partial_index("ix_label_aside", "project_id", "verdict", where="verdict != 'class' AND withdrawn_at IS NULL"),
    sqlite_autoincrement=True,
)

label_history = Table(
    "label_history",
    metadata,
    id_(),
    Column("label_id", Integer, nullable=False, index=True),
    Column("project_id", Integer, nullable=False),
    Column("item_id", Integer, nullable=False, index=True),
    Column("operation", String(8), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("before", Json),
    Column("after", Json),
)

adjudication = Table(
    "adjudication",
    metadata,
    id_(),
    owner("project", index=True),
    owner("item", index=True),
    Column("annotator_id", ForeignKey("annotator.id"), nullable=False),
    Column("class_id", ForeignKey("class_label.id"), index=True),
    Column("note", Text, nullable=False),
    Column("votes", Json, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("withdrawn_at", UtcDateTime),
    partial_index("uq_adjudication_standing", "item_id", where="withdrawn_at IS NULL", unique=True),
    sqlite_autoincrement=True,
)
