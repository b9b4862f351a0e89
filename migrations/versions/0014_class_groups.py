"""Classes can be in a group, which heads them in lists.

Revision: 0014_class_groups, after 0013_tokens
"""

import sqlalchemy as sa
from alembic import op

revision = "0014_class_groups"
down_revision = "0013_tokens"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward: no class is in a group."""
    op.add_column("class_label", sa.Column("group", sa.String(200), nullable=False, server_default=sa.text("''")))


def downgrade() -> None:
    """Back: the groups go, the classes stay."""
    op.drop_column("class_label", "group")
