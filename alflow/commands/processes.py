"""Long-running programs held together: all start, or none does; one that ends later is started again.

Each program runs under a keeper (`alflow.commands.keeper`) in a process group of its own, so that Ctrl-C in the
terminal reaches only us and we stop them in order, and so that nothing it started survives it, or us.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO, Self

from alflow.commands.keeper import is_mark
from alflow.commands.ports import listen
from alflow.errors import AlflowError, ConflictError, UnavailableError
from alflow.private import private_folder, private_opener

_LOOK_SECONDS = 0.2  # while something starts
_WATCH_SECONDS = 1.0
_READY_SECONDS = 300.0  # a busy machine is slow, not broken
_GRACE_SECONDS = 30.0
_FIRST_AGAIN, _LAST_AGAIN = 1.0, 60.0  # seconds before a part that ended is started again; they double
_STEADY_SECONDS = 300.0  # who ran for so long begins anew with the first pause
_LAST_BYTES = 16384
_KEPT_UMASK = -1


Look = Callable[[], None]


@dataclass(frozen=True)
class Service:
    """One program: its name, command, environment, log and readiness check.

    Attributes:
        listens: host and port of a socket to open here and hand over: `{fd}` in the command becomes its number.
        umask: of the program; ours by default.
        once: whether it ends by itself when its work is done, as `Supervisor.finish` waits for.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    ready: Callable[[], bool]
    listens: tuple[str, int] | None = None
    umask: int = _KEPT_UMASK
    once: bool = False


@dataclass
class _Running:
    """A service and its process; started again, it has another process and another leash."""

    service: Service
    process: subprocess.Popen[bytes]
    leash: int
    """Our end of a pipe; when it closes, because we ended, the keeper kills the program and its children."""
    since: float = field(default_factory=time.monotonic)
    pause: float = _FIRST_AGAIN
    again_at: float | None = None
    """When it will be started again; None while it runs."""


@dataclass
class Supervisor:
    """Starts services, watches them, and stops all of them when the block is left."""

    stopping: threading.Event = field(default_factory=threading.Event)
    _running: list[_Running] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, service: Service) -> None:
        """Start a service; it is not ready yet.

        Raises:
            InvalidInputError: it is to listen on what is no address of this machine.
            UnavailableError: its port is taken, or its log cannot be written.
        """
        self._running.append(_Running(service, *_started(service)))

    def wait(self, look: Look = lambda: None) -> bool:
        """Wait until every started service is ready, looking regularly; False if we are stopped first.

        Raises:
            UnavailableError: one ended, or is not ready after five minutes.
        """
        deadline = time.monotonic() + _READY_SECONDS
        while unready := [entry.service for entry in self._running if not entry.service.ready()]:
            self._check()
            if time.monotonic() > deadline:
                raise UnavailableError(
                    f"{unready[0].name} is not ready after {_READY_SECONDS:.0f} s: see {unready[0].log}"
                )
            look()
            if self.stopping.wait(_LOOK_SECONDS):
                return False
        self._check()  # another program may have answered, on a port that ours did not get
        return not self.stopping.is_set()

    def finish(self, look: Look = lambda: None) -> bool:
        """Wait until those that run once have done their work, looking regularly; False if we are stopped first.

        Raises:
            UnavailableError: one of them failed, or another service ended.
        """
        while any(entry.service.once and entry.process.poll() is None for entry in self._running):
            self._check()
            look()
            if self.stopping.wait(_LOOK_SECONDS):
                return False
        self._check()
        for entry in [entry for entry in self._running if entry.service.once]:
            os.close(entry.leash)
            self._running.remove(entry)
        return True

    def watch(self, look: Look = lambda: None, tell: Callable[[str], None] = lambda _: None) -> None:
        """Return when we are stopped; call `look` regularly until then.

        A service that ends by itself is started again, after a pause that doubles with each time; the others go on.

        Args:
            look: called regularly.
            tell: called with what happened, in one line.
        """
        while not self.stopping.wait(_WATCH_SECONDS):
            for entry in self._running:
                _keep_up(entry, tell)
            look()

    def stop(self) -> None:
        """Stop everything, last started first: SIGTERM, then SIGKILL for it and its children."""
        for entry in reversed(self._running):
            _stop_group(entry.process)
            os.close(entry.leash)
        self._running.clear()

    def _check(self) -> None:
        for entry in self._running:
            if (code := entry.process.poll()) is not None and not (entry.service.once and code == 0):
                raise UnavailableError(_post_mortem(entry.service, entry.process.returncode))


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
        UnavailableError: the file cannot be written.
    """
    import fcntl

    private_folder(lock.parent)
    with _opened(lock) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = lock.read_text().strip() or "unknown"
            raise ConflictError(f"{what} is already running (process {holder}): stop it first") from None
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


def _started(service: Service) -> tuple[subprocess.Popen[bytes], int]:
    """The process of a service that was just started, and our end of its leash.

    Raises:
        InvalidInputError: it is to listen on what is no address of this machine.
        UnavailableError: its port is taken, or its log cannot be written.
    """
    private_folder(service.log.parent)
    with contextlib.ExitStack() as ours:
        handed = ours.enter_context(listen(*service.listens)).fileno() if service.listens else None
        end, leash = os.pipe()
        ours.callback(os.close, end)
        process = subprocess.Popen(
            _kept(service, end, handed),
            env=dict(service.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[number for number in (end, handed) if number is not None],
            umask=service.umask,
        )
    return process, leash


def _keep_up(entry: _Running, tell: Callable[[str], None]) -> None:
    """Start a service again that ended by itself, once its pause is over."""
    now = time.monotonic()
    if entry.again_at is None:
        if entry.process.poll() is not None:
            if now - entry.since > _STEADY_SECONDS:
                entry.pause = _FIRST_AGAIN
            _stop_group(entry.process)  # what it started may live on
            tell(f"{_post_mortem(entry.service, entry.process.returncode)}; it starts again in {entry.pause:.0f} s")
            entry.again_at, entry.pause = now + entry.pause, min(2 * entry.pause, _LAST_AGAIN)
    elif now >= entry.again_at:
        try:
            process, leash = _started(entry.service)
        except (AlflowError, OSError) as error:
            tell(f"{entry.service.name} did not start: {error}; it is tried again in {entry.pause:.0f} s")
            entry.again_at, entry.pause = now + entry.pause, min(2 * entry.pause, _LAST_AGAIN)
            return
        os.close(entry.leash)
        entry.process, entry.leash, entry.since, entry.again_at = process, leash, now, None
        tell(f"{entry.service.name} was started again")


def _kept(service: Service, leash: int, handed: int | None) -> list[str]:
    """The command line that starts the service under its keeper."""
    keeper = [sys.executable, "-m", "alflow.commands.keeper", f"--name={service.name}", f"--log={service.log}"]
    hand_on = [] if handed is None else [f"--pass={handed}"]
    return [*keeper, f"--parent={leash}", *hand_on, *(word.replace("{fd}", str(handed)) for word in service.command)]


def _opened(path: Path) -> IO[str]:
    try:
        return open(path, "a+", encoding="utf-8", opener=private_opener)
    except OSError as error:
        raise UnavailableError(f"the file {path} cannot be written: {error.strerror}") from error


def _stop_group(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the leader, which ends its children; then kill what is left of the group."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _post_mortem(service: Service, code: int) -> str:
    words = _last_words(service.log)
    return f"{service.name} ended with exit code {code}{': ' if words else ''}{words} (see {service.log})"


def _last_words(log: Path) -> str:
    """The last line that the part itself wrote since it was started."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _LAST_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    lines = [line.strip() for line in lines if line.strip()]
    if lines and is_mark(lines[-1]):
        lines.pop()  # that it ended
    return lines[-1] if lines and not is_mark(lines[-1]) else ""
