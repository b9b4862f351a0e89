"""One real Prefect server for all tests of flows, started as `alflow up` starts it, and a small project for each."""

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, PREFECT_HOME, temporary_settings
from prefect.utilities.asyncutils import run_coro_as_sync

from alflow.commands.ports import free_port
from alflow.commands.processes import Supervisor
from alflow.commands.up import services
from alflow.settings import Settings
from alflow.workspace import Workspace
from tests import colours


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A running Prefect server, and this process as its client; yields the settings it was started with."""
    settings = Settings(home=tmp_path_factory.mktemp("prefect"), prefect_port=free_port("127.0.0.1", 14200))
    server, *_ = services(settings)
    client = {
        PREFECT_API_URL: server.environment["PREFECT_API_URL"],
        PREFECT_API_AUTH_STRING: server.environment["PREFECT_API_AUTH_STRING"],
        PREFECT_HOME: settings.home / "prefect",
    }
    with Supervisor() as supervisor:
        supervisor.start(server)
        assert supervisor.wait()
        with temporary_settings(client):
            yield settings
            run_coro_as_sync(_drain())  # logs and events that come after the server would be waited for in vain


async def _drain() -> None:
    for drained in (APILogWorker.drain_all(), EventsWorker.drain_all()):
        if inspect.isawaitable(drained):
            await drained


@pytest.fixture
def project(prefect_server: Settings, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of a project in a workspace that the flows find by their environment; nothing embedded yet."""
    settings = workspace.settings.model_copy(update={"prefect_port": prefect_server.prefect_port})
    for name, value in settings.as_environment().items():
        monkeypatch.setenv(name, value)
    _free_slots()
    return colours.colour_project(workspace, tmp_path).name


def _free_slots() -> None:
    """Each test's first project has number 1: a run that was killed with another test holds its slot for a minute."""
    with get_client(sync_client=True) as client:
        for limit in client.read_global_concurrency_limits(limit=200):
            client.delete_global_concurrency_limit_by_name(limit.name)
