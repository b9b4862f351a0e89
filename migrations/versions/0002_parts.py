"""Points of a back-test carry the uncertainty of the test items and its two parts; those that are there have none.

Revision: 0002_parts, after 0001_first_schema
"""

import sqlalchemy as sa
from alembic import op

revision = "0002_parts"
down_revision = "0001_first_schema"
branch_labels = None
depends_on = None

PARTS = ("total", "aleatoric", "epistemic")


def upgrade() -> None:
    """Forward."""
    for name in PARTS:
        op.add_column("trial_point", sa.Column(name, sa.Float))


def downgrade() -> None:
    """Back."""
    with op.batch_alter_table("trial_point") as table:
        for name in PARTS:
            table.drop_column(name)
