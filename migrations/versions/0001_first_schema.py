"""The first schema: every table, index and constraint, as they were when alflow was first released.

These tables are a copy that does not change with `alflow.store.tables`: what changes there gets a migration of its own.
The triggers are made at the end of every run (see `migrations/env.py`). Databases of before come here by way of
`alflow.migrations.earlier`.

Revision: 0001_first_schema
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from alflow.store.tables import triggers

revision = "0001_first_schema"
down_revision = None
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
TIME = sa.DateTime(timezone=True)

first = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def upgrade() -> None:
    """From an empty database."""
    first.create_all(op.get_bind())


def downgrade() -> None:
    """To an empty database: everything is lost."""
    triggers.remove(op.get_bind())
    first.drop_all(op.get_bind())


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _owner(table: str, **options: Any) -> sa.Column[int]:
    return sa.Column(f"{table}_id", sa.ForeignKey(f"{table}.id", ondelete="CASCADE"), nullable=False, **options)


def _words(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=16)


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> sa.Index:
    return sa.Index(name, *columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


sa.Table(
    "project",
    first,
    _id(),
    sa.Column("name", sa.String(200), nullable=False, unique=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("precision", sa.String(16), nullable=False),
    sa.Column("posterior", sa.String(64)),
    sa.Column("settings", JSON, nullable=False),
    sa.Column("created_at", TIME, nullable=False),
    sa.Column("guidelines", sa.Text, nullable=False, server_default=sa.text("''")),
    sqlite_autoincrement=True,
)
sa.Table(
    "class_label",
    first,
    _id(),
    _owner("project"),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("prompts", JSON, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("hot_key", sa.String(16)),
    sa.UniqueConstraint("project_id", "name"),
)
sa.Table(
    "trouble",
    first,
    sa.Column("project_id", sa.ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("since", TIME, nullable=False),
    sa.Column("at", TIME, nullable=False),
)
sa.Table(
    "look",
    first,
    sa.Column("project_id", sa.ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("at", TIME, nullable=False),
)
sa.Table(
    "item",
    first,
    _id(),
    _owner("project"),
    sa.Column("content_hash", sa.String(64), nullable=False),
    sa.Column("uri", sa.Text, nullable=False),
    sa.Column("split", _words("split", "pool", "target", "test"), nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("truth", sa.ForeignKey("class_label.id"), index=True),
    sa.UniqueConstraint("project_id", "content_hash"),
    sa.Index(None, "project_id", "split", "id"),
    sqlite_autoincrement=True,
)
sa.Table(
    "rejection",
    first,
    _id(),
    _owner("project"),
    sa.Column("uri", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", TIME, nullable=False),
    sa.UniqueConstraint("project_id", "uri"),
)
sa.Table(
    "embed_failure",
    first,
    sa.Column("item_id", sa.ForeignKey("item.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("at", TIME, nullable=False),
    sa.Column("next_at", TIME, nullable=False),
)
sa.Table("annotator", first, _id(), sa.Column("name", sa.String(200), nullable=False, unique=True))

account = sa.Table(
    "account",
    first,
    sa.Column("annotator_id", sa.ForeignKey("annotator.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("login", sa.String(200), nullable=False, unique=True),
    sa.Column("email", sa.String(320), unique=True),
    sa.Column("password_hash", sa.Text),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("created_at", TIME, nullable=False),
)

membership = sa.Table(
    "membership",
    first,
    sa.Column("project_id", sa.ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("annotator_id", sa.ForeignKey("account.annotator_id", ondelete="CASCADE"), primary_key=True, index=True),
    sa.Column("role", _words("role", "annotator", "reviewer", "engineer", "owner"), nullable=False),
)

invitation = sa.Table(
    "invitation",
    first,
    _id(),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("project_id", sa.ForeignKey("project.id", ondelete="CASCADE"), index=True),
    sa.Column("role", _words("role", "annotator", "reviewer", "engineer", "owner")),
    sa.Column("annotator_id", sa.ForeignKey("account.annotator_id", ondelete="CASCADE"), index=True),
    sa.Column("email", sa.String(320), index=True),
    sa.Column("invited_by", sa.ForeignKey("annotator.id", ondelete="SET NULL"), index=True),
    sa.Column("created_at", TIME, nullable=False),
    sa.Column("expires_at", TIME, nullable=False),
    sa.Column("accepted_at", TIME),
    sa.CheckConstraint("(project_id IS NULL) = (role IS NULL)", name="role_of_project"),
)

session = sa.Table(
    "session",
    first,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("annotator_id", sa.ForeignKey("annotator.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("link_hash", sa.String(64)),
    sa.Column("seen_at", TIME, nullable=False),
    sa.Column("expires_at", TIME, nullable=False, index=True),
)

sign_in_limit = sa.Table(
    "sign_in_limit",
    first,
    sa.Column("key", sa.String(80), primary_key=True),
    sa.Column("until", TIME, nullable=False, index=True),
)
sa.Table(
    "round",
    first,
    _id(),
    _owner("project"),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("state", _words("roundstate", "open", "labelled", "closed"), nullable=False),
    sa.Column("strategy", sa.Text, nullable=False),
    sa.Column("budget", sa.Integer, nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("configuration", JSON, nullable=False),
    sa.Column("hashes", JSON, nullable=False),
    sa.Column("opened_at", TIME, nullable=False),
    sa.Column("labelled_at", TIME),
    sa.Column("closed_at", TIME),
    sa.UniqueConstraint("project_id", "number"),
    _partial("uq_round_unclosed", "project_id", where="state != 'closed'", unique=True),
    sqlite_autoincrement=True,
)
sa.Table(
    "candidate",
    first,
    _id(),
    _owner("round"),
    _owner("item", index=True),
    sa.Column("rank", sa.Integer, nullable=False),
    sa.Column("origin", _words("origin", "strategy", "control", "person"), nullable=False),
    sa.Column("score", sa.Float),
    sa.Column("predicted_class_id", sa.ForeignKey("class_label.id"), nullable=False, index=True),
    sa.Column("probabilities", JSON, nullable=False),
    sa.Column("epistemic", sa.Float, nullable=False),
    sa.Column("aleatoric", sa.Float, nullable=False),
    sa.Column("votes_needed", sa.Integer, nullable=False),
    sa.Column("answers", sa.Integer, nullable=False, server_default="0"),
    sa.Column("chosen_by", sa.ForeignKey("annotator.id")),
    sa.Column("reason", sa.Text),
    sa.UniqueConstraint("round_id", "item_id"),
    sa.UniqueConstraint("round_id", "rank"),
    sa.CheckConstraint("(origin = 'person') = (chosen_by IS NOT NULL)", name="person_of_origin"),
    _partial("ix_candidate_unsettled", "round_id", "rank", where="answers < votes_needed"),
    sqlite_autoincrement=True,
)
sa.Table(
    "evaluation",
    first,
    sa.Column("project_id", sa.ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("round_number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("split", sa.String(16), primary_key=True),
    sa.Column("n_labels", sa.Integer, nullable=False),
    sa.Column("n_items", sa.Integer, nullable=False),
    sa.Column("metrics", JSON, nullable=False),
    sa.Column("at", TIME, nullable=False),
)
sa.Table(
    "lease",
    first,
    sa.Column("candidate_id", sa.ForeignKey("candidate.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("annotator_id", sa.ForeignKey("annotator.id", ondelete="CASCADE"), primary_key=True, index=True),
    sa.Column("until", TIME, nullable=False),
    sa.Column("page", sa.String(100)),
)
sa.Table(
    "presence",
    first,
    sa.Column("project_id", sa.ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("annotator_id", sa.ForeignKey("annotator.id", ondelete="CASCADE"), primary_key=True, index=True),
    sa.Column("until", TIME, nullable=False),
)
sa.Table(
    "gold_check",
    first,
    _id(),
    _owner("project"),
    _owner("item", index=True),
    sa.Column("annotator_id", sa.ForeignKey("annotator.id", ondelete="CASCADE"), nullable=False),
    sa.Column("due", sa.Integer, nullable=False),
    sa.Column("dealt_at", TIME, nullable=False),
    sa.Column("token", sa.String(100), unique=True),
    sa.Column("class_id", sa.ForeignKey("class_label.id", ondelete="SET NULL"), index=True),
    sa.Column("right", sa.Boolean),
    sa.Column("seconds", sa.Float),
    sa.Column("answered_at", TIME),
    sa.UniqueConstraint("project_id", "annotator_id", "item_id"),
    _partial("uq_gold_check_open", "project_id", "annotator_id", where="answered_at IS NULL", unique=True),
    sqlite_autoincrement=True,
)
sa.Table(
    "grid_page",
    first,
    _id(),
    _owner("round", index=True),
    sa.Column("annotator_id", sa.ForeignKey("annotator.id"), nullable=False),
    sa.Column("class_id", sa.ForeignKey("class_label.id"), nullable=False, index=True),
    sa.Column("token", sa.String(100), nullable=False, unique=True),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("at", TIME, nullable=False),
    sa.Column("withdrawn_at", TIME),
    sqlite_autoincrement=True,
)
sa.Table(
    "grid_cell",
    first,
    sa.Column("grid_page_id", sa.ForeignKey("grid_page.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("candidate_id", sa.ForeignKey("candidate.id", ondelete="CASCADE"), primary_key=True, index=True),
    sa.Column("probability", sa.Float, nullable=False),
    sa.Column("accepted", sa.Boolean, nullable=False),
)
sa.Table(
    "screen",
    first,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("content", JSON, nullable=False),
    sa.Column("at", TIME, nullable=False),
)
sa.Table(
    "label",
    first,
    _id(),
    _owner("project"),
    _owner("item", index=True),
    sa.Column("candidate_id", sa.ForeignKey("candidate.id"), index=True),
    sa.Column("round_id", sa.ForeignKey("round.id"), index=True),
    sa.Column("annotator_id", sa.ForeignKey("annotator.id"), nullable=False),
    sa.Column("verdict", _words("verdict", "class", "skip", "unsure", "none", "bad"), nullable=False),
    sa.Column("class_id", sa.ForeignKey("class_label.id"), index=True),
    sa.Column("at", TIME, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("token", sa.String(100), nullable=False, unique=True),
    sa.Column("shown", JSON, nullable=False),
    sa.Column("withdrawn_at", TIME),
    sa.Column("comment", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("proposed_class", sa.String(200), nullable=False, server_default=sa.text("''")),
    sa.Column("withdrawn_by", sa.ForeignKey("annotator.id")),
    sa.Column("withdrawn_why", sa.Text),
    sa.CheckConstraint("(verdict = 'class') = (class_id IS NOT NULL)", name="class_of_verdict"),
    sa.CheckConstraint("proposed_class = '' OR verdict = 'none'", name="proposal"),
    sa.Index(None, "project_id", "annotator_id", "id"),
    _partial("uq_label_active", "candidate_id", "annotator_id", where="withdrawn_at IS NULL", unique=True),
    _partial("ix_label_standing", "item_id", "annotator_id", where="withdrawn_at IS NULL"),
    _partial("ix_label_aside", "project_id", "verdict", where="verdict != 'class' AND withdrawn_at IS NULL"),
    sqlite_autoincrement=True,
)
sa.Table(
    "label_history",
    first,
    _id(),
    sa.Column("label_id", sa.Integer, nullable=False, index=True),
    sa.Column("project_id", sa.Integer, nullable=False),
    sa.Column("item_id", sa.Integer, nullable=False, index=True),
    sa.Column("operation", sa.String(8), nullable=False),
    sa.Column("at", TIME, nullable=False),
    sa.Column("before", JSON),
    sa.Column("after", JSON),
)
sa.Table(
    "adjudication",
    first,
    _id(),
    _owner("project", index=True),
    _owner("item"),
    sa.Column("annotator_id", sa.ForeignKey("annotator.id"), nullable=False),
    sa.Column("class_id", sa.ForeignKey("class_label.id"), index=True),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("votes", JSON, nullable=False),
    sa.Column("at", TIME, nullable=False),
    sa.Column("withdrawn_at", TIME),
    _partial("uq_adjudication_standing", "item_id", where="withdrawn_at IS NULL", unique=True),
    sqlite_autoincrement=True,
)
sa.Table(
    "backtest",
    first,
    _id(),
    sa.Column("project_id", sa.ForeignKey("project.id", ondelete="CASCADE"), index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("world", sa.String(64), nullable=False, unique=True),
    sa.Column("n_items", sa.Integer, nullable=False),
    sa.Column("n_chosen", sa.Integer, nullable=False),
    sa.Column("created_at", TIME, nullable=False),
)
sa.Table(
    "trial",
    first,
    _id(),
    _owner("backtest"),
    sa.Column("key", sa.String(64), nullable=False),
    sa.Column("strategy", sa.Text, nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("batch", sa.Integer, nullable=False),
    sa.Column("pool", sa.Integer, nullable=False),
    sa.Column("domain", sa.Integer),
    sa.Column("mode", _words("trialmode", "batch", "sequential"), nullable=False),
    sa.Column("control_fraction", sa.Float, nullable=False),
    sa.UniqueConstraint("backtest_id", "key"),
)
sa.Table(
    "trial_point",
    first,
    sa.Column("trial_id", sa.ForeignKey("trial.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("labels", sa.Integer, nullable=False),
    sa.Column("accuracy", sa.Float, nullable=False),
    sa.Column("nlpd", sa.Float, nullable=False),
    sa.Column("ece", sa.Float, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("information", sa.Float, nullable=False),
    sa.Column("picked", JSON, nullable=False),
)
