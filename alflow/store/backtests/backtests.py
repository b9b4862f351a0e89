"""Back-tests: the images they were made on, their trials, and the points that are known so far."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from sqlalchemy import delete, select

from alflow.domain.trials import Backtest, Trial, TrialPoint
from alflow.errors import NotFoundError
from alflow.ids import BacktestId, ProjectId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import upsert

Results = dict[Trial, list[TrialPoint]]


def get_or_create(
    tx: Transaction, *, project_id: ProjectId | None, name: str, world: str, n_items: int, n_chosen: int
) -> Backtest:
    """The back-test on these images, made when new."""
    table = tables.backtest
    row = {
        "project_id": project_id,
        "name": name,
        "world": world,
        "n_items": n_items,
        "n_chosen": n_chosen,
        "created_at": datetime.now(UTC),
    }
    tx.execute(upsert(tx, table).values(row).on_conflict_do_nothing(index_elements=["world"]))
    return Backtest(**tx.execute(select(table).where(table.c.world == world)).mappings().one())


def by_id(tx: Transaction, backtest_id: BacktestId) -> Backtest:
    """The back-test of that id.

    Raises:
        NotFoundError: there is none.
    """
    rows = select(tables.backtest).where(tables.backtest.c.id == backtest_id)
    found = tx.execute(rows).mappings().one_or_none()
    if found is None:
        raise NotFoundError(f"no back-test has the id {backtest_id}")
    return Backtest(**found)


def list_(tx: Transaction, project_id: ProjectId | None) -> list[Backtest]:
    """The back-tests of a project, or those of feature packs (None), newest first."""
    table = tables.backtest
    mine = table.c.project_id.is_(None) if project_id is None else table.c.project_id == project_id
    return [Backtest(**row) for row in tx.execute(select(table).where(mine).order_by(table.c.id.desc())).mappings()]


def results(tx: Transaction, backtest_id: BacktestId) -> Results:
    """The points of every trial, in order."""
    trial, point = tables.trial, tables.trial_point
    trials = tx.execute(select(trial).where(trial.c.backtest_id == backtest_id).order_by(trial.c.id)).mappings()
    known = {row["id"]: Trial(**{name: row[name] for name in Trial.__dataclass_fields__}) for row in trials}
    found: Results = {one: [] for one in known.values()}
    rows = (
        select(point).join(trial).where(trial.c.backtest_id == backtest_id).order_by(point.c.trial_id, point.c.number)
    )
    for row in tx.execute(rows).mappings():
        values = {name: row[name] for name in TrialPoint.__dataclass_fields__}
        found[known[row["trial_id"]]].append(TrialPoint(**{**values, "picked": tuple(values["picked"])}))
    return found


def add_point(tx: Transaction, backtest_id: BacktestId, trial: Trial, number: int, point: TrialPoint) -> None:
    """Store a trial's point of that round (0: zero-shot), unless there is one."""
    table, row = tables.trial, asdict(trial) | {"backtest_id": backtest_id, "key": _key(trial)}
    tx.execute(upsert(tx, table).values(row).on_conflict_do_nothing(index_elements=["backtest_id", "key"]))
    mine = select(table.c.id).where(table.c.backtest_id == backtest_id, table.c.key == row["key"])
    values = asdict(point) | {"trial_id": tx.execute(mine).scalar_one(), "number": number, "picked": list(point.picked)}
    statement = upsert(tx, tables.trial_point).values(values)
    tx.execute(statement.on_conflict_do_nothing(index_elements=["trial_id", "number"]))


def forget(tx: Transaction, backtest_id: BacktestId, trials: Sequence[Trial]) -> None:
    """Delete the points of these trials."""
    table = tables.trial
    keys = [_key(trial) for trial in trials]
    tx.execute(delete(table).where(table.c.backtest_id == backtest_id, table.c.key.in_(keys)))


def _key(trial: Trial) -> str:
    """One key for all fields of a trial: in SQL, a domain of NULL would not be unique."""
    return hashlib.sha256(json.dumps(asdict(trial), sort_keys=True).encode()).hexdigest()
