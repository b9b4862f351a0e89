"""Engines for SQLite and PostgreSQL whose transactions behave alike.

SQLite: write-ahead log; a writing transaction takes the write lock at its start (BEGIN IMMEDIATE), so that it waits
for it, 30 s at most, instead of failing half-way. Readers have connections of their own, which refuse to write: to
switch one connection to and fro would make SQLite forget every statement it has prepared. PostgreSQL: READ COMMITTED.
"""

import json
import os
import sqlite3
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from alflow.disk import in_words
from alflow.errors import InvalidInputError, NotFoundError, UnavailableError
from alflow.private import make_private, private_file
from alflow.store.failing import shown

BUSY_SECONDS: Final = 30
_LOOK_SECONDS: Final = 0.01


def make_engine(url: str | URL, *, foreign_keys: bool = True) -> Engine:
    """An engine whose transactions behave alike on SQLite and PostgreSQL; migrations run without foreign keys.

    Raises:
        InvalidInputError: no URL of SQLite or PostgreSQL, or a SQLite database in memory (it has no second reader).
        UnavailableError: the driver is not installed, or the file or its folder cannot be made.
    """
    try:
        parsed = make_url(url)
        if parsed.drivername in {"postgresql", "postgres"}:
            parsed = parsed.set(drivername="postgresql+psycopg")
        dialect = parsed.get_backend_name()
        if dialect == "sqlite":
            return _sqlite(parsed, foreign_keys=foreign_keys)
        if dialect == "postgresql":
            return _postgresql(parsed)
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise InvalidInputError(
            f"ALFLOW_DATABASE_URL is no database URL ({error}): sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"
        ) from error
    except ModuleNotFoundError as error:
        raise UnavailableError("PostgreSQL needs its driver: pip install 'alflow[postgres]'") from error
    raise InvalidInputError(f"alflow keeps its rows in SQLite or PostgreSQL, not in {dialect}")


_to_json = partial(json.dumps, allow_nan=False, ensure_ascii=False)


def _from_json(stored: str) -> Any:
    try:
        return json.loads(stored)
    except ValueError as error:  # nobody wrote that: a page of the file changed
        raise UnavailableError(f"the database holds a damaged row ({error}): bring it back from a backup") from error


_JSON: Final = {"json_serializer": _to_json, "json_deserializer": _from_json}


def is_missing(url: str) -> bool:
    """Whether this names a SQLite file that is not there."""
    return url.startswith("sqlite:") and not os.path.exists(str(make_url(url).database))  # noqa: PTH110 - may be forbidden


def reader(engine: Engine) -> Engine:
    """An engine for the same database whose transactions see one snapshot and refuse to write."""
    if engine.dialect.name == "sqlite":
        return _sqlite(engine.url, read_only=True)
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def make_reader(url: str) -> Engine:
    """An engine that only reads a database which is there: it makes and changes nothing, and keeps no connection.

    The system itself opens a SQLite file to read only. Two files that SQLite needs to read beside writers, `-wal` and
    `-shm`, may appear next to it.

    Raises:
        InvalidInputError: no URL of SQLite or PostgreSQL.
        NotFoundError: there is no such file.
        UnavailableError: the driver is not installed.
    """
    if not url.startswith("sqlite:"):
        engine = create_engine(make_engine(url).url, poolclass=NullPool, **_JSON)
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    given = make_url(url)
    path = Path(str(given.database)).absolute()
    if not path.is_file():
        raise NotFoundError(f"there is no database {path}: name the home of your projects (`home=`, or ALFLOW_HOME)")
    to_read = given.set(database=path.as_uri(), query={"mode": "ro", "uri": "true"})
    engine = create_engine(to_read, poolclass=NullPool, connect_args={"timeout": BUSY_SECONDS}, **_JSON)

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions: `_begin` does

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _postgresql(url: URL) -> Engine:
    engine = create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20, **_JSON)
    if engine.dialect.is_async:
        raise InvalidInputError(f"alflow cannot use the driver of {url.drivername}: take postgresql+psycopg://")
    return engine


def _sqlite(url: URL, *, foreign_keys: bool = True, read_only: bool = False) -> Engine:
    if url.database in {None, "", ":memory:"}:
        raise InvalidInputError("give SQLite a file, as in sqlite:////data/alflow.db: memory cannot be shared")
    if not str(url.database).startswith("file:"):  # SQLite gives its log beside the file the same mode
        path = Path(str(url.database))
        make_private(path.parent)
        private_file(path)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, **_JSON)

    @event.listens_for(engine, "do_connect")
    def _look(*_: Any) -> None:
        _file(url)  # SQLite would make a new one

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions: `_begin` does
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
        connection.execute(f"PRAGMA query_only = {'ON' if read_only else 'OFF'}")
        record.info["file"] = _file(url)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.info["file"] != _file(url):
            connection.invalidate()
            raise UnavailableError(f"{shown(url)} is another file than it was: try again, which opens it anew")
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _file(url: URL) -> tuple[int, int] | None:
    """Which file of the disk that is: what is written to one that was deleted or moved is lost.

    Raises:
        UnavailableError: it is gone.
    """
    if str(url.database).startswith("file:"):
        return None
    try:
        found = Path(str(url.database)).stat()
    except OSError as error:
        raise UnavailableError(f"{in_words(error, f'the database {url.database}', 'read')}: bring it back") from error
    return found.st_dev, found.st_ino


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Use the write-ahead log. A new database is switched to it once; SQLite waits for no lock in that one case.

    Raises:
        OperationalError: the database is locked for too long, or is not a database.
    """
    latest = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > latest:
                raise
            time.sleep(_LOOK_SECONDS)
        else:
            return
