import multiprocessing
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from alflow.domain.projects import ProjectSettings
from alflow.errors import AlflowError, InvalidInputError, UnavailableError
from alflow.store import database as module
from alflow.store import engines, tables
from alflow.store.database import Database
from alflow.store.people import annotators
from alflow.store.projects import projects
from tests import postgres


def names(database: Database) -> list[str]:
    with database.read() as tx:
        return [one.name for one in annotators.all_(tx)]


@pytest.mark.slow
def test_an_empty_database_gets_the_schema_and_keeps_its_rows(empty_url: str) -> None:
    first = Database.open(empty_url)
    with first.begin() as tx:
        annotators.get_or_create(tx, "ada")
    first.close()
    again = Database.open(empty_url)
    assert names(again) == ["ada"]
    again.close()


def test_the_folder_of_a_sqlite_file_is_made(tmp_path: Path) -> None:
    Database.open(f"sqlite:///{tmp_path / 'a' / 'b' / 'alflow.db'}").close()
    assert (tmp_path / "a" / "b" / "alflow.db").exists()


def test_sqlite_is_set_up_for_many_readers_and_one_waiting_writer(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'alflow.db'}")
    with database.begin() as tx:
        pragmas = ("journal_mode", "busy_timeout", "foreign_keys", "synchronous")
        assert [tx.execute(text(f"PRAGMA {name}")).scalar() for name in pragmas] == ["wal", 30_000, 1, 1]
    database.close()


def test_a_block_that_raises_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.begin() as tx:
            annotators.get_or_create(tx, "ada")
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        fail()
    assert names(database) == []


def test_a_reader_sees_one_moment_and_does_not_wait_for_a_writer(database: Database) -> None:
    with database.begin() as tx:
        annotators.get_or_create(tx, "ada")
    with database.read() as reader:
        assert [one.name for one in annotators.all_(reader)] == ["ada"]
        with database.begin() as tx:
            annotators.get_or_create(tx, "bob")
        assert [one.name for one in annotators.all_(reader)] == ["ada"]
    assert names(database) == ["ada", "bob"]


def test_a_reader_cannot_write_and_leaves_the_connection_as_it_was(database: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)read-?only"), database.read() as tx:
        annotators.get_or_create(tx, "ada")
    with database.begin() as tx:
        annotators.get_or_create(tx, "ada")
    assert names(database) == ["ada"]


def test_writers_wait_for_each_other(database: Database) -> None:
    with database.begin() as tx:
        project = projects.create(tx, "p", "demo", "float32", ProjectSettings(seed=0))

    def count_up(_: int) -> None:
        with database.begin() as tx:
            row = select(tables.project.c.settings).where(tables.project.c.id == project.id).with_for_update()
            seed = tx.execute(row).scalar_one()["seed"]
            projects.update_settings(tx, project.id, ProjectSettings(seed=seed + 1))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count_up, range(80)))
    with database.read() as tx:
        assert projects.by_id(tx, project.id).settings.seed == 80


def open_it(url: str) -> bool:
    Database.open(url).close()
    return True


@pytest.mark.slow
def test_processes_that_meet_at_an_empty_database_make_one_schema(empty_url: str) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert all(pool.map(open_it, [empty_url] * 12, chunksize=1))


def test_threads_that_meet_at_an_empty_database_make_one_schema(empty_url: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(open_it, [empty_url] * 6))


def revise(url: str, revision: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alflow_version SET version_num = :revision"), {"revision": revision})
    engine.dispose()


def test_a_newer_schema_is_refused_and_left_alone(database_url: str) -> None:
    revise(database_url, "9999")
    with pytest.raises(UnavailableError, match=r"newer alflow .*upgrade alflow"):
        Database.open(database_url)
    with pytest.raises(UnavailableError, match="newer alflow"):
        Database.upgrade(database_url)


def test_upgrade_makes_or_keeps_the_schema(empty_url: str) -> None:
    first = Database.upgrade(empty_url)
    assert Database.upgrade(empty_url) == first
    Database.open(empty_url).close()


def test_tables_of_somebody_else_are_not_touched(empty_url: str) -> None:
    engine = create_engine(empty_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE project (id INTEGER)"))
    engine.dispose()
    with pytest.raises(UnavailableError, match="did not make \\(project\\)"):
        Database.open(empty_url)


def test_alembic_of_somebody_else_may_live_in_the_same_database(empty_url: str) -> None:
    engine = create_engine(empty_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('theirs')"))
    engine.dispose()
    Database.open(empty_url).close()


@pytest.mark.parametrize(
    ("url", "error", "says"),
    [
        ("sqlite://", InvalidInputError, "give SQLite a file"),
        ("sqlite:///:memory:", InvalidInputError, "give SQLite a file"),
        ("not a url", InvalidInputError, "is no database URL"),
        ("mysql://host/db", InvalidInputError, "SQLite or PostgreSQL"),
        ("postgresql://alflow:secret@127.0.0.1:1/none", UnavailableError, "does not answer"),
    ],
)
def test_what_cannot_be_opened_says_why(url: str, error: type[AlflowError], says: str) -> None:
    with pytest.raises(error, match=says) as caught:
        Database.open(url)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "alflow.db").write_text(
        "these are notes, not rows, and there are more than a hundred bytes of it " * 20
    )
    with pytest.raises(UnavailableError, match="not a database"):
        Database.open(f"sqlite:///{tmp_path / 'alflow.db'}")


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnavailableError, match="cannot be made"):
        Database.open(f"sqlite:///{tmp_path / 'file' / 'alflow.db'}")


@pytest.mark.slow
def test_a_lock_held_for_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alflow.store.engines.BUSY_SECONDS", 0.05)
    database = Database.open(f"sqlite:///{tmp_path / 'alflow.db'}")
    other = sqlite3.connect(tmp_path / "alflow.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableError, match="locked"), database.begin():
        pass
    other.close()
    database.close()


def test_times_come_back_as_the_same_moment_in_utc(database: Database) -> None:
    moment = datetime(2026, 3, 1, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    table = tables.project
    row = {"name": "p", "model": "m", "precision": "float32", "settings": {}, "created_at": moment}
    with database.begin() as tx:
        tx.execute(table.insert().values(row))
        stored = tx.execute(select(table.c.created_at)).scalar_one()
        assert stored == moment
        assert stored.tzinfo is UTC
        assert tx.execute(select(table.c.id).where(table.c.created_at <= moment)).scalars().all()
        assert not tx.execute(select(table.c.id).where(table.c.created_at < moment)).scalars().all()


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    row = {"name": "p", "model": "m", "precision": "float32", "settings": {}}
    naive = datetime(2026, 3, 1)  # noqa: DTZ001
    with pytest.raises(StatementError, match="without a zone"), database.begin() as tx:
        tx.execute(tables.project.insert().values(row | {"created_at": naive}))


def test_broken_constraints_stay_what_they_are(database: Database) -> None:
    with pytest.raises(IntegrityError), database.begin() as tx:
        tx.execute(
            tables.class_label.insert().values(project_id=999, name="x", display_name="", prompts=[], position=0)
        )


@pytest.mark.parametrize("number", [2**63, 10**24, -(2**70)])
def test_a_number_that_no_database_keeps_is_what_was_given_not_a_failure(database: Database, number: int) -> None:
    with database.begin() as tx:
        annotators.get_or_create(tx, "ada")
    with pytest.raises(InvalidInputError, match="cannot keep"), database.begin() as tx:
        tx.execute(tables.annotator.update().values(id=number))


@pytest.mark.parametrize("name", ["a\ud800b", "\udfff"])
def test_a_text_that_no_database_keeps_is_what_was_given(database: Database, name: str) -> None:
    with pytest.raises(InvalidInputError, match="cannot keep"), database.begin() as tx:
        annotators.get_or_create(tx, name)


@pytest.mark.slow
def test_a_full_disk_is_named_with_what_to_do(small_disk: Path) -> None:
    database = Database.open(f"sqlite:///{small_disk}/alflow.db")
    (small_disk / "filler").write_bytes(bytes(shutil.disk_usage(small_disk).free // 4096 * 4096))

    def fill() -> None:
        with database.begin() as tx:
            for number in range(1000):
                projects.create(tx, f"{number}" * 50, "demo", "fp32", ProjectSettings())

    told = rf"alflow\.db does not answer: the disk is full: {small_disk}\S* cannot be written; free some space"
    with pytest.raises(UnavailableError, match=told):
        fill()
    with pytest.raises(UnavailableError, match="the disk is full"):
        database.check_writable()
    with pytest.raises(UnavailableError, match="the disk is full"):
        Database.open(f"sqlite:///{small_disk}/other.db")
    (small_disk / "filler").unlink()
    database.check_writable()
    with database.begin() as tx:
        projects.create(tx, "room", "demo", "fp32", ProjectSettings())
    database.close()


def test_a_read_only_disk_is_named_with_what_to_do(read_only_disk: Path) -> None:
    told = rf"the disk is read-only: the file {read_only_disk}/alflow.db cannot be made; let it be written"
    with pytest.raises(UnavailableError, match=told):
        Database.open(f"sqlite:///{read_only_disk}/alflow.db")


@pytest.mark.parametrize(
    ("bytes_", "told"), [(b"SQLite format 3\0" + b"\7" * 5000, "copy"), (b"nonsense" * 999, "this is no database")]
)
def test_a_damaged_database_is_named_with_what_to_do(tmp_path: Path, bytes_: bytes, told: str) -> None:
    (tmp_path / "alflow.db").write_bytes(bytes_)
    with pytest.raises(UnavailableError, match=rf"alflow\.db does not answer: [^\n]*{told}[^\n]*$"):
        Database.open(f"sqlite:///{tmp_path}/alflow.db")
    with pytest.raises(UnavailableError, match=rf"database sqlite:///{tmp_path}/alflow\.db does not answer"):
        Database.open_to_read(f"sqlite:///{tmp_path}/alflow.db")


def test_nothing_is_written_to_a_file_that_was_moved_or_replaced(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    database = Database.open(f"sqlite:///{tmp_path}/home/alflow.db")

    def write(name: str) -> None:
        with database.begin() as tx:
            annotators.get_or_create(tx, name)

    write("ada")
    assert names(database) == ["ada"]
    (tmp_path / "home").rename(tmp_path / "away")
    for use in (lambda: write("bob"), lambda: names(database)):
        with pytest.raises(
            UnavailableError, match=r"alflow\.db cannot be read: No such file or directory: bring it back"
        ):
            use()
    (tmp_path / "away").rename(tmp_path / "home")
    write("bob")
    shutil.copy(tmp_path / "home" / "alflow.db", tmp_path / "copy")
    (tmp_path / "copy").rename(tmp_path / "home" / "alflow.db")
    with pytest.raises(UnavailableError, match="is another file than it was"):
        write("eve")
    write("eve")
    assert "eve" in names(Database.open(f"sqlite:///{tmp_path}/home/alflow.db"))
    database.close()


def test_a_damaged_row_is_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/alflow.db"
    database = Database.open(url)
    with database.begin() as tx:
        projects.create(tx, "room", "demo", "fp32", ProjectSettings())
        tx.execute(text("UPDATE project SET settings = '{'"))
    for each in (database, Database.open_to_read(url)):
        with pytest.raises(UnavailableError, match=r"holds a damaged row \(.*\): bring it back"), each.read() as tx:
            projects.all_(tx)
    database.close()


def test_a_database_that_another_process_holds_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0.2)
    database = Database.open(f"sqlite:///{tmp_path}/alflow.db")
    other = sqlite3.connect(tmp_path / "alflow.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    def write() -> None:
        with database.begin():
            pass

    with pytest.raises(UnavailableError, match="database is locked; another process holds it: wait for that one"):
        write()
    other.close()
    write()
    database.close()


def test_a_table_in_use_is_not_written_anew_and_says_so(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And whoever writes next waits for others as long as before."""
    monkeypatch.setattr(module, "_LOCK_SECONDS", 0.1)
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0.1)
    database = Database.open(database_url)
    with database.begin() as other:
        annotators.get_or_create(other, "Ada")
    with database.read() as tx:
        assert annotators.all_(tx)
        assert not database.rewrite(["annotator"])
    with database.begin() as tx:
        if tx.dialect.name == "postgresql":
            assert tx.execute(text("SHOW lock_timeout")).scalar() == "0"
    assert database.rewrite(["annotator"])
    database.close()


@pytest.mark.postgres
@pytest.mark.slow
def test_what_a_server_refuses_is_one_line(postgres_server: URL) -> None:
    with postgres.new_database(postgres_server) as url:

        def check(query: dict[str, str]) -> None:
            Database.open(url.update_query_dict(query).render_as_string(hide_password=False)).check_writable()

        def refused(**query: str) -> str:
            with pytest.raises(AlflowError) as told:
                check(query)
            return str(told.value)

        check({})

        role = f"weak_{url.database}"
        owner = create_engine(url)
        with owner.begin() as tx:
            tx.execute(text(f"CREATE ROLE {role}"))
        try:
            as_weak = {"options": f"-c role={role}"}
            assert "refuses that: permission denied for table alflow_version; use the user who" in refused(**as_weak)
            with owner.begin() as tx:
                tx.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"))
            assert "cannot be written: use the user who owns the tables" in refused(**as_weak)
            assert refused(bogus="1").startswith("ALFLOW_DATABASE_URL cannot be used: ")
            with owner.begin() as tx:
                tx.execute(text("DROP TABLE adjudication CASCADE"))
            broken = Database.open(url.render_as_string(hide_password=False))
            with pytest.raises(UnavailableError, match=r"does not exist; bring the database back"), broken.read() as tx:
                tx.execute(text("SELECT * FROM adjudication"))
            broken.close()
        finally:
            with owner.begin() as tx:
                tx.execute(text(f"DROP OWNED BY {role}"))
                tx.execute(text(f"DROP ROLE {role}"))
            owner.dispose()
