"""Several images can be of one thing: a group, as a patient or a video.

Revision: 0015_item_groups, after 0014_class_groups
"""

import sqlalchemy as sa
from alembic import op

revision = "0015_item_groups"
down_revision = "0014_class_groups"
branch_labels = None
depends_on = None

INDEX = "ix_item_group"


def upgrade() -> None:
    """Forward: no image is in a group."""
    op.add_column("item", sa.Column("group", sa.String(200)))
    where = sa.text('"group" IS NOT NULL')
    op.create_index(INDEX, "item", ["project_id", "group"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Back: the groups go, the images stay."""
    op.drop_index(INDEX, "item")
    op.drop_column("item", "group")
