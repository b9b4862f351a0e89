"""Watched sources, and what is known of their files.

Revision: 0007_watches, after 0006_certificates
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007_watches"
down_revision = "0006_certificates"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
TIME = sa.DateTime(timezone=True)
BY_CODE_POINT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "watch",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("split", _words("split", "pool", "target", "test"), nullable=False),
        sa.Column("every", sa.Float, nullable=False),
        sa.Column("anywhere", sa.Boolean, nullable=False),
        sa.Column("added_at", TIME, nullable=False),
        sa.Column("next_at", TIME, nullable=False),
        sa.Column("looked_at", TIME),
        sa.Column("trouble", sa.Text),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("files", JSON, nullable=False),
        sa.Column("left_out", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_watch"),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_watch_project_id_project", ondelete="CASCADE"),
        sa.UniqueConstraint("project_id", "source", name="uq_watch_project_id_source"),
        sa.CheckConstraint("split IN ('pool', 'target', 'test')", name="split"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "watched_file",
        sa.Column("watch_id", sa.Integer, nullable=False),
        sa.Column("uri", BY_CODE_POINT, nullable=False),
        sa.Column("mark", sa.String(200), nullable=False),
        sa.Column("state", _words("filestate", "new", "ready", "known", "refused", "gone"), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("changes", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("watch_id", "uri", name="pk_watched_file"),
        sa.ForeignKeyConstraint(["watch_id"], ["watch.id"], name="fk_watched_file_watch_id_watch", ondelete="CASCADE"),
        sa.CheckConstraint("state IN ('new', 'ready', 'known', 'refused', 'gone')", name="filestate"),
        sqlite_with_rowid=False,
    )
    ready = sa.text("state = 'ready'")
    op.create_index(
        "ix_watched_file_ready", "watched_file", ["watch_id", "uri"], sqlite_where=ready, postgresql_where=ready
    )


def downgrade() -> None:
    """Back: images that came from watched sources stay."""
    op.drop_table("watched_file")
    op.drop_table("watch")


def _words(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=False, length=16)
