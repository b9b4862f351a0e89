import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from alflow.commands.processes import Service, Supervisor, answers, free_port, only_one, stop_on_signals
from alflow.errors import ConflictError, UnavailableError

MakeService = Callable[[str], Service]


@pytest.fixture
def service(tmp_path: Path) -> MakeService:
    """A Python program that says where its marker file goes; ready once it made the file."""

    def make(program: str) -> Service:
        marker = tmp_path / f"ready-{time.monotonic_ns()}"
        code = f"import pathlib, sys, time\nready = pathlib.Path({str(marker)!r}).touch\n{program}"
        return Service(
            "the probe", (sys.executable, "-c", code), dict(os.environ), tmp_path / "probe.log", marker.exists
        )

    return make


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")  # an orphan may stay a zombie where nobody reaps it
    return not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_what_a_service_started_ends_with_it(service: MakeService, tmp_path: Path) -> None:
    child = tmp_path / "child"
    program = (
        "import subprocess\n"
        "started = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"pathlib.Path({str(child)!r}).write_text(str(started.pid))\nready()\ntime.sleep(60)"
    )
    with Supervisor() as supervisor:
        supervisor.start(service(program))
        supervisor.wait()
        pid = int(child.read_text())
        assert alive(pid)
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(pid)


def test_a_service_that_dies_while_starting_is_named_with_its_last_words(service: MakeService) -> None:
    with Supervisor() as supervisor:
        supervisor.start(service("print('no luck', flush=True); sys.exit(3)"))
        with pytest.raises(UnavailableError, match="the probe ended with exit code 3: no luck"):
            supervisor.wait()


def test_a_service_that_dies_later_stops_the_watch_and_the_others(service: MakeService) -> None:
    with Supervisor() as supervisor:
        supervisor.start(service("ready(); time.sleep(60)"))
        supervisor.wait()
        supervisor.start(service("ready(); time.sleep(0.5); sys.exit(4)"))
        supervisor.wait()
        first = supervisor._running[0][1]
        with pytest.raises(UnavailableError, match="exit code 4"):
            supervisor.watch()
    assert first.poll() is not None


def test_sigterm_ends_the_watch_and_the_old_handler_comes_back(service: MakeService) -> None:
    before = signal.getsignal(signal.SIGTERM)
    stopping = threading.Event()
    with stop_on_signals(stopping), Supervisor(stopping) as supervisor:
        supervisor.start(service("ready(); time.sleep(60)"))
        supervisor.wait()
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
        supervisor.watch()
    assert stopping.is_set()
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_service_that_ignores_sigterm_is_killed(service: MakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alflow.commands.processes._GRACE_SECONDS", 0.5)
    with Supervisor() as supervisor:
        supervisor.start(
            service("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); ready(); time.sleep(60)")
        )
        supervisor.wait()
        process = supervisor._running[0][1]
    assert process.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_services_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, sys\n"
        "from alflow.commands.processes import Service, Supervisor\n"
        f"pid = pathlib.Path({str(tmp_path / 'pid')!r})\n"
        "code = f'import os, pathlib, time; pathlib.Path({str(pid)!r}).write_text(str(os.getpid())); time.sleep(60)'\n"
        "ready = lambda: pid.exists() and pid.read_text() != ''\n"
        f"log = pathlib.Path({str(tmp_path / 'log')!r})\n"
        "supervisor = Supervisor()\n"
        "supervisor.start(Service('probe', (sys.executable, '-c', code), dict(os.environ), log, ready))\n"
        "supervisor.wait()\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=False, timeout=30)
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(pid)


def test_a_lock_is_held_by_one_process_and_names_it(tmp_path: Path) -> None:
    lock = tmp_path / "up.lock"
    with only_one(lock, "alflow up"):
        again = only_one(lock, "alflow up")
        with pytest.raises(ConflictError, match=f"alflow up is already running .process {os.getpid()}"):
            again.__enter__()
    with only_one(lock, "alflow up"):
        assert lock.read_text() == str(os.getpid())


def test_a_port_in_use_gives_way_to_the_next_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < free_port("127.0.0.1", port) < port + 50
        with pytest.raises(UnavailableError, match="no free port"):
            free_port("127.0.0.1", port, tries=1)


def test_only_a_200_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/health" else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    assert answers("127.0.0.1", server.server_port, "/health")
    assert not answers("127.0.0.1", server.server_port, "/other")
    server.shutdown()
    server.server_close()
    assert not answers("127.0.0.1", server.server_port, "/health")
