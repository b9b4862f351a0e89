"""Certificates of what may be accepted by the model's word, and the images that were.

Revision: 0006_certificates, after 0005_reasons
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006_certificates"
down_revision = "0005_reasons"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "certificate",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "project_id",
            sa.Integer,
            sa.ForeignKey("project.id", ondelete="CASCADE", name="fk_certificate_project_id_project"),
            nullable=False,
        ),
        sa.Column("round_number", sa.Integer, nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("bound", sa.Float, nullable=False),
        sa.Column("delta", sa.Float, nullable=False),
        sa.Column("per_class", sa.Boolean, nullable=False),
        sa.Column("parts", JSON, nullable=False),
        sa.Column("n_slice", sa.Integer, nullable=False),
        sa.Column("n_left", sa.Integer, nullable=False),
        sa.Column("n_accepted", sa.Integer, nullable=False),
        sa.Column("drift", sa.Float, nullable=False),
        sa.Column("annotator_id", sa.Integer, _annotator("annotator_id"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
        sa.Column("withdrawn_by", sa.Integer, _annotator("withdrawn_by")),
        sa.Column("withdrawn_why", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_certificate"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_certificate_project_id", "certificate", ["project_id"])
    standing = sa.text("withdrawn_at IS NULL")
    op.create_index(
        "uq_certificate_standing",
        "certificate",
        ["project_id"],
        unique=True,
        sqlite_where=standing,
        postgresql_where=standing,
    )
    op.create_table(
        "accepted",
        sa.Column("certificate_id", sa.Integer, _owner("certificate"), nullable=False),
        sa.Column("item_id", sa.Integer, _owner("item"), nullable=False),
        sa.Column(
            "class_id",
            sa.Integer,
            sa.ForeignKey("class_label.id", name="fk_accepted_class_id_class_label"),
            nullable=False,
        ),
        sa.Column("probability", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("certificate_id", "item_id", name="pk_accepted"),
    )
    op.create_index("ix_accepted_item_id", "accepted", ["item_id"])
    op.create_index("ix_accepted_class_id", "accepted", ["class_id"])


def downgrade() -> None:
    """Back: what was accepted goes; people's answers do not know of it."""
    op.drop_table("accepted")
    op.drop_table("certificate")


def _annotator(column: str) -> sa.ForeignKey:
    return sa.ForeignKey("annotator.id", name=f"fk_certificate_{column}_annotator")


def _owner(table: str) -> sa.ForeignKey:
    return sa.ForeignKey(f"{table}.id", ondelete="CASCADE", name=f"fk_accepted_{table}_id_{table}")
