"""Engines for SQLite and PostgreSQL whose transactions behave alike, and what they say when the database fails.

SQLite: write-ahead log; a writing transaction takes the write lock at its start (BEGIN IMMEDIATE), so that it waits
for it, 30 s at most, instead of failing half-way. Readers have connections of their own, which refuse to write: to
switch one connection to and fro would make SQLite forget every statement it has prepared. PostgreSQL: READ COMMITTED.
"""

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DataError,
    NoSuchModuleError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import NullPool

from alflow.disk import check_writable, in_words
from alflow.errors import InvalidInputError, NotFoundError, UnavailableError
from alflow.private import make_private, private_file

BUSY_SECONDS: Final = 30
_LOOK_SECONDS: Final = 0.01
_OF_THE_DISK: Final = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR)
_REMEDIES: Final = {
    sqlite3.SQLITE_FULL: "free some space there, and it goes on",
    sqlite3.SQLITE_READONLY: "let the user who runs alflow write there, and it goes on",
    sqlite3.SQLITE_CANTOPEN: "look whether its folder is there, has room and may be written",
    sqlite3.SQLITE_IOERR: "look whether its disk is there, and has room",
    sqlite3.SQLITE_BUSY: "another process holds it: wait for that one, or end it",
    sqlite3.SQLITE_CORRUPT: "bring the file back from a copy",
    sqlite3.SQLITE_NOTADB: "this is no database, or it is damaged: bring the file back from a copy",
}
_NO_RIGHT: Final = "42501"
_READ_ONLY: Final = "25006"
_ACCOUNT: Final = "set the user and the password in ALFLOW_DATABASE_URL"
_ROOM: Final = "end other programs that use the server, or raise its limit of connections (max_connections)"
_ADDRESS: Final = "look whether the server runs, and at its address in ALFLOW_DATABASE_URL"
_OF_SERVERS: Final = {  # by what a server says, or by its code (SQLSTATE) where it gives one
    _NO_RIGHT: "use the user who owns the tables, or grant all rights on tables and sequences to this one",
    _READ_ONLY: "this server takes no writes: name the one that does in ALFLOW_DATABASE_URL",
    "3F000": "make the schema, or name it in the search_path of the user",
    "42P01": "bring the database back from a backup",
    "42703": "bring the database back from a backup",
    "42883": "bring the database back from a backup",
    "53100": "make room on the disk of the server, and it goes on",
    "XX001": "bring the database back from a backup",
    "XX002": "rebuild the index on the server (REINDEX), or bring the database back from a backup",
    "too many": _ROOM,
    "connection slots": _ROOM,
    "password": _ACCOUNT,
    'role "': _ACCOUNT,
    "pg_hba.conf": _ACCOUNT,
    'database "': "make that database, or name another one in ALFLOW_DATABASE_URL",
    "refused": _ADDRESS,
    "No such file": _ADDRESS,
    "resolve": _ADDRESS,
    "timeout": _ADDRESS,
}


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


def shown(url: URL) -> str:
    """The address of a database for messages: no password, and no file that was opened as a URL."""
    return _plain(url).render_as_string(hide_password=True)


def _plain(url: URL) -> URL:
    name = str(url.database)
    return url.set(database=unquote(urlsplit(name).path), query={}) if name.startswith("file:") else url


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


@contextmanager
def reachable(engine: Engine) -> Iterator[None]:
    """Turn failures of the database itself into errors that a person can act on; integrity errors pass through.

    Raises:
        UnavailableError: the database itself failed.
        InvalidInputError: a number or a text that no database can store; to retry is of no use.
        DatabaseError: something else did.
    """
    where = shown(engine.url)
    try:
        yield
    except (PoolTimeoutError, TimeoutError) as error:
        raise UnavailableError(f"the database {where} is too busy: {error}") from error
    except (DataError, OverflowError, UnicodeEncodeError) as error:
        cause = error.orig if isinstance(error, DataError) else error
        raise InvalidInputError(f"the database cannot keep a number or a text that it was given: {cause}") from error
    except DatabaseError as error:
        state = getattr(error.orig, "sqlstate", None)
        if isinstance(error, ProgrammingError) and state is None and engine.dialect.name == "postgresql":
            raise InvalidInputError(f"ALFLOW_DATABASE_URL cannot be used: {error.orig}") from error
        refuses_by_itself = state == _READ_ONLY and engine.get_execution_options().get("postgresql_readonly")
        if type(error) not in {DatabaseError, OperationalError} and (state not in _OF_SERVERS or refuses_by_itself):
            raise
        raise UnavailableError(_in_words(engine.url, error.orig)) from error


def _in_words(url: URL, error: BaseException | None) -> str:
    """What the database says, with the remedy if the disk or another process is the cause."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the kind, without the particulars
    said, remedy = (str(error).strip().splitlines() or [""])[0], _REMEDIES.get(code, "")
    does = "does not answer"
    if url.get_backend_name() == "postgresql":
        state = str(getattr(error, "sqlstate", ""))
        remedy = next((each for known, each in _OF_SERVERS.items() if known == state or known in said), "")
        does = "refuses that" if state in {_NO_RIGHT, _READ_ONLY} else does
    if code in _OF_THE_DISK:
        try:
            check_path(url)
        except UnavailableError as found:
            said, remedy = str(found), ""
    return f"the database {shown(url)} {does}: {said}{remedy and '; '}{remedy}"


def check_rights(connection: Connection) -> None:
    """Check that a server takes what this user writes.

    Raises:
        UnavailableError: it is a standby, or the user may not write.
    """
    may_insert = (
        "SELECT bool_and(has_table_privilege(name, 'INSERT')) FROM unnest(ARRAY['item', 'label', 'round']) name"
    )
    for asked, state in (("SELECT NOT pg_is_in_recovery()", _READ_ONLY), (may_insert, _NO_RIGHT)):
        if not connection.exec_driver_sql(asked).scalar_one():
            where = shown(connection.engine.url)
            raise UnavailableError(f"the database {where} cannot be written: {_OF_SERVERS[state]}")


def check_path(url: URL) -> None:
    """Check that a SQLite file could be written now.

    Raises:
        UnavailableError: its disk is full, or it may not be written.
    """
    path = Path(str(_plain(url).database))
    check_writable(path.parent)  # the position of its write-ahead log
    check_writable(path)
