"""Which images somebody is embedding just now, so that nobody else does.

Revision: 0009_claims, after 0008_item_counts
"""

import sqlalchemy as sa
from alembic import op

revision = "0009_claims"
down_revision = "0008_item_counts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    item = sa.ForeignKey("item.id", ondelete="CASCADE", name="fk_embed_claim_item_id_item")
    op.create_table(
        "embed_claim",
        sa.Column("item_id", sa.Integer, item, nullable=False),
        sa.Column("holder", sa.String(128), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("item_id", name="pk_embed_claim"),
    )
    op.create_index("ix_embed_claim_holder", "embed_claim", ["holder"])


def downgrade() -> None:
    """Back: who embeds goes on without a claim."""
    op.drop_table("embed_claim")
