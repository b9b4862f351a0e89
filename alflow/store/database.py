"""The database: one way to write (`begin`) and one way to read (`read`).

How transactions begin, wait and see one snapshot is in `alflow.store.engines`. What must not change between two
statements on PostgreSQL is locked by row.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DatabaseError

from alflow.errors import NotFoundError
from alflow.store import schema
from alflow.store.engines import BUSY_SECONDS, is_missing, make_engine, make_reader, reader
from alflow.store.failing import check_path, check_rights, reachable, shown
from alflow.store.fair_lock import Turns

Transaction = Connection
"""What the functions of the store work on; opened by `Database.begin` or `Database.read`, opaque to everyone else."""

_LOCK_SECONDS: Final = 5


def _any() -> None:
    """Any new database is welcome."""


@dataclass(frozen=True)
class Database:
    """A database whose schema is of this version of alflow; safe to share between threads, not across a fork."""

    _engine: Engine = field(repr=False)
    _reader: Engine = field(repr=False)
    _turns: Turns = field(default_factory=Turns, repr=False)

    @classmethod
    def open(cls, url: str, check_new: Callable[[], None] = _any) -> Self:
        """Connect; an empty database gets the schema, for a SQLite file the parent folder is made too.

        Args:
            url: `sqlite:///path` or `postgresql+psycopg://...` (`postgresql://` is read as that).
            check_new: raises where none should be made: it is asked while there is none, or an empty one.

        Raises:
            UnavailableError: no connection, or the schema is older or newer than this alflow.
        """
        if is_missing(url):
            check_new()
        engine = make_engine(url)
        with reachable(engine):
            with engine.connect() as connection:
                found = schema.revision(connection)
            if found is None:
                check_new()
                _migrate(engine.url)
            else:
                schema.check(found, engine.url)
        return cls(engine, reader(engine))

    @classmethod
    def open_to_read(cls, url: str) -> Self:
        """Connect to a database that is there, to read only: nothing is made, migrated, locked or kept open.

        Raises:
            NotFoundError: there is no such file, or it holds no alflow yet.
            UnavailableError: no connection, or the schema is older or newer than this alflow.
        """
        engine = make_reader(url)
        with reachable(engine), engine.connect() as connection:
            found = schema.revision(connection)
        if found is None:
            raise NotFoundError(f"the database {shown(engine.url)} holds no project: make one with `alflow init`")
        schema.check(found, make_url(url))
        return cls(engine, engine)

    @classmethod
    def upgrade(cls, url: str, check_new: Callable[[], None] = _any) -> str:
        """Bring the schema to this version of alflow (`alflow db upgrade`) and return its revision; idempotent.

        One that is not there is made, as `open` does.

        Raises:
            UnavailableError: no connection, or the schema is newer than this alflow.
        """
        if is_missing(url):
            check_new()
        engine = make_engine(url)
        with reachable(engine):
            with engine.connect() as connection:
                if schema.revision(connection) is None:
                    check_new()
            return _migrate(engine.url)

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """One writing transaction: committed at the end of the block, rolled back when it raises.

        Raises:
            UnavailableError: the database is gone, or was locked by others for too long.
            InvalidInputError: a number or a text that no database can store.
        """
        turn = self._turns.turn(BUSY_SECONDS) if self._engine.dialect.name == "sqlite" else nullcontext()
        with reachable(self._engine), turn, self._engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """One snapshot to read from: never waits for writers, refuses to write.

        Raises:
            UnavailableError: the database is gone.
            InvalidInputError: a number or a text that no database can search for.
        """
        with reachable(self._reader), self._reader.begin() as connection:
            yield connection

    def check_writable(self) -> None:
        """Check quickly whether a write would succeed now; of a server, whether it takes any from this user.

        Raises:
            UnavailableError: the disk of the SQLite file is full, or it may not be written; or the server does not.
        """
        self.check_file(self._engine.url)
        if self._engine.dialect.name == "postgresql":
            with reachable(self._engine), self._engine.connect() as connection:
                check_rights(connection)

    @staticmethod
    def check_file(url: str | URL) -> None:
        """`check_writable` of the database with this URL, which need not be open.

        Raises:
            UnavailableError: the disk of the SQLite file is full, or it may not be written.
        """
        if (parsed := make_url(url)).get_backend_name() == "sqlite":
            check_path(parsed)

    def revision(self) -> str | None:
        """The revision of the schema.

        Raises:
            UnavailableError: the database is gone.
        """
        with self.read() as tx:
            return schema.revision(tx)

    def complaints(self) -> list[str]:
        """What SQLite finds wrong with its file, at most a few things; a server looks after its own.

        Raises:
            UnavailableError: the database is gone, or so damaged that it cannot be read.
        """
        if self._engine.dialect.name != "sqlite":
            return []
        with self.read() as tx:
            found = [str(row[0]) for row in tx.exec_driver_sql("PRAGMA quick_check(3)")]
        return [] if found == ["ok"] else found

    def clock(self) -> datetime | None:
        """The time by the clock of the server; None for SQLite, which has none of its own.

        Raises:
            UnavailableError: the database is gone.
        """
        if self._engine.dialect.name == "sqlite":
            return None
        with self.read() as tx:
            now: datetime = tx.execute(text("SELECT clock_timestamp()")).scalar_one()
        return now

    def rewrite(self, names: Sequence[str]) -> bool:
        """Rewrite these tables (for SQLite the whole file), without the remains of deleted rows.

        Returns whether that could be done now: it waits only some seconds for others who use them.
        """
        try:
            if self._engine.dialect.name == "sqlite":
                with self._turns.turn(BUSY_SECONDS), closing(self._engine.raw_connection()) as connection:
                    cursor = connection.cursor()
                    cursor.execute("VACUUM")
                    busy, *_ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                    return not busy
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text(f"SET lock_timeout = '{_LOCK_SECONDS}s'"))
                try:
                    for name in names:
                        connection.execute(text(f"VACUUM (FULL) {name}"))
                finally:
                    connection.execute(text("RESET lock_timeout"))
        except (DatabaseError, sqlite3.Error, TimeoutError):
            return False
        return True

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()
        self._reader.dispose()


def _migrate(url: URL) -> str:
    engine = make_engine(url, foreign_keys=False)  # rebuilding a table on SQLite would empty those that refer to it
    try:
        return schema.migrate(engine)
    finally:
        engine.dispose()
