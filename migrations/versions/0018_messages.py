"""Messages to people and programs outside: where they go, and those that wait to be sent.

Revision: 0018_messages, after 0017_grid
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0018_messages"
down_revision = "0017_grid"
branch_labels = None
depends_on = None

EVENTS = "'round_opened', 'queue_empty', 'dispute', 'stop', 'failure', 'recovery', 'trial'"


def upgrade() -> None:
    """Forward: no project tells anybody."""
    op.create_table(
        "channel",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("shown", sa.String(300), nullable=False),
        sa.Column("secret", sa.String(200)),
        sa.Column("events", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("made_by", sa.Integer),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("trouble", sa.Text),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("dropped", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_channel_project_id_project", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["made_by"], ["annotator.id"], name="fk_channel_made_by_annotator", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_channel"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_channel_project_id", "channel", ["project_id"])
    op.create_index("ix_channel_made_by", "channel", ["made_by"])
    op.create_table(
        "message",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("channel_id", sa.Integer, nullable=False),
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("event", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("round", sa.Integer),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(f"event IN ({EVENTS})", name=op.f("ck_message_event")),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channel.id"], name="fk_message_channel_id_channel", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_message"),
        sa.UniqueConstraint("key", name="uq_message_key"),
        sa.UniqueConstraint("channel_id", "event", "subject", name="uq_message_channel_id_event_subject"),
        sqlite_autoincrement=True,
    )
    waiting = sa.text("sent_at IS NULL")
    op.create_index(
        "ix_message_waiting", "message", ["channel_id", "id"], sqlite_where=waiting, postgresql_where=waiting
    )


def downgrade() -> None:
    """Back: nobody is told any more."""
    op.drop_table("message")
    op.drop_table("channel")
