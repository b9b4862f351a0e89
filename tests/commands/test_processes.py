import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from alflow.commands.ports import free_port
from alflow.commands.processes import Service, Supervisor, answers, only_one, stop_on_signals
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_what_runs_once_is_waited_for_and_not_started_again(service: MakeService, tmp_path: Path) -> None:
    done, looks = tmp_path / "done", list[bool]()
    once = replace(service(f"ready()\ntime.sleep(0.5)\npathlib.Path({str(done)!r}).touch()"), once=True)
    with Supervisor() as supervisor:
        supervisor.start(once)
        supervisor.start(service("ready()\ntime.sleep(60)"))
        assert supervisor.wait()
        assert supervisor.finish(lambda: looks.append(done.exists()))
        assert done.exists()
        assert looks
        assert len(supervisor._running) == 1


@pytest.mark.slow
def test_what_runs_once_and_fails_is_told(service: MakeService) -> None:
    fails = service("ready()\ntime.sleep(1)\nprint('no font', flush=True)\nsys.exit(1)")
    with Supervisor() as supervisor:
        supervisor.start(replace(fails, once=True))
        assert supervisor.wait()
        with pytest.raises(UnavailableError, match="the probe ended with exit code 1: no font"):
            supervisor.finish()


@pytest.mark.slow
def test_a_service_that_dies_later_is_started_again_and_the_others_go_on(
    service: MakeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alflow.commands.processes._WATCH_SECONDS", 0.05)
    starts, told = tmp_path / "starts", list[str]()
    program = f"open({str(starts)!r}, 'a').write('x'); ready(); time.sleep(0.2); sys.exit(4)"
    with Supervisor() as supervisor:
        supervisor.start(service("ready(); time.sleep(60)"))
        supervisor.start(service(program))
        assert supervisor.wait()
        first = supervisor._running[0].process
        supervisor.watch(lambda: supervisor.stopping.set() if len(told) >= 4 else None, told.append)
        assert first.poll() is None
    assert first.poll() is not None
    assert [re.sub(r" .see.*log.", "", line) for line in told] == [
        "the probe ended with exit code 4; it starts again in 1 s",
        "the probe was started again",
        "the probe ended with exit code 4; it starts again in 2 s",
        "the probe was started again",
    ]
    assert len(starts.read_text()) >= 2


@pytest.mark.slow
def test_a_service_that_is_killed_gets_its_socket_again(service: MakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alflow.commands.processes._WATCH_SECONDS", 0.05)
    port = free_port("127.0.0.1", 18660)
    program = (
        "import os, socket; served = socket.socket(fileno=int(sys.argv[1])); ready()\n"
        "while True: served.accept()[0].sendall(str(os.getpid()).encode())"
    )
    made = service(program)

    def asked() -> int:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            return int(connection.recv(10))

    with Supervisor() as supervisor:
        supervisor.start(replace(made, command=(*made.command, "{fd}"), listens=("127.0.0.1", port)))
        assert supervisor.wait()
        os.kill(before := asked(), signal.SIGKILL)
        supervisor.watch(tell=lambda words: supervisor.stopping.set() if "started again" in words else None)
        assert asked() != before


@pytest.mark.slow
def test_a_service_that_cannot_start_again_is_tried_again(
    service: MakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alflow.commands.processes._WATCH_SECONDS", 0.05)
    port, told = free_port("127.0.0.1", 18670), list[str]()
    made = service("import os; os.close(int(sys.argv[1])); ready(); sys.exit(3)")
    with Supervisor() as supervisor, socket.socket() as taken:
        supervisor.start(replace(made, command=(*made.command, "{fd}"), listens=("127.0.0.1", port)))
        supervisor._running[0].process.wait()

        def tell(words: str) -> None:
            told.append(words)
            if len(told) == 1:
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                taken.bind(("127.0.0.1", port))
                taken.listen()
            elif "did not start" in words:
                taken.close()
            else:
                supervisor.stopping.set()

        supervisor.watch(tell=tell)
    assert re.fullmatch(f"the probe did not start: port {port} .* it is tried again in 2 s", told[1])
    assert told[2] == "the probe was started again"


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


@pytest.mark.slow
def test_a_service_that_ignores_sigterm_is_killed(service: MakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alflow.commands.processes._GRACE_SECONDS", 0.5)
    with Supervisor() as supervisor:
        supervisor.start(
            service("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); ready(); time.sleep(60)")
        )
        supervisor.wait()
        process = supervisor._running[0].process
    assert process.returncode == -signal.SIGKILL


def test_a_service_and_what_it_started_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    part = (
        "import os, pathlib, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"  # it would take its time, as a runner with runs does
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"pathlib.Path({str(tmp_path / 'pids')!r}).write_text(f'{{os.getpid()}} {{child.pid}}')\n"
        f"pathlib.Path({str(tmp_path / 'ready')!r}).touch()\n"
        "time.sleep(60)\n"
    )
    program = (
        "import os, pathlib, sys\n"
        "from alflow.commands.processes import Service, Supervisor\n"
        f"ready = pathlib.Path({str(tmp_path / 'ready')!r})\n"
        f"log = pathlib.Path({str(tmp_path / 'log')!r})\n"
        "supervisor = Supervisor()\n"
        f"supervisor.start(Service('probe', (sys.executable, '-c', {part!r}), dict(os.environ), log, ready.exists))\n"
        "supervisor.wait()\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=False, timeout=30)
    pids = [int(word) for word in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 2
    deadline = time.monotonic() + 5
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in pids)
    assert "probe: killed, because `alflow up` has ended" in (tmp_path / "log").read_text()


def test_every_start_is_kept_in_the_log_and_no_secret_is(service: MakeService, tmp_path: Path) -> None:
    log = tmp_path / "probe.log"
    log.touch(mode=0o644)
    for word in ("first", "second"):
        secret = {"ALFLOW_SIGN_IN_TOKEN": "t0ken/of=us", "ALFLOW_DATABASE_URL": "postgresql://ada:s3cret@host/db"}
        made = service(f"print('{word} t0ken/of=us t0ken%2Fof%3Dus s3cret', flush=True); sys.exit(3)")
        with Supervisor() as supervisor:
            supervisor.start(replace(made, environment={**made.environment, **secret}))
            with pytest.raises(UnavailableError) as ended:
                supervisor.wait()
        assert f"exit code 3: {word} *** *** ***" in str(ended.value)
    lines = log.read_text().splitlines()
    said = [line.partition("the probe: ")[2] if line.startswith("----") else line for line in lines]
    ended_with = "ended with exit code 3"
    assert said == ["started", "first *** *** ***", ended_with, "started", "second *** *** ***", ended_with]
    assert log.stat().st_mode & 0o777 == 0o600


def test_last_words_are_of_this_start(service: MakeService) -> None:
    for program, words in [("print('an old story', flush=True); sys.exit(1)", ": an old story"), ("sys.exit(1)", "")]:
        with Supervisor() as supervisor:
            supervisor.start(service(program))
            with pytest.raises(UnavailableError, match=f"exit code 1{words} .see"):
                supervisor.wait()


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_a_service_may_be_given_a_umask_of_its_own(service: MakeService, tmp_path: Path, umask: int) -> None:
    made = tmp_path / "made"
    with Supervisor() as supervisor:
        program = f"open({str(made)!r}, 'w').close(); ready(); time.sleep(60)"
        supervisor.start(replace(service(program), umask=umask))
        assert supervisor.wait()
    assert made.stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_service_gets_the_socket_that_was_opened_for_it(service: MakeService) -> None:
    port = free_port("127.0.0.1", 18650)
    program = (
        "import socket; served = socket.socket(fileno=int(sys.argv[1])); ready()\n"
        "while True: served.accept()[0].sendall(b'here')"
    )
    made = service(program)
    with Supervisor() as supervisor:
        supervisor.start(replace(made, command=(*made.command, "{fd}"), listens=("127.0.0.1", port)))
        assert supervisor.wait()
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            assert connection.recv(4) == b"here"
        other = replace(made, listens=("127.0.0.1", port))
        with pytest.raises(UnavailableError, match=f"port {port} on 127.0.0.1 was taken"):
            supervisor.start(other)
    assert free_port("127.0.0.1", port) == port


def test_a_lock_is_held_by_one_process_and_names_it(tmp_path: Path) -> None:
    lock = tmp_path / "up.lock"
    with only_one(lock, "alflow up"):
        again = only_one(lock, "alflow up")
        with pytest.raises(ConflictError, match=f"alflow up is already running .process {os.getpid()}"):
            again.__enter__()
    with only_one(lock, "alflow up"):
        assert lock.read_text() == str(os.getpid())
    assert lock.stat().st_mode & 0o777 == 0o600


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
