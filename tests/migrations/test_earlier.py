"""Databases from before the first schema: a dump of the demo as it was then must open with every row.

It holds the two projects of the demo, cut down to some images, and one of two photos; accounts, a round with votes,
a page of the grid, checks, a decision, an answer taken back, a back-test, and files that could not be used.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DatabaseError

from alflow.errors import UnavailableError
from alflow.settings import Settings
from alflow.store import schema, tables
from alflow.store.answers import history
from alflow.store.database import Database
from alflow.store.desk import labels
from alflow.store.engines import make_engine
from alflow.store.images import failures, items
from alflow.workflow.answers.audit import check_history
from alflow.workflow.answers.export import export_labels
from alflow.workflow.projects.projects import find_project
from alflow.workflow.rounds.review import overview
from alflow.workspace import Workspace
from tests.earlier import fill

pytestmark = pytest.mark.slow

HEAD = ScriptDirectory.from_config(schema.config()).get_current_head()
NEWER = {
    "embed_claim",
    "accepted",
    "asked_run",
    "certificate",
    "api_token",
    "channel",
    "message",
    "own_desk",
    "deleted_project",
    "run",
    "reasons",
    "seen_hint",
    "slice",
    "slice_item",
    "slice_evaluation",
    "watch",
    "watched_file",
}
"""Tables that came after the first schema; empty in a database from before it."""
ASKED = 1
"""An image of the dump about which somebody answered."""


@pytest.fixture
def earlier_url(empty_url: str) -> str:
    """The URL of the demo's database at 0007."""
    fill(empty_url)
    return empty_url


@pytest.fixture
def engine(earlier_url: str) -> Iterator[Engine]:
    """To look into that database past the store."""
    engine = make_engine(earlier_url)
    yield engine
    engine.dispose()


def rows(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, but for the version."""
    with engine.connect() as connection:
        names = set(inspect(connection).get_table_names()) - {"alflow_version"}
        return {
            name: [dict(row) for row in connection.execute(text(f'SELECT * FROM "{name}" ORDER BY 1, 2')).mappings()]
            for name in names
        }


def shape(connection: Connection) -> dict[str, Any]:
    """What autogenerate does not compare: checks, conditions of indexes, what rows go with, triggers, numbering."""
    look = inspect(connection)
    found: dict[str, Any] = {}
    for name in sorted(tables.metadata.tables):
        found[name] = (
            sorted((one["name"], _plain(one["sqltext"])) for one in look.get_check_constraints(name)),
            sorted(
                (one["name"], one["column_names"], one["unique"], str(_where(one))) for one in look.get_indexes(name)
            ),
            sorted((str(one["name"]), str(one["options"])) for one in look.get_foreign_keys(name)),
            sorted((one["name"], one["nullable"], str(one["default"])) for one in look.get_columns(name)),
        )
    if connection.dialect.name == "postgresql":
        triggers = "SELECT tgname || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
    else:
        triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger' OR sql LIKE '%AUTOINCREMENT%'"
    found["triggers"] = sorted(connection.execute(text(triggers)).scalars())
    return found


def _plain(condition: str) -> str:
    """Without the casts that PostgreSQL writes out in a dump."""
    return re.sub(r"::[a-z ]+(\[\])?|[()]", "", condition)


def _where(index: Any) -> list[str]:
    return [str(value) for name, value in index.get("dialect_options", {}).items() if name.endswith("_where")]


def test_it_says_which_command_opens_it(earlier_url: str) -> None:
    with pytest.raises(UnavailableError, match="older alflow: run `alflow db upgrade`"):
        Database.open(earlier_url)
    assert Database.upgrade(earlier_url) == HEAD
    assert Database.upgrade(earlier_url) == HEAD
    Database.open(earlier_url).close()


def test_every_row_is_kept(earlier_url: str, engine: Engine) -> None:
    before = rows(engine)
    Database.upgrade(earlier_url)
    after = rows(engine)
    new = {name for name in after if name not in before} - NEWER
    assert new == {"embed_failure", "trouble", "look", "item_count"}
    assert not any(after.pop(name) for name in NEWER)
    counted = Counter((row["project_id"], row["split"]) for row in after["item"])
    assert {(row["project_id"], row["split"]): row["count"] for row in after.pop("item_count")} == counted
    (waiting,) = after.pop("embed_failure")
    gone = [row for row in before["rejection"] if row["reason"].startswith("not embedded: ")]
    assert [row["reason"] for row in gone] == [f"not embedded: {waiting['reason']}"]
    before["rejection"] = [row for row in before["rejection"] if row not in gone]
    assert [row.pop("name") for row in before["class_label"]][-2] == "cafe\u0301"
    assert [row.pop("name") for row in after["class_label"]][-2] == "caf\u00e9"
    for name, was in before.items():
        for row in after[name]:  # columns that came since say nothing of the rows there were
            assert {row.pop(column) for column in row.keys() - was[0].keys()} <= {None, "", "active"}
    assert [row["settings"] for row in after["project"]] != [row["settings"] for row in before["project"]]
    for was, row in zip(before["project"], after["project"], strict=True):
        settings = [
            json.loads(one["settings"]) if isinstance(one["settings"], str) else one["settings"] for one in (was, row)
        ]
        assert settings[0].pop("tau") * 327_680 == settings[1].pop("pretraining_weight")
        was["settings"] = row["settings"] = settings[0]
        assert settings[0] == settings[1]
    assert after == before | {"trouble": [], "look": []}
    assert all(before[name] for name in before)  # the dump has rows of every table


def test_it_has_the_first_schema(earlier_url: str) -> None:
    Database.upgrade(earlier_url)
    engine = make_engine(earlier_url, foreign_keys=False)  # as alflow upgrades
    with engine.begin() as connection:
        context = MigrationContext.configure(
            connection, opts=schema.MIGRATION_OPTIONS | {"compare_server_default": True}
        )
        assert compare_metadata(context, tables.metadata) == []
        came = shape(connection)
        command.downgrade(schema.config(connection), "base")
        command.upgrade(schema.config(connection), "head")
        assert came == shape(connection)
    engine.dispose()


def test_people_work_on_in_it(earlier_url: str, tmp_path: Path) -> None:
    Database.upgrade(earlier_url)
    workspace = Workspace.open(Settings(home=tmp_path, database_url=earlier_url))
    for name in ("demo", "demo-history", "Straßen & Brücken"):
        project = find_project(workspace, name)
        assert overview(workspace, project.id).project == project
        assert check_history(workspace, project.id) == []
    assert [one.reason for one in overview(workspace, project.id).not_embedded] == ["the file does not exist"]
    assert export_labels(workspace, find_project(workspace, "demo-history").id, str(tmp_path / "labels.csv")) == 11
    written = (tmp_path / "labels.csv").read_text(encoding="utf-8")
    assert "Ada Łovelace" in written
    assert "李 博" in written
    workspace.database.close()


def test_its_history_goes_on_and_stays_as_it_is_written(earlier_url: str) -> None:
    Database.upgrade(earlier_url)
    database = Database.open(earlier_url)
    with database.begin() as tx:
        label = next(one for one in labels.of_item(tx, ASKED) if one.withdrawn_at is None)
        known = history.of_item(tx, ASKED)
        labels.withdraw(tx, label.id, datetime.now(UTC), why="wrong")
        *before, newest = history.of_item(tx, ASKED)
    assert before == known
    assert newest.after is not None
    assert newest.after["withdrawn_why"] == "wrong"
    for statement in ("DELETE FROM label_history", "UPDATE screen SET content = '{}'", "UPDATE label SET id = 777"):
        with pytest.raises(DatabaseError, match=r"written once|keeps its id"), database.begin() as tx:
            tx.execute(text(statement))
    database.close()


def test_names_of_classes_get_one_form_and_rounds_room_for_a_combined_strategy(
    earlier_url: str, engine: Engine
) -> None:
    apart, joined = "cafe\u0301", "caf\u00e9"
    with engine.begin() as tx:
        tx.exec_driver_sql(
            "INSERT INTO class_label (id, project_id, name, display_name, prompts, position) VALUES"
            f" (901, 1, '{apart}', 'a', '[]', 90), (902, 1, 'tea', 'b', '[]', 91),"
            f" (903, 2, '{apart}', 'c', '[]', 90), (904, 2, '{joined}', 'd', '[]', 91)"
        )
    Database.upgrade(earlier_url)
    with engine.begin() as tx:
        names = tx.execute(text("SELECT name FROM class_label WHERE id > 900 ORDER BY id")).scalars().all()
        assert names == [joined, "tea", apart, joined]  # none takes the name of another
        tx.execute(text("UPDATE round SET strategy = :text"), {"text": "x" * 500})


def test_images_that_were_not_embedded_become_due_and_leave_the_list_of_rejected_files(
    earlier_url: str, engine: Engine
) -> None:
    at = "2026-01-02 03:04:05"
    with engine.begin() as tx:
        tx.exec_driver_sql(
            "INSERT INTO item (id, project_id, content_hash, uri, split, width, height) VALUES"
            " (901, 1, 'old', '/a', 'pool', 1, 1), (902, 1, 'new', '/a', 'pool', 1, 1),"
            " (903, 1, 'b', '/b', 'pool', 1, 1), (904, 2, 'old', '/a', 'pool', 1, 1)"
        )
        tx.execute(
            text(
                "INSERT INTO rejection (id, project_id, uri, reason, at) VALUES"
                f" (901, 1, '/a', 'not embedded: it is away', '{at}'), (902, 1, '/c', 'the file is empty', '{at}')"
            )
        )
    Database.upgrade(earlier_url)
    with engine.connect() as tx:
        waiting = failures.of_project(tx, 1)
        assert [(one.item_id, one.reason) for one in waiting] == [(901, "it is away"), (902, "it is away")]
        assert all(one.next_at < datetime.now(UTC) for one in waiting)
        assert failures.of_project(tx, 2) == []
        assert [(one.uri, one.reason) for one in items.rejections(tx, 1)] == [("/c", "the file is empty")]


TABLES_OF_0008 = (
    "CREATE TABLE embed_failure (item_id INTEGER PRIMARY KEY, reason TEXT, attempts INTEGER, at TIMESTAMP,"
    " next_at TIMESTAMP)",
    "CREATE TABLE trouble (project_id INTEGER PRIMARY KEY, message TEXT)",
    "CREATE TABLE look (project_id INTEGER PRIMARY KEY, at TIMESTAMP)",
    "INSERT INTO look VALUES (1, '2026-01-02')",
    "UPDATE alflow_version SET version_num = '0008'",
)


def test_0008_gets_the_rest_of_the_way(earlier_url: str, engine: Engine) -> None:
    with engine.begin() as tx:
        for statement in TABLES_OF_0008:
            tx.exec_driver_sql(statement)
    assert Database.upgrade(earlier_url) == HEAD
    found = rows(engine)
    assert len(found["look"]) == 1
    assert found["class_label"][-2]["name"] == "caf\u00e9"


def test_0009_was_the_first_schema_by_another_name(database_url: str) -> None:
    engine = make_engine(database_url)
    with engine.begin() as tx:
        before = shape(tx)
        command.downgrade(schema.config(tx), "0001_first_schema")
        tx.exec_driver_sql("UPDATE alflow_version SET version_num = '0009'")
    assert Database.upgrade(database_url) == HEAD
    with engine.connect() as tx:
        assert shape(tx) == before
    engine.dispose()


@pytest.mark.parametrize("revision", ["0001", "0005b", "0006"])
@pytest.mark.parametrize("open_", [Database.open, Database.upgrade])
def test_what_is_too_early_says_so_and_stays_as_it_is(
    earlier_url: str, engine: Engine, revision: str, open_: Callable[[str], object]
) -> None:
    with engine.begin() as tx:
        tx.exec_driver_sql(f"UPDATE alflow_version SET version_num = '{revision}'")
    before = rows(engine)
    with pytest.raises(UnavailableError, match=rf"early alflow \(revision {revision}\).*export its labels with that"):
        open_(earlier_url)
    assert rows(engine) == before
