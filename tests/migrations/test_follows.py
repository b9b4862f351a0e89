"""0012: answers that follow one come and go with the column, and none is lost."""

from datetime import UTC, datetime

import pytest
from alembic import command

from alflow.domain.answers import Verdict
from alflow.store import schema
from alflow.store.database import Database
from alflow.store.desk import labels
from alflow.store.engines import make_engine
from tests.migrations.test_reserve import counts
from tests.queues import open_queue

pytestmark = pytest.mark.slow

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def test_answers_stay_when_they_follow_no_more(database_url: str) -> None:
    database = Database.open(database_url)
    world = open_queue(database, 2)
    ids = (None, None, world.annotators[0].id, Verdict.CLASS, world.classes[0].id, NOON, 1.0)
    with database.begin() as tx:
        first = labels.submit(tx, labels.NewLabel(world.project.id, world.items[0].id, *ids, "first", {}))
        second = labels.NewLabel(world.project.id, world.items[1].id, *ids, "second", {}, follows=first.id)
        assert labels.submit(tx, second).follows == first.id
    database.close()
    engine = make_engine(database_url, foreign_keys=False)  # as alflow upgrades
    with engine.begin() as connection:
        command.downgrade(schema.config(connection), "0011_project_states")
    with engine.begin() as connection:
        command.upgrade(schema.config(connection), "head")
    assert counts(engine) == [2, 0, 2, 2]
    engine.dispose()
    database = Database.open(database_url)
    with database.begin() as tx:
        assert [one.follows for one in labels.of_project(tx, world.project.id)] == [None, None]
        labels.submit(tx, labels.NewLabel(world.project.id, world.items[0].id, *ids, "third", {}))  # ids go on
    database.close()
