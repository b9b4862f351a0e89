"""Candidates have reasons: what a label is expected to tell, and what it was worth; those of earlier rounds have none.

Revision: 0005_reasons, after 0004_slices
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005_reasons"
down_revision = "0004_slices"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
AIM = sa.Enum("target", "pool", name="aim", native_enum=False, length=16, create_constraint=False)


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "reasons",
        sa.Column("candidate_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("aim", AIM, nullable=False),
        sa.Column("expected", sa.Float, nullable=False),
        sa.Column("realised", sa.Float),
        sa.Column("details", JSON, nullable=False),
        sa.PrimaryKeyConstraint("candidate_id", name="pk_reasons"),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidate.id"], name="fk_reasons_candidate_id_candidate", ondelete="CASCADE"
        ),
        sa.CheckConstraint("aim IN ('target', 'pool')", name="aim"),
    )


def downgrade() -> None:
    """Back."""
    op.drop_table("reasons")
