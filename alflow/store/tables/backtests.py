"""Back-tests, their trials, and the points of each."""

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Integer, String, Table, Text, UniqueConstraint

from alflow.domain.trials import TrialMode
from alflow.store.tables.base import Json, UtcDateTime, id_, metadata, owner, words

backtest = Table(
    "backtest",
    metadata,
    id_(),
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
    id_(),
    owner("backtest"),
    Column("key", String(64), nullable=False),
    Column("strategy", Text, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("batch", Integer, nullable=False),
    Column("pool", Integer, nullable=False),
    Column("domain", Integer),
    Column("mode", words(TrialMode), nullable=False),
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
    Column("total", Float),
    Column("aleatoric", Float),
    Column("epistemic", Float),
)
