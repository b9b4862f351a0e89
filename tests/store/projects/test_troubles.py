from datetime import UTC, datetime, timedelta

from alflow.domain.projects import ProjectSettings, Trouble
from alflow.store.database import Database
from alflow.store.projects import projects, troubles

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


def test_failures_in_a_row_are_one_trouble_until_a_success(database: Database) -> None:
    with database.begin() as tx:
        mine, other = (projects.create(tx, name, "demo", "float32", ProjectSettings()).id for name in ("a", "b"))
        assert troubles.of_project(tx, mine) is None
        troubles.record(tx, mine, "the disk is full", NOW)
        troubles.record(tx, mine, "the folder is gone \0", LATER)
        assert troubles.of_project(tx, mine) == Trouble("the folder is gone \\0", 2, NOW, LATER)
        assert troubles.of_project(tx, other) is None
        troubles.clear(tx, mine)
        assert troubles.of_project(tx, mine) is None
        troubles.record(tx, mine, "again", LATER)
        assert troubles.of_project(tx, mine) == Trouble("again", 1, LATER, LATER)


def test_the_last_look_of_the_schedule(database: Database) -> None:
    with database.begin() as tx:
        mine, other = (projects.create(tx, name, "demo", "float32", ProjectSettings()).id for name in ("a", "b"))
        assert troubles.last_look(tx) is None
        troubles.look(tx, mine, NOW)
        troubles.look(tx, other, LATER)
        assert (troubles.last_look(tx, mine), troubles.last_look(tx)) == (NOW, LATER)
        troubles.look(tx, mine, LATER)
        assert troubles.last_look(tx, mine) == LATER
