"""The tables of the desk: reservations, presence, checks, pages of the grid, and what was on screen.

`lease` reserves a candidate for one annotator until a moment; a candidate that needs two votes can carry two leases.
`presence` tells who has the desk of a project open, so that work can be shared, `own_desk` what a person
chose for it. A row of `screen` is written once.
"""

from sqlalchemy import Boolean, Column, Float, ForeignKey, Integer, String, Table, UniqueConstraint

from alflow.store.tables.base import Json, UtcDateTime, id_, metadata, owner, partial_index

lease = Table(
    "lease",
    metadata,
    Column("candidate_id", ForeignKey("candidate.id", ondelete="CASCADE"), primary_key=True),
    Column("annotator_id", ForeignKey("annotator.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("until", UtcDateTime, nullable=False),
    Column("page", String(100)),
)

presence = Table(
    "presence",
    metadata,
    Column("project_id", ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    Column("annotator_id", ForeignKey("annotator.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("until", UtcDateTime, nullable=False),
)

own_desk = Table(
    "own_desk",
    metadata,
    Column("project_id", ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    Column("annotator_id", ForeignKey("annotator.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("favourites", Json),
    Column("goal", Json),
)

gold_check = Table(
    "gold_check",
    metadata,
    id_(),
    owner("project"),
    owner("item", index=True),
    Column("annotator_id", ForeignKey("annotator.id", ondelete="CASCADE"), nullable=False),
    Column("due", Integer, nullable=False),
    Column("dealt_at", UtcDateTime, nullable=False),
    Column("token", String(100), unique=True),
    Column("class_id", ForeignKey("class_label.id", ondelete="SET NULL"), index=True),
    Column("right", Boolean),
    Column("seconds", Float),
    Column("answered_at", UtcDateTime),
    UniqueConstraint("project_id", "annotator_id", "item_id"),
    partial_index("uq_gold_check_open", "project_id", "annotator_id", where="answered_at IS NULL", unique=True),
    sqlite_autoincrement=True,
)

grid_page = Table(
    "grid_page",
    metadata,
    id_(),
    owner("round", index=True),
    Column("annotator_id", ForeignKey("annotator.id"), nullable=False),
    Column("class_id", ForeignKey("class_label.id"), nullable=False, index=True),
    Column("token", String(100), nullable=False, unique=True),
    Column("seconds", Float, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("withdrawn_at", UtcDateTime),
    sqlite_autoincrement=True,
)

grid_cell = Table(
    "grid_cell",
    metadata,
    Column("grid_page_id", ForeignKey("grid_page.id", ondelete="CASCADE"), primary_key=True),
    Column("candidate_id", ForeignKey("candidate.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("probability", Float, nullable=False),
    Column("accepted", Boolean, nullable=False),
)

screen = Table(
    "screen",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("content", Json, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
