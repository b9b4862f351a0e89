"""A real UI server for the tests: `python -m ui` on a workspace of its own."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Self

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
        self._process.wait(10)

    def start(self) -> None:
        """Return once it answers."""
        settings = {"HOME": str(self.home), "PORT": str(self.port), "SIGN_IN_TOKEN": TOKEN, **self.more}
        environment = os.environ | {f"ALFLOW_{name}": value for name, value in settings.items()}
        log = self.home / "ui.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ui"], env=environment, stdout=output, stderr=output
            )
        try:
            wait_until_ready(f"{self.url}/_stcore/health", self._process, log)
        except RuntimeError:
            self._process.kill()
            raise

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def kill(self) -> None:
        """As `kill -9`: no goodbye, no flush."""
        self._process.kill()
        self._process.wait(10)


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Return once `url` answers.

    Raises:
        RuntimeError: the process stopped, or took too long; with what it wrote.
    """
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the process stopped at once:\n{log.read_text()}")
        try:
            urllib.request.urlopen(url, timeout=2)
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
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
