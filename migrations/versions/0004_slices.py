"""Slices: named sets of images, and the evaluations on them.

Revision: 0004_slices, after 0003_pretraining_weight
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004_slices"
down_revision = "0003_pretraining_weight"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "slice",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("made_by", sa.Integer, nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_slice"),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_slice_project_id_project", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["made_by"], ["annotator.id"], name="fk_slice_made_by_annotator"),
        sa.UniqueConstraint("project_id", "name", name="uq_slice_project_id_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "slice_item",
        sa.Column("slice_id", sa.Integer, nullable=False),
        sa.Column("item_id", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("slice_id", "item_id", name="pk_slice_item"),
        sa.ForeignKeyConstraint(["slice_id"], ["slice.id"], name="fk_slice_item_slice_id_slice", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_slice_item_item_id_item", ondelete="CASCADE"),
    )
    op.create_index("ix_slice_item_item_id", "slice_item", ["item_id"])
    op.create_table(
        "slice_evaluation",
        sa.Column("slice_id", sa.Integer, nullable=False),
        sa.Column("round_number", sa.Integer, nullable=False),
        sa.Column("basis", sa.String(64), nullable=False),
        sa.Column("n_test", sa.Integer, nullable=False),
        sa.Column("n_later", sa.Integer, nullable=False),
        sa.Column("metrics", JSON, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("slice_id", "round_number", name="pk_slice_evaluation"),
        sa.ForeignKeyConstraint(
            ["slice_id"], ["slice.id"], name="fk_slice_evaluation_slice_id_slice", ondelete="CASCADE"
        ),
    )


def downgrade() -> None:
    """Back."""
    for name in ("slice_evaluation", "slice_item", "slice"):
        op.drop_table(name)
