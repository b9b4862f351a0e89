"""0011: the table of projects is made anew on SQLite, and nothing that belongs to them goes."""

import pytest
from alembic import command
from sqlalchemy import Engine, text

from alflow.domain.projects import ProjectState
from alflow.store import schema
from alflow.store.database import Database
from alflow.store.engines import make_engine
from alflow.store.projects import projects
from tests.queues import open_queue

pytestmark = pytest.mark.slow

COUNTED = ("project", "class_label", "item", "round", "candidate")


def counts(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        return [int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()) for table in COUNTED]


def test_projects_that_are_there_are_active(database_url: str) -> None:
    database = Database.open(database_url)
    world = open_queue(database, 5)
    with database.begin() as tx:
        projects.set_state(tx, world.project.id, ProjectState.STOPPED)
    database.close()
    engine = make_engine(database_url, foreign_keys=False)  # as alflow upgrades
    before = counts(engine)
    for revision, step in (("0010_reserve", command.downgrade), ("head", command.upgrade)):
        with engine.begin() as connection:
            step(schema.config(connection), revision)
        assert counts(engine) == before
    engine.dispose()
    database = Database.open(database_url)
    with database.read() as tx:
        assert projects.by_id(tx, world.project.id) == world.project
    database.close()
