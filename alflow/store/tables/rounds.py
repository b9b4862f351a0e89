"""Rounds, their candidates with the reasons for them, and the evaluations after them.

`candidate.answers` counts the answers that were not withdrawn; `store.desk.labels` keeps it under the row's lock.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from alflow.domain.reasons import Aim
from alflow.domain.rounds import Origin, RoundState
from alflow.store.tables.base import Json, UtcDateTime, id_, metadata, owner, partial_index, words

round_ = Table(
    "round",
    metadata,
    id_(),
    owner("project"),
    Column("number", Integer, nullable=False),
    Column("state", words(RoundState), nullable=False),
    Column("strategy", Text, nullable=False),
    Column("budget", Integer, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("configuration", Json, nullable=False),
    Column("hashes", Json, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("labelled_at", UtcDateTime),
    Column("closed_at", UtcDateTime),
    UniqueConstraint("project_id", "number"),
    partial_index("uq_round_unclosed", "project_id", where="state != 'closed'", unique=True),
    sqlite_autoincrement=True,
)

candidate = Table(
    "candidate",
    metadata,
    id_(),
    owner("round"),
    owner("item", index=True),
    Column("rank", Integer, nullable=False),
    Column("origin", words(Origin), nullable=False),
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
    partial_index("ix_candidate_unsettled", "round_id", "rank", where="answers < votes_needed"),
    sqlite_autoincrement=True,
)

reasons = Table(
    "reasons",
    metadata,
    Column("candidate_id", ForeignKey("candidate.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("aim", words(Aim), nullable=False),
    Column("expected", Float, nullable=False),
    Column("realised", Float),
    Column("details", Json, nullable=False),
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
