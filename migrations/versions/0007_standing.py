"""An index of the answers that stand, by item and annotator: whether somebody answered an image already.

Revision: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STANDING = sa.text("withdrawn_at IS NULL")


def upgrade() -> None:
    """From 0006."""
    op.create_index(
        "ix_label_standing",
        "label",
        ["item_id", "annotator_id"],
        sqlite_where=STANDING,
        postgresql_where=STANDING,
    )


def downgrade() -> None:
    """Back to 0006."""
    op.drop_index("ix_label_standing", "label")
