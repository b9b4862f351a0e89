"""The whole database as one file, copied while it is used, and back into an empty one.

SQLite copies by its online backup, in one step: one snapshot, and writers go on. PostgreSQL's own `pg_dump` and
`pg_restore` do the same there.
"""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from glob import escape
from pathlib import Path
from typing import Final
from uuid import uuid4

from sqlalchemy import inspect
from sqlalchemy.engine import URL, make_url

from alflow.disk import in_words
from alflow.errors import ConflictError, InvalidInputError, UnavailableError
from alflow.leftovers import sweep
from alflow.private import make_private, private_file
from alflow.store import schema
from alflow.store.engines import make_engine, make_reader
from alflow.store.failing import reachable

FILES: Final = {"sqlite": "alflow.db", "postgresql": "alflow.dump"}
"""Kind of database -> name of its copy."""

_PART: Final = ".tmp"


def kind_of(url: str) -> str:
    """`sqlite` or `postgresql`."""
    return "sqlite" if url.startswith("sqlite") else "postgresql"


def dump(url: str, path: Path) -> str:
    """Copy the database to a new file of mode 0600; returns the revision of its schema.

    Raises:
        UnavailableError: it cannot be reached or read, or `pg_dump` is not there or fails.
        InvalidInputError: the database is damaged.
        NotFoundError: there is none.
    """
    engine = make_reader(url)
    private_file(path)
    with reachable(engine):
        with engine.connect() as connection:
            found = str(schema.revision(connection))
        if kind_of(url) == "postgresql":
            _run("pg_dump", engine.url, "--format=custom", "--no-owner", "--no-privileges", f"--file={path}")
            return found
        with engine.connect() as connection, closing(sqlite3.connect(path)) as copy:
            source = connection.connection.driver_connection
            if isinstance(source, sqlite3.Connection):
                source.rollback()
                source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
    check_copy(path)
    return found


def check_copy(path: Path) -> None:
    """Let SQLite look for damage in a copy.

    Raises:
        InvalidInputError: there is some.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as copy:
            (said,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        said = str(error)
    if said != "ok":
        raise InvalidInputError(f"the database is damaged ({said}): bring it back from an earlier backup")


def require_empty(url: str) -> None:
    """Look whether a database can be restored there.

    Raises:
        ConflictError: there is one.
        UnavailableError: PostgreSQL cannot be reached.
    """
    if kind_of(url) == "sqlite":
        path = _file_of(url)
        if path.exists():
            raise ConflictError(_there(path))
        return
    engine = make_engine(url)
    with reachable(engine), engine.connect() as connection:
        if inspect(connection).get_table_names():
            where = engine.url.render_as_string(hide_password=True)
            raise ConflictError(f"the database {where} is not empty: name an empty one, nothing is overwritten")


def restore(url: str, path: Path) -> None:
    """Bring a copy back into an empty database; it is there whole, or not at all.

    Raises:
        ConflictError: it is not empty.
        InvalidInputError: the copy is damaged.
        UnavailableError: it cannot be written, or `pg_restore` is not there or fails.
    """
    require_empty(url)
    if kind_of(url) == "postgresql":
        _run("pg_restore", make_engine(url).url, "--no-owner", "--exit-on-error", "--single-transaction", str(path))
        return
    check_copy(path)
    target = _file_of(url)
    make_private(target.parent)
    sweep(target.parent, f"{escape(target.name)}.*{_PART}")
    part = target.with_name(f"{target.name}.{uuid4().hex}{_PART}")
    private_file(part)
    try:
        shutil.copyfile(path, part)
        os.link(part, target)  # unlike a rename, it replaces no database that came meanwhile
    except FileExistsError as error:
        raise ConflictError(_there(target)) from error
    except OSError as error:
        raise UnavailableError(in_words(error, str(target))) from error
    finally:
        part.unlink(missing_ok=True)


def _there(path: Path) -> str:
    return f"there is a database {path}: name another home, nothing is overwritten"


def _file_of(url: str) -> Path:
    return Path(str(make_url(url).database))


def _run(program: str, url: URL, *options: str) -> None:
    """Run a program of PostgreSQL; the password goes by the environment, which others cannot read.

    Raises:
        UnavailableError: it is not there, or fails.
    """
    if (found := shutil.which(program)) is None:
        raise UnavailableError(f"a PostgreSQL database needs `{program}`: install PostgreSQL's client programs")
    where = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    environment = os.environ | ({"PGPASSWORD": url.password} if url.password else {})
    ended = subprocess.run(
        [found, f"--dbname={where}", *options], env=environment, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        said = " ".join(ended.stderr.split()) or f"exit code {ended.returncode}"
        raise UnavailableError(f"{program} failed: {said}")
