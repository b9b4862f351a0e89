"""A project is active, stopped, archived or deleted; which ones were deleted lately.

Revision: 0011_project_states, after 0010_reserve
"""

import sqlalchemy as sa
from alembic import op

revision = "0011_project_states"
down_revision = "0010_reserve"
branch_labels = None
depends_on = None

STATES = "state IN ('active', 'stopped', 'archived', 'deleted')"
NUMBERED_ONCE = {"sqlite_autoincrement": True}  # SQLite does not tell that a table has it: a rebuild would lose it


def upgrade() -> None:
    """Forward: all that are there are active."""
    with op.batch_alter_table("project", table_kwargs=NUMBERED_ONCE) as table:
        table.add_column(sa.Column("state", sa.String(16), nullable=False, server_default="active"))
        table.create_check_constraint(op.f("ck_project_projectstate"), sa.text(STATES))
    op.create_table(
        "deleted_project",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deleted_project"),
    )
    op.create_index("ix_adjudication_item_id", "adjudication", ["item_id"])


def downgrade() -> None:
    """Back: what is stopped or archived runs again, and what is not wholly deleted yet is there again."""
    op.drop_index("ix_adjudication_item_id", "adjudication")
    op.drop_table("deleted_project")
    with op.batch_alter_table("project", table_kwargs=NUMBERED_ONCE) as table:
        table.drop_constraint(op.f("ck_project_projectstate"), type_="check")
        table.drop_column("state")
