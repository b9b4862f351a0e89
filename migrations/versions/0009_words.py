"""Strategies that are combined of several, whose text is longer than a name.

Revision: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NUMBERED_ONCE = {"sqlite_autoincrement": True}  # SQLite does not tell whether a table has it: a rebuild would lose it


def upgrade() -> None:
    """From 0008."""
    with op.batch_alter_table("round", table_kwargs=NUMBERED_ONCE) as batch:
        batch.alter_column("strategy", existing_type=sa.String(length=64), type_=sa.Text(), existing_nullable=False)


def downgrade() -> None:
    """Back to 0008, where a longer text is cut."""
    op.execute(sa.text('UPDATE "round" SET strategy = substr(strategy, 1, 64)'))
    with op.batch_alter_table("round", table_kwargs=NUMBERED_ONCE) as batch:
        batch.alter_column("strategy", existing_type=sa.Text(), type_=sa.String(length=64), existing_nullable=False)
