"""What a page explained to a person, who put it away.

Revision: 0016_hints, after 0015_item_groups
"""

import sqlalchemy as sa
from alembic import op

revision = "0016_hints"
down_revision = "0015_item_groups"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    person = sa.ForeignKey("annotator.id", ondelete="CASCADE", name="fk_seen_hint_annotator_id_annotator")
    op.create_table(
        "seen_hint",
        sa.Column("annotator_id", sa.Integer, person, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("annotator_id", "name", name="pk_seen_hint"),
    )


def downgrade() -> None:
    """Back: everybody is told once more."""
    op.drop_table("seen_hint")
