"""What the run of a project does now, and what somebody asked the next one for.

Revision: 0020_runs, after 0019_taken_once
"""

import sqlalchemy as sa
from alembic import op

revision = "0020_runs"
down_revision = "0019_taken_once"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "run",
        _project("run"),
        sa.Column("step", sa.String(16), nullable=False),
        sa.Column("number", sa.Integer),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("done", sa.Integer),
        sa.Column("total", sa.Integer),
        sa.Column("began_at", TIME, nullable=False),
        sa.Column("step_at", TIME, nullable=False),
        sa.Column("at", TIME),
        sa.Column("link", sa.Text),
        sa.CheckConstraint("step IN ('take', 'embed', 'close', 'open', 'prepare')", name="step"),
        sa.PrimaryKeyConstraint("project_id", name="pk_run"),
    )
    op.create_table(
        "asked_run",
        _project("asked_run"),
        sa.Column("wish", sa.String(16), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.CheckConstraint("wish IN ('run', 'open')", name="wish"),
        sa.PrimaryKeyConstraint("project_id", name="pk_asked_run"),
    )


def downgrade() -> None:
    """Back: what goes on is not told."""
    op.drop_table("asked_run")
    op.drop_table("run")


def _project(table: str) -> sa.Column[int]:
    key = sa.ForeignKey("project.id", ondelete="CASCADE", name=f"fk_{table}_project_id_project")
    return sa.Column("project_id", sa.Integer, key, nullable=False)
