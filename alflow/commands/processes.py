"""Long-running programs held together: all are up, or none is.

Each program is the leader of its own process group, so that Ctrl-C in the terminal reaches only us and we stop them in
order, and so that nothing it started survives it.
"""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Self

from alflow.errors import ConflictError, UnavailableError

_LOOK_SECONDS = 0.2
_READY_SECONDS = 300.0  # a busy machine is slow, not broken
_GRACE_SECONDS = 30.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Service:
    """One program: what it is called, how it is started, where it writes, and how one sees that it works."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    ready: Callable[[], bool]


@dataclass
class Supervisor:
    """Starts services, watches them, and stops all of them when the block is left."""

    stopping: threading.Event = field(default_factory=threading.Event)
    _running: list[tuple[Service, subprocess.Popen[bytes]]] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, service: Service) -> None:
        """Start a service; it is not ready yet."""
        service.log.parent.mkdir(parents=True, exist_ok=True)
        with open(service.log, "wb", opener=_for_us_alone) as log:
            process = subprocess.Popen(
                service.command,
                env=dict(service.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 (no threads here)
            )
        self._running.append((service, process))

    def wait(self) -> bool:
        """Wait until every service that was started is ready; False when we were told to stop before.

        Raises:
            UnavailableError: one ended, or is not ready after five minutes.
        """
        deadline = time.monotonic() + _READY_SECONDS
        while unready := [service for service, _ in self._running if not service.ready()]:
            self._check()
            if time.monotonic() > deadline:
                raise UnavailableError(
                    f"{unready[0].name} is not ready after {_READY_SECONDS:.0f} s; see {unready[0].log}"
                )
            if self.stopping.wait(_LOOK_SECONDS):
                return False
        return not self.stopping.is_set()

    def watch(self) -> None:
        """Return when we were told to stop.

        Raises:
            UnavailableError: a service ended by itself; nothing is restarted behind your back.
        """
        while not self.stopping.wait(_LOOK_SECONDS):
            self._check()

    def stop(self) -> None:
        """Stop everything, last started first: asked politely, then killed with all its children."""
        for _, process in reversed(self._running):
            _stop_group(process)
        self._running.clear()

    def _check(self) -> None:
        for service, process in self._running:
            if process.poll() is not None:
                raise UnavailableError(_post_mortem(service, process))


@contextlib.contextmanager
def stop_on_signals(stopping: threading.Event) -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal set the event; the handlers are put back afterwards."""
    signals = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    before = {number: signal.signal(number, lambda *_: stopping.set()) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def only_one(lock: Path, what: str) -> Iterator[None]:
    """Hold a lock file while the block runs; the system lets go of it however the process ends.

    Raises:
        ConflictError: another process holds it.
    """
    import fcntl

    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = lock.read_text().strip() or "unknown"
            raise ConflictError(f"{what} is already running (process {holder}); stop it first") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def answers(host: str, port: int, path: str) -> bool:
    """Whether a GET of the path gives 200; a plain connection, so that no proxy setting comes between."""
    connection = HTTPConnection(host, port, timeout=2.0)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def free_port(host: str, wanted: int, tries: int = 50) -> int:
    """The wanted port, or the next one above that nobody listens on.

    Raises:
        UnavailableError: all of them are taken.
    """
    for port in range(wanted, min(wanted + tries, 65536)):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((host, port))
                return port
    raise UnavailableError(f"no free port on {host} from {wanted} to {wanted + tries - 1}")


def _stop_group(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the leader, which knows best how to end its own; what is left of the group is killed."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _post_mortem(service: Service, process: subprocess.Popen[bytes]) -> str:
    lines = [line for line in service.log.read_text(errors="replace").splitlines() if line.strip()]
    last = f": {lines[-1].strip()}" if lines else ""
    return f"{service.name} ended with exit code {process.returncode}{last} (see {service.log})"


def _for_us_alone(path: str, flags: int) -> int:
    """Logs may hold the sign-in link."""
    return os.open(path, flags, 0o600)


def _die_with_parent() -> None:
    """Linux: a service gets SIGTERM when we are killed too hard to stop it ourselves."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
