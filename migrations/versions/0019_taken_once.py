"""Sources that are taken once beside those that are watched: what a page names, and what people upload.

Revision: 0019_taken_once, after 0018_messages
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0019_taken_once"
down_revision = "0018_messages"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    """Forward."""
    nothing, empty = sa.text("'{}'"), sa.text("''")
    op.add_column("watch", sa.Column("once", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("watch", sa.Column("shares", JSON, nullable=False, server_default=nothing))
    op.add_column("watch", sa.Column("more_until", sa.DateTime(timezone=True)))
    op.add_column("watch", sa.Column("tally", JSON, nullable=False, server_default=nothing))
    op.add_column("watched_file", sa.Column("label", sa.Text, nullable=False, server_default=empty))
    op.add_column("watched_file", sa.Column("split", sa.String(16), nullable=False, server_default=empty))
    op.add_column("watched_file", sa.Column("row", sa.Integer))
    op.add_column("watched_file", sa.Column("group", sa.Text, nullable=False, server_default=empty))


def downgrade() -> None:
    """Back: what was taken once is no source any more; its images stay, and files that were not taken yet wait."""
    op.execute("DELETE FROM watched_file WHERE watch_id IN (SELECT id FROM watch WHERE once)")
    op.execute("DELETE FROM watch WHERE once")
    for column in ("group", "row", "split", "label"):
        op.drop_column("watched_file", column)
    for column in ("tally", "more_until", "shares", "once"):
        op.drop_column("watch", column)
