import json
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, select, text

from alflow.domain.answers import Verdict
from alflow.errors import UnavailableError
from alflow.store import schema, tables
from alflow.store.database import Database
from alflow.store.desk import labels
from alflow.store.desk.labels import NewLabel
from alflow.store.engines import make_engine
from alflow.workspace import Workspace
from tests.queues import World, open_queue

HEAD = str(ScriptDirectory.from_config(schema.config()).get_current_head())
NEXT = f"""
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{HEAD}"


def upgrade():
    with op.batch_alter_table("item") as table:
        table.add_column(sa.Column("note", sa.Text()))
        table.alter_column("uri", new_column_name="address")


def downgrade():
    with op.batch_alter_table("item") as table:
        table.drop_column("note")
        table.alter_column("address", new_column_name="uri")
"""


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The alflow after this one: a migration more, which rebuilds a table that others refer to."""
    shutil.copytree(schema._MIGRATIONS, tmp_path / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "migrations" / "versions" / "9999_next.py").write_text(NEXT)
    monkeypatch.setattr(schema, "_MIGRATIONS", tmp_path / "migrations")


def migrate(engine: Engine, revision: str) -> None:
    step = command.downgrade if revision == "base" else command.upgrade
    with engine.begin() as connection:
        step(schema.config(connection), revision)


def test_the_migrated_schema_is_the_one_of_the_tables(database_url: str) -> None:
    engine = make_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts=schema.MIGRATION_OPTIONS | {"compare_server_default": True}
        )
        assert compare_metadata(context, tables.metadata) == []
    engine.dispose()


def test_both_databases_check_the_words(database_url: str) -> None:
    engine = make_engine(database_url)
    with engine.connect() as connection:
        found = {
            one["name"] for name in tables.metadata.tables for one in inspect(connection).get_check_constraints(name)
        }
    engine.dispose()
    assert found == {
        "ck_project_projectstate",
        "ck_run_step",
        "ck_asked_run_wish",
        "ck_item_count_split",
        "ck_item_split",
        "ck_round_roundstate",
        "ck_candidate_origin",
        "ck_candidate_person_of_origin",
        "ck_reasons_aim",
        "ck_label_verdict",
        "ck_label_class_of_verdict",
        "ck_label_proposal",
        "ck_trial_trialmode",
        "ck_membership_role",
        "ck_api_token_scope",
        "ck_message_event",
        "ck_invitation_role",
        "ck_invitation_role_of_project",
        "ck_watch_split",
        "ck_watched_file_filestate",
    }


def test_no_id_is_used_twice_on_sqlite(workspace: Workspace) -> None:
    """SQLite forgets this of a table that a migration rebuilds, unless it is told again."""
    engine = make_engine(workspace.settings.database)
    with engine.connect() as connection:
        made = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'")).tuples().all()
    engine.dispose()
    wanted = {
        name for name, table in tables.metadata.tables.items() if table.dialect_options["sqlite"]["autoincrement"]
    }
    assert {name for name, sql in made if "AUTOINCREMENT" in sql} == wanted


@pytest.mark.slow
def test_down_and_up_again(empty_url: str) -> None:
    engine = make_engine(empty_url)
    migrate(engine, "head")
    migrate(engine, "base")
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["alflow_version"]
        if engine.dialect.name == "postgresql":
            left = text("SELECT count(*) FROM pg_proc WHERE proname LIKE 'alflow%'")
            assert connection.execute(left).scalar() == 0
    migrate(engine, "head")
    engine.dispose()
    Database.open(empty_url).close()


@pytest.mark.usefixtures("next_version")
def test_an_older_schema_names_the_command_that_upgrades_it(database_url: str) -> None:
    with pytest.raises(UnavailableError, match="older alflow: run `alflow db upgrade`"):
        Database.open(database_url)
    assert Database.upgrade(database_url) == "9999"
    Database.open(database_url).close()


SETTINGS = {
    '{"tau": 10.0, "budget": 5}': {"pretraining_weight": 3_276_800.0, "budget": 5},
    '{"tau": 0.5}': {"pretraining_weight": 163_840.0},
    '{"tau": 1000000}': {"pretraining_weight": 327_680_000_000},
    '{"tau": 1e308}': {"pretraining_weight": sys.float_info.max},
    '{"tau": null}': {"pretraining_weight": None},
    '{"seed": 3}': {"seed": 3},
}


def numbers(settings: dict[str, float | None]) -> dict[str, float | None]:
    """PostgreSQL gives a number without a fraction back as a whole one."""
    return {name: None if value is None else float(value) for name, value in settings.items()}


@pytest.mark.slow
def test_the_tau_of_a_project_becomes_the_weight_of_its_pretraining_and_back(database_url: str) -> None:
    engine, read = make_engine(database_url), select(tables.project.c.settings).order_by(tables.project.c.id)
    add = (
        "INSERT INTO project (name, model, precision, settings, created_at) VALUES (:name, 'demo', 'fp32', :json, :at)"
    )
    with engine.begin() as tx:
        command.downgrade(schema.config(tx), "0002_parts")
        for number, settings in enumerate(SETTINGS):
            tx.execute(text(add), {"name": f"{number}", "json": settings, "at": datetime.now(UTC)})
        command.upgrade(schema.config(tx), "head")
        assert [numbers(one) for one in tx.execute(read).scalars()] == list(SETTINGS.values())
        command.downgrade(schema.config(tx), "0002_parts")
        back = tx.execute(read).scalars().all()
    engine.dispose()
    assert back[:3] == [{"tau": 10.0, "budget": 5}, {"tau": 0.5}, {"tau": 1_000_000}]
    assert back[4:] == [{"tau": None}, {"seed": 3}]


def test_rebuilding_a_table_loses_none_of_the_rows_that_refer_to_it(
    database: Database, database_url: str, request: pytest.FixtureRequest
) -> None:
    open_queue(database, 3)
    database.close()
    request.getfixturevalue("next_version")
    Database.upgrade(database_url)
    with database.begin() as tx:
        assert tx.execute(text("SELECT count(*) FROM candidate JOIN item ON item.id = item_id")).scalar() == 3


@pytest.mark.usefixtures("next_version")
def test_a_migration_that_fails_leaves_everything_as_it_was(database_url: str, tmp_path: Path) -> None:
    following = tmp_path / "migrations" / "versions" / "9999_next.py"
    following.write_text(NEXT.replace("def downgrade", "    raise RuntimeError('half-way')\n\n\ndef downgrade"))
    with pytest.raises(RuntimeError, match="half-way"):
        Database.upgrade(database_url)
    engine = make_engine(database_url)
    with engine.connect() as connection:
        assert "note" not in {column["name"] for column in inspect(connection).get_columns("item")}
        assert connection.execute(text("SELECT version_num FROM alflow_version")).scalar() == HEAD
    engine.dispose()


def answer(world: World, token: str) -> NewLabel:
    candidate, at = world.candidates[0], datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return NewLabel(
        project_id=world.project.id,
        item_id=candidate.item_id,
        candidate_id=candidate.id,
        round_id=world.round.id,
        annotator_id=world.annotators[0].id,
        verdict=Verdict.CLASS,
        class_id=world.classes[0].id,
        at=at,
        seconds=1.5,
        token=token,
        shown={"suggestion": None, "classes": ["Cat", 'a "dog"']},
    )


def history(database: Database) -> list[dict[str, Any]]:
    table = tables.label_history
    with database.read() as tx:
        return [dict(row) for row in tx.execute(select(table).order_by(table.c.id)).mappings()]


def test_history_holds_every_column_of_every_change(database: Database) -> None:
    world = open_queue(database, 1)
    before = datetime.now(UTC) - timedelta(seconds=1)
    with database.begin() as tx:
        label = labels.submit(tx, answer(world, "t"))
    with database.begin() as tx:
        labels.withdraw(tx, label.id, datetime.now(UTC))
    with database.begin() as tx:
        tx.execute(tables.label.delete())
    inserted, updated, deleted = history(database)
    columns = {column.name for column in tables.label.columns}
    assert [row["operation"] for row in (inserted, updated, deleted)] == ["insert", "update", "delete"]
    assert all(row["label_id"] == label.id for row in (inserted, updated, deleted))
    assert all(before < row["at"] <= datetime.now(UTC) + timedelta(seconds=1) for row in (inserted, updated, deleted))
    assert inserted["before"] is None
    assert inserted["after"].keys() == columns
    assert updated["before"] == inserted["after"]
    assert updated["before"]["withdrawn_at"] is None
    assert updated["after"]["withdrawn_at"] is not None
    assert deleted["before"] == updated["after"]
    assert deleted["after"] is None
    assert inserted["after"]["shown"] == {"suggestion": None, "classes": ["Cat", 'a "dog"']}
    assert inserted["after"]["seconds"] == 1.5


def test_a_change_behind_the_back_of_alflow_is_in_the_history_too(database: Database) -> None:
    world = open_queue(database, 1)
    with database.begin() as tx:
        labels.submit(tx, answer(world, "t"))
    with database.begin() as tx:
        tx.execute(text("UPDATE label SET class_id = :other"), {"other": world.classes[1].id})
    assert [json.dumps(row["after"]["class_id"]) for row in history(database)] == [str(one.id) for one in world.classes]


def test_what_is_rolled_back_has_no_history(database: Database) -> None:
    world = open_queue(database, 1)

    def fail() -> None:
        with database.begin() as tx:
            labels.submit(tx, answer(world, "t"))
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        fail()
    assert history(database) == []
