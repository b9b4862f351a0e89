"""The SQL tables; nobody outside `store` and `migrations` sees them.

Columns carry the names of the fields in `alflow.domain`, so a row becomes its noun by name. Two columns are there for
the queue: `candidate.answers` counts the answers that were not withdrawn (kept by `store.labels` under the row's
lock), and `lease` reserves a candidate for one annotator until a moment; a candidate that needs two votes can carry
two leases. `presence` tells who has the desk of a project open, so that work can be shared. `label_history` is written
by triggers (`migrations.label_history`), never by this package; it and `screen` are written once. Ids that name
artifacts or history are never used twice, hence `sqlite_autoincrement`. What opens doors (sessions, invitations) is
kept as a hash only: who reads the database gets in nowhere.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Enum,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from alflow.accounts import Role
from alflow.domain import Origin, RoundState, Split, TrialMode, Verdict

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """Timezone-aware UTC in and out; SQLite, which knows no time zones, keeps the naive UTC time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; a naive time is refused, since nobody knows what it means.

        Raises:
            ValueError: the time has no zone.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone cannot be stored: {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Aware UTC, whatever the driver gives."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def _words(kind: type[StrEnum]) -> Enum:
    """An enumeration kept as its words, which both databases check."""
    return Enum(
        kind,
        name=kind.__name__.lower(),
        native_enum=False,
        length=16,
        create_constraint=True,
        values_callable=lambda members: [member.value for member in members],
    )


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True)


def _owner(table: str, **options: Any) -> Column[int]:
    """A reference to the row this one belongs to, with which it goes."""
    return Column(f"{table}_id", ForeignKey(f"{table}.id", ondelete="CASCADE"), nullable=False, **options)


project = Table(
    "project",
    metadata,
    _id(),
    Column("name", String(200), nullable=False, unique=True),
    Column("model", Text, nullable=False),
    Column("precision", String(16), nullable=False),
    Column("posterior", String(64)),
    Column("settings", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("guidelines", Text, nullable=False, server_default=text("''")),
    sqlite_autoincrement=True,
)

class_label = Table(
    "class_label",
    metadata,
    _id(),
    _owner("project"),
    Column("name", String(200), nullable=False),
    Column("display_name", Text, nullable=False),
    Column("prompts", Json, nullable=False),
    Column("position", Integer, nullable=False),
    Column("hot_key", String(16)),
    UniqueConstraint("project_id", "name"),
)

item = Table(
    "item",
    metadata,
    _id(),
    _owner("project"),
    Column("content_hash", String(64), nullable=False),
    Column("uri", Text, nullable=False),
    Column("split", _words(Split), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("truth", ForeignKey("class_label.id"), index=True),
    UniqueConstraint("project_id", "content_hash"),
    Index(None, "project_id", "split", "id"),
    sqlite_autoincrement=True,
)

rejection = Table(
    "rejection",
    metadata,
    _id(),
    _owner("project"),
    Column("uri", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("project_id", "uri"),
)

embed_failure = Table(
    "embed_failure",
    metadata,
    Column("item_id", ForeignKey("item.id", ondelete="CASCADE"), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("next_at", UtcDateTime, nullable=False),
)

trouble = Table(
    "trouble",
    metadata,
    Column("project_id", ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    Column("message", Text, nullable=False),
    Column("times", Integer, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

look = Table(
    "look",
    metadata,
    Column("project_id", ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)

annotator = Table("annotator", metadata, _id(), Column("name", String(200), nullable=False, unique=True))

round_ = Table(
    "round",
    metadata,
    _id(),
    _owner("project"),
    Column("number", Integer, nullable=False),
    Column("state", _words(RoundState), nullable=False),
    Column("strategy", Text, nullable=False),
    Column("budget", Integer, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("configuration", Json, nullable=False),
    Column("hashes", Json, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("labelled_at", UtcDateTime),
    Column("closed_at", UtcDateTime),
    UniqueConstraint("project_id", "number"),
    sqlite_autoincrement=True,
)
Index(
    "uq_round_unclosed",
    round_.c.project_id,
    unique=True,
    sqlite_where=text("state != 'closed'"),
    postgresql_where=text("state != 'closed'"),
)

candidate = Table(
    "candidate",
    metadata,
    _id(),
    _owner("round"),
    _owner("item", index=True),
    Column("rank", Integer, nullable=False),
    Column("origin", _words(Origin), nullable=False),
    Column("score", Float),
    Column("predicted_class_id", ForeignKey("class_label.id"), nullable=False, index=True),
    Column("probabilities", Json, nullable=False),
    Column("epistemic", Float, nullable=False),
    Column("aleatoric", Float, nullable=False),
    Column("votes_needed", Integer, nullable=False),
    Column("answers", Integer, nullable=False, server_default="0"),
    Column("chosen_by", ForeignKey("annotator.id")),
    Column("reason", Text),
    UniqueConstraint("round_id", "item_id"),
    UniqueConstraint("round_id", "rank"),
    CheckConstraint("(origin = 'person') = (chosen_by IS NOT NULL)", name="person_of_origin"),
    sqlite_autoincrement=True,
)
Index(
    "ix_candidate_unsettled",
    candidate.c.round_id,
    candidate.c.rank,
    sqlite_where=text("answers < votes_needed"),
    postgresql_where=text("answers < votes_needed"),
)

lease = Table(
    "lease",
    metadata,
    Column("candidate_id", ForeignKey("candidate.id", ondelete="CASCADE"), primary_key=True),
    Column("annotator_id", ForeignKey("annotator.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("until", UtcDateTime, nullable=False),
    Column("page", String(100)),
)

presence = Table(
    "presence",
    metadata,
    Column("project_id", ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    Column("annotator_id", ForeignKey("annotator.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("until", UtcDateTime, nullable=False),
)

label = Table(
    "label",
    metadata,
    _id(),
    _owner("project"),
    _owner("item", index=True),
    Column("candidate_id", ForeignKey("candidate.id"), index=True),
    Column("round_id", ForeignKey("round.id"), index=True),
    Column("annotator_id", ForeignKey("annotator.id"), nullable=False),
    Column("verdict", _words(Verdict), nullable=False),
    Column("class_id", ForeignKey("class_label.id"), index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("token", String(100), nullable=False, unique=True),
    Column("shown", Json, nullable=False),
    Column("withdrawn_at", UtcDateTime),
    Column("comment", Text, nullable=False, server_default=text("''")),
    Column("proposed_class", String(200), nullable=False, server_default=text("''")),
    Column("withdrawn_by", ForeignKey("annotator.id")),
    Column("withdrawn_why", Text),
    CheckConstraint("(verdict = 'class') = (class_id IS NOT NULL)", name="class_of_verdict"),
    CheckConstraint("proposed_class = '' OR verdict = 'none'", name="proposal"),
    Index(None, "project_id", "annotator_id", "id"),
    sqlite_autoincrement=True,
)
Index(
    "uq_label_active",
    label.c.candidate_id,
    label.c.annotator_id,
    unique=True,
    sqlite_where=text("withdrawn_at IS NULL"),
    postgresql_where=text("withdrawn_at IS NULL"),
)
Index(
    "ix_label_standing",
    label.c.item_id,
    label.c.annotator_id,
    sqlite_where=text("withdrawn_at IS NULL"),
    postgresql_where=text("withdrawn_at IS NULL"),
)
Index(
    "ix_label_aside",
    label.c.project_id,
    label.c.verdict,
    sqlite_where=text("verdict != 'class' AND withdrawn_at IS NULL"),
    postgresql_where=text("verdict != 'class' AND withdrawn_at IS NULL"),
)

gold_check = Table(
    "gold_check",
    metadata,
    _id(),
    _owner("project"),
    _owner("item", index=True),
    Column("annotator_id", ForeignKey("annotator.id", ondelete="CASCADE"), nullable=False),
    Column("due", Integer, nullable=False),
    Column("dealt_at", UtcDateTime, nullable=False),
    Column("token", String(100), unique=True),
    Column("class_id", ForeignKey("class_label.id", ondelete="SET NULL"), index=True),
    Column("right", Boolean),
    Column("seconds", Float),
    Column("answered_at", UtcDateTime),
    UniqueConstraint("project_id", "annotator_id", "item_id"),
    sqlite_autoincrement=True,
)
Index(
    "uq_gold_check_open",
    gold_check.c.project_id,
    gold_check.c.annotator_id,
    unique=True,
    sqlite_where=text("answered_at IS NULL"),
    postgresql_where=text("answered_at IS NULL"),
)

grid_page = Table(
    "grid_page",
    metadata,
    _id(),
    _owner("round", index=True),
    Column("annotator_id", ForeignKey("annotator.id"), nullable=False),
    Column("class_id", ForeignKey("class_label.id"), nullable=False, index=True),
    Column("token", String(100), nullable=False, unique=True),
    Column("seconds", Float, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("withdrawn_at", UtcDateTime),
    sqlite_autoincrement=True,
)

grid_cell = Table(
    "grid_cell",
    metadata,
    Column("grid_page_id", ForeignKey("grid_page.id", ondelete="CASCADE"), primary_key=True),
    Column("candidate_id", ForeignKey("candidate.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("probability", Float, nullable=False),
    Column("accepted", Boolean, nullable=False),
)

adjudication = Table(
    "adjudication",
    metadata,
    _id(),
    _owner("project", index=True),
    _owner("item"),
    Column("annotator_id", ForeignKey("annotator.id"), nullable=False),
    Column("class_id", ForeignKey("class_label.id"), index=True),
    Column("note", Text, nullable=False),
    Column("votes", Json, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("withdrawn_at", UtcDateTime),
    sqlite_autoincrement=True,
)
Index(
    "uq_adjudication_standing",
    adjudication.c.item_id,
    unique=True,
    sqlite_where=text("withdrawn_at IS NULL"),
    postgresql_where=text("withdrawn_at IS NULL"),
)

label_history = Table(
    "label_history",
    metadata,
    _id(),
    Column("label_id", Integer, nullable=False, index=True),
    Column("project_id", Integer, nullable=False),
    Column("item_id", Integer, nullable=False, index=True),
    Column("operation", String(8), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("before", Json),
    Column("after", Json),
)

screen = Table(
    "screen",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("content", Json, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

evaluation = Table(
    "evaluation",
    metadata,
    Column("project_id", ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    Column("round_number", Integer, primary_key=True, autoincrement=False),
    Column("split", String(16), primary_key=True),
    Column("n_labels", Integer, nullable=False),
    Column("n_items", Integer, nullable=False),
    Column("metrics", Json, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

backtest = Table(
    "backtest",
    metadata,
    _id(),
    Column("project_id", ForeignKey("project.id", ondelete="CASCADE"), index=True),
    Column("name", Text, nullable=False),
    Column("world", String(64), nullable=False, unique=True),
    Column("n_items", Integer, nullable=False),
    Column("n_chosen", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

trial = Table(
    "trial",
    metadata,
    _id(),
    _owner("backtest"),
    Column("key", String(64), nullable=False),
    Column("strategy", Text, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("batch", Integer, nullable=False),
    Column("pool", Integer, nullable=False),
    Column("domain", Integer),
    Column("mode", _words(TrialMode), nullable=False),
    Column("control_fraction", Float, nullable=False),
    UniqueConstraint("backtest_id", "key"),
)

trial_point = Table(
    "trial_point",
    metadata,
    Column("trial_id", ForeignKey("trial.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("labels", Integer, nullable=False),
    Column("accuracy", Float, nullable=False),
    Column("nlpd", Float, nullable=False),
    Column("ece", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("information", Float, nullable=False),
    Column("picked", Json, nullable=False),
)

account = Table(
    "account",
    metadata,
    Column("annotator_id", ForeignKey("annotator.id", ondelete="CASCADE"), primary_key=True),
    Column("login", String(200), nullable=False, unique=True),
    Column("email", String(320), unique=True),
    Column("password_hash", Text),
    Column("active", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

membership = Table(
    "membership",
    metadata,
    Column("project_id", ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    Column("annotator_id", ForeignKey("account.annotator_id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("role", _words(Role), nullable=False),
)

invitation = Table(
    "invitation",
    metadata,
    _id(),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("project_id", ForeignKey("project.id", ondelete="CASCADE"), index=True),
    Column("role", _words(Role)),
    Column("annotator_id", ForeignKey("account.annotator_id", ondelete="CASCADE"), index=True),
    Column("email", String(320), index=True),
    Column("invited_by", ForeignKey("annotator.id", ondelete="SET NULL"), index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("accepted_at", UtcDateTime),
    CheckConstraint("(project_id IS NULL) = (role IS NULL)", name="role_of_project"),
)

session = Table(
    "session",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("annotator_id", ForeignKey("annotator.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("link_hash", String(64)),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

sign_in_limit = Table(
    "sign_in_limit",
    metadata,
    Column("key", String(80), primary_key=True),
    Column("until", UtcDateTime, nullable=False, index=True),
)
