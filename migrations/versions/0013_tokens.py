"""Tokens by which programs act for a person in a project.

Revision: 0013_tokens, after 0012_follows
"""

import sqlalchemy as sa
from alembic import op

revision = "0013_tokens"
down_revision = "0012_follows"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "api_token",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("annotator_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("scope IN ('read', 'label', 'manage')", name=op.f("ck_api_token_scope")),
        sa.ForeignKeyConstraint(
            ["project_id", "annotator_id"],
            ["membership.project_id", "membership.annotator_id"],
            name="fk_api_token_project_id_annotator_id_membership",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_api_token"),
        sa.UniqueConstraint("token_hash", name="uq_api_token_token_hash"),
    )
    op.create_index("ix_api_token_expires_at", "api_token", ["expires_at"])
    op.create_index("ix_api_token_project_id_annotator_id", "api_token", ["project_id", "annotator_id"])


def downgrade() -> None:
    """Back: programs are let in no more."""
    op.drop_table("api_token")
