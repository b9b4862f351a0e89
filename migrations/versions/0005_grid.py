"""The grid: leases that belong to a page, pages that were answered at once, and what was on them.

Revision: 0005b
"""

import sqlalchemy as sa
from alembic import op

revision = "0005b"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From 0003."""
    op.add_column("lease", sa.Column("page", sa.String(length=100), nullable=True))
    op.create_table(
        "grid_page",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("class_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(length=100), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotator.id"], name=op.f("fk_grid_page_annotator_id")),
        sa.ForeignKeyConstraint(["class_id"], ["class_label.id"], name=op.f("fk_grid_page_class_id")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_grid_page_round_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grid_page")),
        sa.UniqueConstraint("token", name=op.f("uq_grid_page_token")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_grid_page_class_id"), "grid_page", ["class_id"])
    op.create_index(op.f("ix_grid_page_round_id"), "grid_page", ["round_id"])
    op.create_table(
        "grid_cell",
        sa.Column("grid_page_id", sa.Integer(), nullable=False),
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidate.id"], name=op.f("fk_grid_cell_candidate_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["grid_page_id"], ["grid_page.id"], name=op.f("fk_grid_cell_grid_page_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("grid_page_id", "candidate_id", name=op.f("pk_grid_cell")),
    )
    op.create_index(op.f("ix_grid_cell_candidate_id"), "grid_cell", ["candidate_id"])


def downgrade() -> None:
    """Back to 0003; which answers came from a grid is lost, the answers stay."""
    op.drop_table("grid_cell")
    op.drop_table("grid_page")
    with op.batch_alter_table("lease") as table:
        table.drop_column("page")
