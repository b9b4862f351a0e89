"""How many images of each split a project has, so that no page counts them.

Revision: 0008_item_counts, after 0007_watches
"""

import sqlalchemy as sa
from alembic import op

revision = "0008_item_counts"
down_revision = "0007_watches"
branch_labels = None
depends_on = None

COUNT = sa.table("item_count", sa.column("project_id"), sa.column("split"), sa.column("count"))
ITEM = sa.table("item", sa.column("project_id"), sa.column("split"))


def upgrade() -> None:
    """Forward: those that are there are counted once."""
    op.create_table(
        "item_count",
        sa.Column(
            "project_id",
            sa.Integer,
            sa.ForeignKey("project.id", ondelete="CASCADE", name="fk_item_count_project_id_project"),
            nullable=False,
        ),
        sa.Column("split", sa.String(16), nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.CheckConstraint("split IN ('pool', 'target', 'test')", name="split"),
        sa.PrimaryKeyConstraint("project_id", "split", name="pk_item_count"),
    )
    counted = sa.select(ITEM.c.project_id, ITEM.c.split, sa.func.count()).group_by(ITEM.c.project_id, ITEM.c.split)
    op.execute(COUNT.insert().from_select(["project_id", "split", "count"], counted))


def downgrade() -> None:
    """Back: what can be counted again is lost."""
    op.drop_table("item_count")
