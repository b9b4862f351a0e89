"""What databases say when they fail, in a line with the remedy.

By the code of SQLite, or what a PostgreSQL server says, or its code (SQLSTATE) where it gives one.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, DataError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from alflow.disk import check_writable
from alflow.errors import InvalidInputError, UnavailableError

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
_BACKUP: Final = "bring the database back from a backup"
_ACCOUNT: Final = "set the user and the password in ALFLOW_DATABASE_URL"
_ROOM: Final = "end other programs that use the server, or raise its limit of connections (max_connections)"
_ADDRESS: Final = "look whether the server runs, and at its address in ALFLOW_DATABASE_URL"
_OF_SERVERS: Final = {
    _NO_RIGHT: "use the user who owns the tables, or grant all rights on tables and sequences to this one",
    _READ_ONLY: "this server takes no writes: name the one that does in ALFLOW_DATABASE_URL",
    "3F000": "make the schema, or name it in the search_path of the user",
    "42P01": _BACKUP,
    "42703": _BACKUP,
    "42883": _BACKUP,
    "53100": "make room on the disk of the server, and it goes on",
    "XX001": _BACKUP,
    "XX002": f"rebuild the index on the server (REINDEX), or {_BACKUP}",
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


def shown(url: URL) -> str:
    """The address of a database for messages: no password, and no file that was opened as a URL."""
    return _plain(url).render_as_string(hide_password=True)


def _plain(url: URL) -> URL:
    name = str(url.database)
    return url.set(database=unquote(urlsplit(name).path), query={}) if name.startswith("file:") else url
