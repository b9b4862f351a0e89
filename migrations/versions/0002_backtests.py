"""Back-tests: what was tried, trial by trial and point by point.

Revision: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    """From 0001."""
    op.create_table(
        "backtest",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("world", sa.String(length=64), nullable=False),
        sa.Column("n_items", sa.Integer(), nullable=False),
        sa.Column("n_chosen", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_backtest_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backtest")),
        sa.UniqueConstraint("world", name=op.f("uq_backtest_world")),
    )
    op.create_index(op.f("ix_backtest_project_id"), "backtest", ["project_id"])
    op.create_table(
        "trial",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("backtest_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("pool", sa.Integer(), nullable=False),
        sa.Column("domain", sa.Integer(), nullable=True),
        sa.Column(
            "mode",
            sa.Enum("batch", "sequential", name="trialmode", native_enum=False, create_constraint=True, length=16),
            nullable=False,
        ),
        sa.Column("control_fraction", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["backtest_id"], ["backtest.id"], name=op.f("fk_trial_backtest_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trial")),
        sa.UniqueConstraint("backtest_id", "key", name=op.f("uq_trial_backtest_id_key")),
    )
    op.create_table(
        "trial_point",
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("labels", sa.Integer(), nullable=False),
        sa.Column("accuracy", sa.Float(), nullable=False),
        sa.Column("nlpd", sa.Float(), nullable=False),
        sa.Column("ece", sa.Float(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("information", sa.Float(), nullable=False),
        sa.Column("picked", JSON, nullable=False),
        sa.ForeignKeyConstraint(["trial_id"], ["trial.id"], name=op.f("fk_trial_point_trial_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("trial_id", "number", name=op.f("pk_trial_point")),
    )


def downgrade() -> None:
    """Back to 0001; what was tried is lost."""
    for table in ("trial_point", "trial", "backtest"):
        op.drop_table(table)
