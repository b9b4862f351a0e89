"""What people choose for their desk, which follows them to another browser.

Revision: 0021_own_desk, after 0020_runs
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0021_own_desk"
down_revision = "0020_runs"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "own_desk",
        _owner("project"),
        _owner("annotator"),
        sa.Column("favourites", JSON),
        sa.Column("goal", JSON),
        sa.PrimaryKeyConstraint("project_id", "annotator_id", name="pk_own_desk"),
    )
    op.create_index("ix_own_desk_annotator_id", "own_desk", ["annotator_id"])


def downgrade() -> None:
    """Back: each browser goes on with what it keeps."""
    op.drop_table("own_desk")


def _owner(table: str) -> sa.Column[int]:
    key = sa.ForeignKey(f"{table}.id", ondelete="CASCADE", name=f"fk_own_desk_{table}_id_{table}")
    return sa.Column(f"{table}_id", sa.Integer, key, nullable=False)
