"""What the database itself keeps: a history that no statement changes, whoever sends it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from alflow.domain.answers import Verdict
from alflow.store import schema
from alflow.store.answers import history
from alflow.store.database import Database
from alflow.store.desk import labels
from alflow.store.desk.labels import NewLabel
from tests.queues import World, open_queue


def answer(world: World, token: str = "t", rank: int = 0) -> NewLabel:
    candidate = world.candidates[rank]
    return NewLabel(
        project_id=world.project.id,
        item_id=candidate.item_id,
        candidate_id=candidate.id,
        round_id=world.round.id,
        annotator_id=world.annotators[0].id,
        verdict=Verdict.CLASS,
        class_id=world.classes[0].id,
        at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        seconds=1.5,
        token=token,
        shown={"image": "/images/1/1/rendition"},
    )


@pytest.fixture
def world(database: Database) -> World:
    """Two items, the first of them labelled, and a screen."""
    world = open_queue(database, 2)
    with database.begin() as tx:
        labels.submit(tx, answer(world))
        history.add_screen(tx, "a" * 64, {"page": "label"})
    return world


REFUSED = [
    "UPDATE label_history SET operation = 'nothing'",
    "UPDATE label_history SET after = NULL WHERE label_id = 1",
    "DELETE FROM label_history",
    "DELETE FROM label_history WHERE id = 1",
    "INSERT INTO label_history (label_id, project_id, item_id, operation, at) SELECT 1, 1, 1, 'delete', at FROM label",
    "UPDATE screen SET content = '{}'",
    "DELETE FROM screen",
    "UPDATE label SET id = 77",
]
ON_SQLITE = [
    "INSERT OR REPLACE INTO label_history SELECT id, label_id, project_id, item_id, operation, at, before, '{}'"
    " FROM label_history",
    "INSERT OR REPLACE INTO screen SELECT hash, '{}', at FROM screen",
    "INSERT OR REPLACE INTO label SELECT * FROM label",
    "UPDATE OR REPLACE label SET token = 't' WHERE token = 'other'",
]
ON_POSTGRESQL = ["TRUNCATE label_history", "TRUNCATE screen", "TRUNCATE label CASCADE"]


def test_no_statement_changes_what_was_written(database: Database, world: World) -> None:
    with database.begin() as tx:
        labels.submit(tx, answer(world, "other", 1))
        dialect = tx.dialect.name
        before = history.newest(tx, world.project.id, 9)
    for statement in REFUSED + (ON_SQLITE if dialect == "sqlite" else ON_POSTGRESQL):
        with (
            pytest.raises(DatabaseError, match=r"written once|only a change of a label|keeps its id|never replaced"),
            database.begin() as tx,
        ):
            tx.execute(text(statement))
    with database.read() as tx:
        assert history.newest(tx, world.project.id, 9) == before
        assert len(before) == 2
        assert history.screens(tx, {"a" * 64}) == {"a" * 64: {"page": "label"}}


def test_the_history_outlives_what_it_is_about(database: Database, world: World) -> None:
    with database.begin() as tx:
        tx.execute(text("DELETE FROM label"))
        tx.execute(text("DELETE FROM candidate"))
        tx.execute(text("DELETE FROM project"))
    with database.read() as tx:
        given, deleted = history.of_item(tx, world.items[0].id)
    assert (given.operation, deleted.operation) == ("insert", "delete")
    assert deleted.before == given.after
    assert deleted.after is None
    assert (given.project_id, given.item_id) == (world.project.id, world.items[0].id)


NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"


def upgrade():
    rebuilt = "always" if op.get_bind().dialect.name == "sqlite" else "never"
    with op.batch_alter_table("label", recreate=rebuilt, table_kwargs={{"sqlite_autoincrement": True}}) as table:
        table.add_column(sa.Column("remark", sa.Text()))
"""


def test_a_migration_that_rebuilds_the_labels_keeps_the_triggers(
    database: Database, world: World, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite triggers go with the table they stand on, and know the columns it had."""
    database.close()
    versions = tmp_path / "migrations" / "versions"
    _copy(schema._MIGRATIONS, tmp_path / "migrations")
    (versions / "9999_next.py").write_text(NEXT.format(head=Database.upgrade(database_url)))
    monkeypatch.setattr(schema, "_MIGRATIONS", tmp_path / "migrations")
    Database.upgrade(database_url)
    with database.begin() as tx:
        tx.execute(text("UPDATE label SET remark = 'blurred'"))
        assert history.of_item(tx, world.items[0].id)[-1].after["remark"] == "blurred"  # type: ignore[index]
    with pytest.raises(DatabaseError, match="written once"), database.begin() as tx:
        tx.execute(text("DELETE FROM label_history"))


def _copy(source: Path, target: Path) -> None:
    from shutil import copytree, ignore_patterns

    copytree(source, target, ignore=ignore_patterns("__pycache__"))
