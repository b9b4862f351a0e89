"""One real Prefect server for all tests of flows: the same command line that `alflow up` starts."""

from collections.abc import Iterator

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

from alflow.commands.processes import Supervisor, free_port
from alflow.commands.up import services
from alflow.settings import Settings


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A running Prefect server, and this process as its client; yields the settings it was started with."""
    settings = Settings(home=tmp_path_factory.mktemp("prefect"), prefect_port=free_port("127.0.0.1", 14200))
    server, *_ = services(settings)
    url = server.environment["PREFECT_API_URL"]
    with Supervisor() as supervisor:
        supervisor.start(server)
        with temporary_settings({PREFECT_API_URL: url, PREFECT_HOME: settings.home / "prefect"}):
            yield settings
