"""A real UI server for the tests: `python -m ui` on a workspace of its own."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TOKEN = "token-of-the-tests"
PATIENCE_S = 90


@contextmanager
def served(home: Path, port: int) -> Iterator[str]:
    """The UI on `home`, ready to answer, by its address; stopped afterwards."""
    settings = {"HOME": str(home), "PORT": str(port), "SIGN_IN_TOKEN": TOKEN}
    environment = os.environ | {f"ALFLOW_{name}": value for name, value in settings.items()}
    log = home / "ui.log"
    with log.open("ab") as output:
        process = subprocess.Popen([sys.executable, "-m", "ui"], env=environment, stdout=output, stderr=output)
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_ready(f"{url}/_stcore/health", process, log)
            yield url
        finally:
            process.terminate()
            process.wait(10)


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
