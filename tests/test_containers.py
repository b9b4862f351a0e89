"""Every command of `Dockerfile` and `compose.yaml` is run here, in their order and with their variables."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest
from sqlalchemy import URL

from alflow.commands import clock
from alflow.settings import Settings
from tests import containers, postgres
from tests.containers import Container
from tests.tiny import write_model
from tests.web import free_port, http

GIVEN = {"DATABASE_PASSWORD": "secret-of-the-database", "PREFECT_PASSWORD": "secret-of-prefect"}
PATIENCE_S = 180


@pytest.fixture
def file() -> dict[str, Any]:
    return containers.compose(GIVEN)


def test_the_dockerfile_is_as_its_linter_wants_it() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    if not linter.exists():
        pytest.skip("no hadolint: it comes with the extra dev, on Linux")
    told = subprocess.run([linter, containers.ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (0, "")


@pytest.mark.parametrize("name", GIVEN)
def test_a_secret_has_no_default(name: str) -> None:
    with pytest.raises(KeyError, match=name):
        containers.compose({other: value for other, value in GIVEN.items() if other != name})


def test_nothing_of_ours_is_root_writes_elsewhere_or_is_without_bounds(file: dict[str, Any]) -> None:
    image = containers.image()
    assert int(image.user) > 0
    assert [*image.entrypoint, *image.command] == ["alflow", "up"]  # which tests/commands/test_up.py runs
    for name, service in file["services"].items():
        assert service["mem_limit"], name
        if service["image"] == containers.OURS:
            assert (service["read_only"], service["cap_drop"], "ports" in service) == (True, ["ALL"], False), name
    assert [name for name, service in file["services"].items() if "ports" in service] == ["proxy"]


def test_prefects_server_is_kept_as_alflow_up_keeps_it(file: dict[str, Any], tmp_path: Path) -> None:
    ours = clock.server_environment(Settings(home=tmp_path))
    of_a_place = {"PREFECT_HOME", "PREFECT_API_URL", "PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING"}
    told = file["services"]["prefect"]["environment"]
    for name in ours.keys() - of_a_place - {"PREFECT_SERVER_CORS_ALLOWED_ORIGINS"}:  # no page reaches it
        assert told.get(name) == ours[name], name


@pytest.mark.slow
@pytest.mark.prefect
@pytest.mark.postgres
def test_all_of_it_runs_in_its_order(file: dict[str, Any], stage: "Stage") -> None:
    """Migrations, an owner, Prefect's server on PostgreSQL, schedule, pages: each is healthy by its own test."""
    assert file["configs"]["prefect-database"]["content"].strip() == "CREATE DATABASE prefect;"
    *parts, by_hand = sorted(containers.containers(file), key=lambda each: each.asked_for)
    before = [each for each in parts if by_hand.after.get(each.name) == "service_completed_successfully"]
    assert [each.name for each in before] == ["migrate"]
    for each in before:
        stage.run(each)
    model = write_model(stage.folder / "model")
    stage.run(by_hand, "init", "birds", "-c", "robin", "-c", "wren", "--model", model)
    stage.run(by_hand, "people", "add", "Ada", "--role", "owner", "--all-projects", "--password-stdin")
    for each in parts:
        if each not in before:
            stage.start(each)
    address = f"http://127.0.0.1:{stage.port}"
    _wait("the schedule to look", lambda: http(f"{address}/health")[0] == 200)
    assert http(f"{address}/sign-in")[0] == 200
    assert http(f"{stage.prefect}/api/flows/count", method="POST", body=b"{}")[0] == 401
    proxy = file["services"]["proxy"]["command"]
    assert proxy[-1] == "pages:8501"
    assert proxy[proxy.index("--from") + 1] == file["services"]["pages"]["environment"]["ALFLOW_PUBLIC_URL"]


@dataclass
class Stage:
    """This machine in the place of the containers: their hosts, ports and folders are other ones here."""

    folder: Path
    database: URL
    prefect_database: URL
    port: int = field(default_factory=free_port)
    prefect_port: int = field(default_factory=free_port)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def prefect(self) -> str:
        return f"http://127.0.0.1:{self.prefect_port}"

    def run(self, container: Container, *words: str) -> None:
        """To its end; `words` in the place of its command."""
        command = [*containers.image().entrypoint, *words] if words else container.command
        with self._log(container) as log:
            done = subprocess.run(
                self._here(command), env=self._environment(container), input=b"correct horse battery\n",
                stdout=log, stderr=log, cwd=self.folder, check=False,
            )  # fmt: skip
        assert done.returncode == 0, self._said(container)

    def start(self, container: Container) -> None:
        """Until it is healthy by its own test."""
        environment = self._environment(container)
        with self._log(container) as log:
            process = subprocess.Popen(
                self._here(container.command), env=environment, stdout=log, stderr=log, cwd=self.folder
            )
        self.running.append(process)

        def is_healthy() -> bool:
            assert process.poll() is None, self._said(container)
            test = self._here(container.health)
            return subprocess.run(test, env=environment, stderr=subprocess.DEVNULL, check=False).returncode == 0

        _wait(f"{container.name} to be healthy", is_healthy)

    def stop(self) -> None:
        for process in reversed(self.running):
            process.terminate()
        for process in self.running:
            process.wait(60)

    def _here(self, words: list[str]) -> list[str]:
        return [self._said_here(each) for each in words]

    def _environment(self, container: Container) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ALFLOW_", "PREFECT_"))}
        ours = {name: self._said_here(str(value)) for name, value in container.environment.items() if name != "PATH"}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        ports = {"ALFLOW_PORT": str(self.port), "PREFECT_SERVER_API_PORT": str(self.prefect_port)}
        return inherited | ours | ports | {"PATH": path}

    def _said_here(self, text: str) -> str:
        for there, here in {
            f"postgresql+psycopg://alflow:{GIVEN['DATABASE_PASSWORD']}@database/alflow": _url(self.database),
            f"postgresql+asyncpg://alflow:{GIVEN['DATABASE_PASSWORD']}@database/prefect": _url(self.prefect_database),
            "http://prefect:4200": self.prefect,
            "http://127.0.0.1:4200": self.prefect,
            "127.0.0.1:8501": f"127.0.0.1:{self.port}",
            "0.0.0.0": "127.0.0.1",
            "/tmp/serving": str(self.folder / "serving"),
            "/data": str(self.folder / "data"),
        }.items():
            text = text.replace(there, here)
        return text

    def _log(self, container: Container) -> IO[bytes]:
        return (self.folder / f"{container.name}.log").open("ab")

    def _said(self, container: Container) -> str:
        return f"{container.name}: {(self.folder / f'{container.name}.log').read_text()[-3000:]}"


@pytest.fixture
def stage(tmp_path: Path, postgres_server: URL) -> Iterator[Stage]:
    with postgres.new_database(postgres_server) as one, postgres.new_database(postgres_server) as other:
        made = Stage(tmp_path, one, other.set(drivername="postgresql+asyncpg"))
        yield made
        made.stop()


def _url(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def _wait(what: str, is_so: Any) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.3)
