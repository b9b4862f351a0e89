"""0010: the table of candidates is made anew on SQLite, and nothing that belongs to them goes."""

from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from sqlalchemy import Engine, text

from alflow.domain.answers import Verdict
from alflow.store import schema
from alflow.store.database import Database
from alflow.store.desk import labels, queue
from alflow.store.engines import make_engine
from tests.queues import open_queue

pytestmark = pytest.mark.slow

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
COUNTED = ("candidate", "lease", "label", "label_history")


def counts(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        return [int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()) for table in COUNTED]


def test_answers_and_leases_stay_with_their_candidates(database_url: str) -> None:
    database = Database.open(database_url)
    world = open_queue(database, 5, n_annotators=2, reserve=3)
    ada, bob = (one.id for one in world.annotators)
    with database.begin() as tx:
        for one in (world.candidates[0], world.candidates[2]):
            ids = (world.project.id, one.item_id, one.id, world.round.id, ada)
            labels.submit(tx, labels.NewLabel(*ids, Verdict.CLASS, world.classes[0].id, NOON, 1.0, f"{ids}", {}))
        held = [world.candidates[rank].id for rank in (1, 3)]
        assert queue.take(tx, bob, held, NOON + timedelta(hours=1), NOON) == held
    database.close()
    engine = make_engine(database_url, foreign_keys=False)  # as alflow upgrades
    assert counts(engine) == [5, 2, 2, 2]
    with engine.begin() as connection:
        command.downgrade(schema.config(connection), "0009_claims")
    assert counts(engine) == [3, 1, 2, 2]  # of the reserve that alone stays which is answered
    with engine.begin() as connection:
        command.upgrade(schema.config(connection), "head")
    assert counts(engine) == [3, 1, 2, 2]
    engine.dispose()
