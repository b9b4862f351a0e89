"""A real UI server for the tests: `python -m alflow.ui` on a workspace of its own."""

import os
import runpy
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.cookiejar import CookieJar
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Self

from tests import forks

TOKEN = "token-of-the-tests"
PATIENCE_S = 90


@contextmanager
def served(home: Path, port: int, **more: str) -> Iterator[str]:
    """The UI on `home`, ready to answer, by its address; stopped afterwards. `more` are settings, as in ALFLOW_MORE."""
    with Server(home, port, more) as server:
        yield server.url


class Server:
    """The UI on `home`; it can be killed and started again, as machines do."""

    def __init__(self, home: Path, port: int, more: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.port = port
        self.more = more or {}
        self.url = f"http://127.0.0.1:{port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join(10)

    def start(self) -> None:
        """Return once it answers."""
        settings = {"HOME": str(self.home), "PORT": str(self.port), "SIGN_IN_TOKEN": TOKEN, **self.more}
        environment = os.environ | {f"ALFLOW_{name}": value for name, value in settings.items()}
        log = self.home / "ui.log"
        self._process = forks.process(_serve, environment, log)
        self._process.start()
        try:
            _wait_until_ready(f"{self.url}/_stcore/health", self._process, log)
        except RuntimeError:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process.pid is not None
        return self._process.pid

    def kill(self) -> None:
        """As `kill -9`: no goodbye, no flush."""
        self._process.kill()
        self._process.join(10)


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_listens(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Return once somebody listens on this port of loopback.

    Raises:
        RuntimeError: the process stopped, or took too long; with what it wrote.
    """
    deadline = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nobody listens on {port}:\n{log.read_text()}")


def _serve(environment: dict[str, str], log: Path) -> None:
    """`python -m alflow.ui` in this process."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.environ.clear()
    os.environ.update(environment)
    runpy.run_module("alflow.ui", run_name="__main__", alter_sys=True)


def _wait_until_ready(url: str, process: ForkServerProcess, log: Path) -> None:
    """Return once `url` answers.

    Raises:
        RuntimeError: the process stopped, or took too long; with what it wrote.
    """
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if not process.is_alive():
            raise RuntimeError(f"the process stopped at once:\n{log.read_text()}")
        try:
            urllib.request.urlopen(url, timeout=2)
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{url} did not answer within {PATIENCE_S} s:\n{log.read_text()}")


def http(url: str, *, cookie: str = "", method: str = "GET", body: bytes | None = None) -> tuple[int, str]:
    """Status and text of one request, for what no browser page asks."""
    request = urllib.request.Request(url, body, {"Cookie": cookie, "Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def sign_in(url: str, name: str) -> str:
    """The cookie of somebody who comes by the terminal's link."""
    jar = CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    fields = urllib.parse.urlencode({"token": TOKEN, "name": name}).encode()
    opener.open(f"{url}/sign-in", fields).close()
    cookie = next(each for each in jar if each.name.startswith("alflow_"))
    return f"{cookie.name}={cookie.value}"
