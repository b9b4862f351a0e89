import math
from dataclasses import replace
from datetime import UTC, datetime

from alflow.domain.rounds import Evaluation
from alflow.store.database import Database
from alflow.store.rounds import evaluations
from tests.queues import open_queue

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_evaluations_are_replaced_and_know_what_does_not_exist(database: Database) -> None:
    world = open_queue(database, 0)
    metrics = {"accuracy": (0.5, 0.25, 0.75), "error_auroc": (math.nan, math.nan, math.nan)}
    test = Evaluation(world.project.id, 1, "test", 20, 100, metrics, NOW)
    before = replace(test, round_number=0, n_labels=0, metrics={"accuracy": (0.25, 0.125, 0.5)})
    with database.begin() as tx:
        evaluations.add(tx, replace(test, n_items=99))
        evaluations.add(tx, test)
        evaluations.add(tx, before)
        evaluations.add(tx, replace(test, split="control"))
        first, control, last = evaluations.of_project(tx, world.project.id)
    assert first == before
    assert (control.split, last.split, last.n_items) == ("control", "test", 100)
    assert last.metrics["accuracy"] == (0.5, 0.25, 0.75)
    assert all(math.isnan(value) for value in last.metrics["error_auroc"])
