"""Gold checks: test images with a known class, shown to annotators among the others.

Revision: 0005c
"""

import sqlalchemy as sa
from alembic import op

revision = "0005c"
down_revision = "0004"
branch_labels = None
depends_on = None

OPEN = sa.text("answered_at IS NULL")


def upgrade() -> None:
    """From 0004."""
    op.create_table(
        "gold_check",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("due", sa.Integer(), nullable=False),
        sa.Column("dealt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("token", sa.String(length=100), nullable=True),
        sa.Column("class_id", sa.Integer(), nullable=True),
        sa.Column("right", sa.Boolean(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["annotator_id"], ["annotator.id"], name=op.f("fk_gold_check_annotator_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["class_id"], ["class_label.id"], name=op.f("fk_gold_check_class_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_gold_check_item_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_gold_check_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gold_check")),
        sa.UniqueConstraint(
            "project_id", "annotator_id", "item_id", name=op.f("uq_gold_check_project_id_annotator_id_item_id")
        ),
        sa.UniqueConstraint("token", name=op.f("uq_gold_check_token")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_gold_check_class_id"), "gold_check", ["class_id"])
    op.create_index(op.f("ix_gold_check_item_id"), "gold_check", ["item_id"])
    op.create_index(
        "uq_gold_check_open",
        "gold_check",
        ["project_id", "annotator_id"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )


def downgrade() -> None:
    """Back to 0004; how annotators did on checks is lost."""
    op.drop_table("gold_check")
