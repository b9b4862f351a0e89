"""What the database itself keeps: a history that no statement changes, whoever sends it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import inspect, text
from sqlalchemy.exc import DatabaseError

from alflow.domain import Verdict
from alflow.store import database as module
from alflow.store.answers import history
from alflow.store.database import Database, make_engine
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
    "INSERT OR REPLACE INTO label_history SELECT id, label_id, operation, at, before, '{}', project_id, item_id"
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
    with op.batch_alter_table("label", recreate="always", table_kwargs={{"sqlite_autoincrement": True}}) as table:
        table.add_column(sa.Column("remark", sa.Text()))
"""


def test_a_migration_that_rebuilds_the_labels_keeps_the_triggers(
    database: Database, world: World, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite triggers go with the table they stand on, and know the columns it had."""
    database.close()
    versions = tmp_path / "migrations" / "versions"
    _copy(module._MIGRATIONS, tmp_path / "migrations")
    (versions / "9999_next.py").write_text(NEXT.format(head=module._migrate(make_engine(database_url).url)))
    monkeypatch.setattr(module, "_MIGRATIONS", tmp_path / "migrations")
    Database.upgrade(database_url)
    with database.begin() as tx:
        tx.execute(text("UPDATE label SET remark = 'blurred'"))
        assert history.of_item(tx, world.items[0].id)[-1].after["remark"] == "blurred"  # type: ignore[index]
    with pytest.raises(DatabaseError, match="written once"), database.begin() as tx:
        tx.execute(text("DELETE FROM label_history"))


def test_an_older_database_keeps_its_labels_and_their_history(empty_url: str) -> None:
    engine = make_engine(empty_url, foreign_keys=False)
    with engine.begin() as connection:
        command.upgrade(module._config(connection), "0002")
        for statement in OLDER:
            connection.execute(text(statement))
    Database.upgrade(empty_url)
    with engine.begin() as connection:
        assert [row.operation for row in history.of_item(connection, 5)] == ["insert", "update"]
        assert connection.execute(text("SELECT origin, score, answers FROM candidate")).one() == ("control", None, 1)
        (label,) = labels.of_item(connection, 5)
        assert (label.token, label.shown, label.withdrawn_by) == ("t", {"key": "c"}, None)
        labels.withdraw(connection, label.id, datetime.now(UTC), why="wrong")
        assert history.of_item(connection, 5)[-1].after["withdrawn_why"] == "wrong"  # type: ignore[index]
    with engine.begin() as connection:
        command.downgrade(module._config(connection), "0002")
        assert "screen" not in inspect(connection).get_table_names()
        connection.execute(text("UPDATE label SET seconds = 9"))
        assert connection.execute(text("SELECT count(*) FROM label_history")).scalar() == 4
    engine.dispose()


OLDER = [
    "INSERT INTO project (id, name, model, precision, settings, created_at)"
    " VALUES (1, 'p', 'demo', 'fp32', '{}', '2026-01-01')",
    "INSERT INTO class_label (id, project_id, name, display_name, prompts, position)"
    " VALUES (3, 1, 'cat', 'Cat', '[]', 0)",
    "INSERT INTO item (id, project_id, content_hash, uri, split, width, height) VALUES (5, 1, 'h', 'u', 'pool', 1, 1)",
    "INSERT INTO annotator (id, name) VALUES (2, 'ada')",
    "INSERT INTO round (id, project_id, number, state, strategy, budget, seed, configuration, hashes, opened_at)"
    " VALUES (4, 1, 1, 'open', 'default', 1, 0, '{}', '{}', '2026-01-01')",
    "INSERT INTO candidate (id, round_id, item_id, rank, origin, predicted_class_id, probabilities, epistemic,"
    " aleatoric, votes_needed, answers) VALUES (6, 4, 5, 0, 'control', 3, '{}', 0.1, 0.2, 1, 1)",
    "INSERT INTO label (id, project_id, item_id, candidate_id, round_id, annotator_id, verdict, class_id, at, seconds,"
    " token, shown) VALUES (7, 1, 5, 6, 4, 2, 'class', 3, '2026-01-01 00:00:00.000000', 1.5, 't', '{\"key\": \"c\"}')",
    "UPDATE label SET seconds = 2.5",
]


def _copy(source: Path, target: Path) -> None:
    from shutil import copytree, ignore_patterns

    copytree(source, target, ignore=ignore_patterns("__pycache__"))
