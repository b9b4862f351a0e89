"""The metrics of the models after each round."""

import math
from dataclasses import asdict

from sqlalchemy import RowMapping, select

from alflow.domain.rounds import Evaluation
from alflow.ids import ProjectId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import upsert


def add(tx: Transaction, evaluation: Evaluation) -> None:
    """Store metrics; those of the same round and split are replaced."""
    row = asdict(evaluation) | {
        "metrics": {name: [_none_for_nan(value) for value in triple] for name, triple in evaluation.metrics.items()}
    }
    keys = ["project_id", "round_number", "split"]
    statement = upsert(tx, tables.evaluation).values(row)
    newer = {name: value for name, value in row.items() if name not in keys}
    tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=newer))


def of_project(tx: Transaction, project_id: ProjectId) -> list[Evaluation]:
    """The project's metrics by round and split."""
    table = tables.evaluation
    rows = select(table).where(table.c.project_id == project_id).order_by(table.c.round_number, table.c.split)
    return [_evaluation(row) for row in tx.execute(rows).mappings()]


def _none_for_nan(value: float) -> float | None:
    return value if math.isfinite(value) else None  # JSON has no word for NaN: a metric that does not exist


def _evaluation(row: RowMapping) -> Evaluation:
    triples = {
        name: tuple(math.nan if value is None else value for value in triple) for name, triple in row["metrics"].items()
    }
    return Evaluation(**{**row, "metrics": triples})
