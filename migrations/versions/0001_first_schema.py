"""The first schema, and the trigger that writes the history of labels.

Revision: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
TIME = sa.DateTime(timezone=True)

TABLES = (
    "project", "class_label", "item", "rejection", "annotator", "round", "candidate", "lease", "label",
    "label_history", "evaluation",
)  # fmt: skip

LABEL_COLUMNS = (
    "id", "project_id", "item_id", "candidate_id", "round_id", "annotator_id", "verdict", "class_id", "at", "seconds",
    "token", "shown", "withdrawn_at",
)  # fmt: skip

POSTGRESQL_FUNCTION = """
CREATE FUNCTION alflow_label_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO label_history (label_id, operation, at, before, after) VALUES (
        CASE WHEN TG_OP = 'DELETE' THEN OLD.id ELSE NEW.id END,
        lower(TG_OP),
        clock_timestamp(),
        CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END,
        CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END
    );
    RETURN NULL;
END $$
"""
POSTGRESQL_TRIGGER = """
CREATE TRIGGER label_history AFTER INSERT OR UPDATE OR DELETE ON label
FOR EACH ROW EXECUTE FUNCTION alflow_label_history()
"""
SQLITE_TRIGGER = """
CREATE TRIGGER label_history_{operation} AFTER {operation} ON label
BEGIN
    INSERT INTO label_history (label_id, operation, at, before, after)
    VALUES ({row}.id, '{operation}', strftime('%Y-%m-%d %H:%M:%f000', 'now'), {before}, {after});
END
"""


def _words(*words: str, name: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=16)


def upgrade() -> None:
    """From an empty database."""
    op.create_table(
        "annotator",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_annotator")),
        sa.UniqueConstraint("name", name=op.f("uq_annotator_name")),
    )
    op.create_table(
        "label_history",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("label_id", sa.Integer(), nullable=False),
        sa.Column("operation", sa.String(length=8), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("before", JSON, nullable=True),
        sa.Column("after", JSON, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_history")),
    )
    op.create_index(op.f("ix_label_history_label_id"), "label_history", ["label_id"])

    op.create_table(
        "project",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("precision", sa.String(length=16), nullable=False),
        sa.Column("posterior", sa.String(length=64), nullable=True),
        sa.Column("settings", JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project")),
        sa.UniqueConstraint("name", name=op.f("uq_project_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "class_label",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("prompts", JSON, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("hot_key", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_class_label_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_class_label")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_class_label_project_id_name")),
    )
    op.create_table(
        "evaluation",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("round_number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("split", sa.String(length=16), nullable=False),
        sa.Column("n_labels", sa.Integer(), nullable=False),
        sa.Column("n_items", sa.Integer(), nullable=False),
        sa.Column("metrics", JSON, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_evaluation_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", "round_number", "split", name=op.f("pk_evaluation")),
    )
    op.create_table(
        "rejection",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_rejection_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejection")),
        sa.UniqueConstraint("project_id", "uri", name=op.f("uq_rejection_project_id_uri")),
    )
    op.create_table(
        "round",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", _words("open", "labelled", "closed", name="roundstate"), nullable=False),
        sa.Column("strategy", sa.String(length=64), nullable=False),
        sa.Column("budget", sa.Integer(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("configuration", JSON, nullable=False),
        sa.Column("hashes", JSON, nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("labelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_round_project_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round")),
        sa.UniqueConstraint("project_id", "number", name=op.f("uq_round_project_id_number")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_round_unclosed",
        "round",
        ["project_id"],
        unique=True,
        sqlite_where=sa.text("state != 'closed'"),
        postgresql_where=sa.text("state != 'closed'"),
    )

    op.create_table(
        "item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("split", _words("pool", "target", "test", name="split"), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("truth", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_item_project_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["truth"], ["class_label.id"], name=op.f("fk_item_truth")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item")),
        sa.UniqueConstraint("project_id", "content_hash", name=op.f("uq_item_project_id_content_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_item_project_id_split_id"), "item", ["project_id", "split", "id"])
    op.create_index(op.f("ix_item_truth"), "item", ["truth"])

    op.create_table(
        "candidate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("origin", _words("strategy", "control", name="origin"), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("predicted_class_id", sa.Integer(), nullable=False),
        sa.Column("probabilities", JSON, nullable=False),
        sa.Column("epistemic", sa.Float(), nullable=False),
        sa.Column("aleatoric", sa.Float(), nullable=False),
        sa.Column("votes_needed", sa.Integer(), nullable=False),
        sa.Column("answers", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_candidate_item_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["predicted_class_id"], ["class_label.id"], name=op.f("fk_candidate_predicted_class_id")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_candidate_round_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidate")),
        sa.UniqueConstraint("round_id", "item_id", name=op.f("uq_candidate_round_id_item_id")),
        sa.UniqueConstraint("round_id", "rank", name=op.f("uq_candidate_round_id_rank")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_candidate_item_id"), "candidate", ["item_id"])
    op.create_index(op.f("ix_candidate_predicted_class_id"), "candidate", ["predicted_class_id"])
    op.create_index(
        "ix_candidate_unsettled",
        "candidate",
        ["round_id", "rank"],
        sqlite_where=sa.text("answers < votes_needed"),
        postgresql_where=sa.text("answers < votes_needed"),
    )

    op.create_table(
        "label",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("candidate_id", sa.Integer(), nullable=True),
        sa.Column("round_id", sa.Integer(), nullable=True),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("verdict", _words("class", "skip", name="verdict"), nullable=False),
        sa.Column("class_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("token", sa.String(length=100), nullable=False),
        sa.Column("shown", JSON, nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(verdict = 'class') = (class_id IS NOT NULL)", name=op.f("ck_label_class_of_verdict")),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotator.id"], name=op.f("fk_label_annotator_id")),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidate.id"], name=op.f("fk_label_candidate_id")),
        sa.ForeignKeyConstraint(["class_id"], ["class_label.id"], name=op.f("fk_label_class_id")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_label_item_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_label_project_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_label_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label")),
        sa.UniqueConstraint("token", name=op.f("uq_label_token")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_label_candidate_id"), "label", ["candidate_id"])
    op.create_index(op.f("ix_label_class_id"), "label", ["class_id"])
    op.create_index(op.f("ix_label_item_id"), "label", ["item_id"])
    op.create_index(op.f("ix_label_project_id_annotator_id_id"), "label", ["project_id", "annotator_id", "id"])
    op.create_index(op.f("ix_label_round_id"), "label", ["round_id"])
    op.create_index(
        "uq_label_active",
        "label",
        ["candidate_id", "annotator_id"],
        unique=True,
        sqlite_where=sa.text("withdrawn_at IS NULL"),
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )

    op.create_table(
        "lease",
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["annotator_id"], ["annotator.id"], name=op.f("fk_lease_annotator_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidate.id"], name=op.f("fk_lease_candidate_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("candidate_id", "annotator_id", name=op.f("pk_lease")),
    )
    op.create_index(op.f("ix_lease_annotator_id"), "lease", ["annotator_id"])
    keep_history()


def keep_history() -> None:
    """The triggers as they were until 0006."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(POSTGRESQL_FUNCTION)
        op.execute(POSTGRESQL_TRIGGER)
        return
    before, after = _sqlite_json("OLD"), _sqlite_json("NEW")
    for operation, row, values in (
        ("insert", "NEW", ("NULL", after)),
        ("update", "NEW", (before, after)),
        ("delete", "OLD", (before, "NULL")),
    ):
        trigger = SQLITE_TRIGGER.format(operation=operation, row=row, before=values[0], after=values[1])
        op.get_bind().exec_driver_sql(trigger)


def _sqlite_json(row: str) -> str:
    """The row as a JSON object; `shown` is JSON already."""
    pairs = (f"'{name}', " + (f"json({row}.{name})" if name == "shown" else f"{row}.{name}") for name in LABEL_COLUMNS)
    return f"json_object({', '.join(pairs)})"


def downgrade() -> None:
    """Back to an empty database; indexes and SQLite triggers go with their tables."""
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION alflow_label_history()")
