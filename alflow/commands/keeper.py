"""`python -m alflow.commands.keeper`: runs one part of `alflow up`.

It writes the output of the part to a log that is bounded, private and free of secrets. It kills the part and its
children when `alflow up` ends for whatever reason: the pipe whose other end only `alflow up` holds then closes.
"""

import argparse
import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from datetime import datetime
from logging import LogRecord, makeLogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO
from urllib.parse import quote, unquote

from alflow.logs import Json
from alflow.private import private_opener

MARK = "----"
"""How the keeper's own lines in a log begin."""
_NAME = "alflow.commands.keeper"  # as a program its __name__ is another
_LOG_BYTES = 5_000_000
_OLDER_LOGS = 4
_LINE_BYTES = 65536
_LAST_WORDS_SECONDS = 0.5
_SECRET_NAME = re.compile(r"(ALFLOW|PREFECT)_.*(TOKEN|SECRET|PASSWORD|AUTH_STRING|API_KEY)")
_PASSWORD_IN_URL = re.compile(r"://[^/@\s:]*:([^/@\s]+)@")
_PR_SET_PDEATHSIG = 1
_SHORTEST_SECRET = 4  # hiding every "a" would only make the log unreadable


class Log(RotatingFileHandler):
    """Five files at most of five megabytes each, of mode 0600; a full disk costs lines, and the part goes on.

    As JSON, what a part writes past its log (what it prints as it starts, last words of an interpreter) becomes an
    object as well, and empty lines are left out.
    """

    def __init__(self, path: Path, secrets: frozenset[str], *, as_json: bool = False) -> None:
        super().__init__(
            path, maxBytes=_LOG_BYTES, backupCount=_OLDER_LOGS, encoding="utf-8", errors="replace", delay=True
        )
        self._secrets = secrets
        self._as_json = as_json

    def write(self, line: str) -> None:
        """Append a line, without the secrets in it."""
        for secret in self._secrets:
            line = line.replace(secret, "***")
        if self._as_json and not line.startswith("{"):
            if not line.strip():
                return
            line = Json().format(makeLogRecord({"name": _NAME, "levelname": "INFO", "msg": line}))
        self.handle(makeLogRecord({"msg": line}))

    def mark(self, text: str) -> None:
        """Append a line of the keeper's own."""
        self.write(f"{MARK} {datetime.now().astimezone().isoformat(sep=' ', timespec='seconds')} {text}")

    def handleError(self, record: LogRecord) -> None:  # noqa: ARG002, N802 (the library's name)
        """Forget a stream that failed: the next line opens the file anew."""
        stream, self.stream = self.stream, None
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.close()

    def _open(self) -> IO[str]:  # type: ignore[override]
        return open(self.baseFilename, self.mode, encoding=self.encoding, errors=self.errors, opener=private_opener)


def main() -> int:
    """Keep one program; returns its exit code."""
    parser = argparse.ArgumentParser(description="Keep one part of `alflow up`.")
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--parent", type=int, required=True, help="file descriptor of a pipe that ends with the parent")
    parser.add_argument("--pass", type=int, dest="handed", help="file descriptor that the part inherits")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    log = Log(arguments.log, secrets_of(os.environ), as_json=os.environ.get("ALFLOW_LOG_FORMAT") == "json")
    log.mark(f"{arguments.name}: started")
    handed = [] if arguments.handed is None else [arguments.handed]
    child = subprocess.Popen(
        arguments.command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=handed,
        preexec_fn=_die_with_keeper if sys.platform == "linux" else None,  # noqa: PLW1509 (no threads yet)
    )
    for descriptor in handed:
        os.close(descriptor)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    threading.Thread(target=_end_with, args=(arguments.parent, log, arguments.name), daemon=True).start()
    pump = threading.Thread(target=_pump, args=(child.stdout, log), daemon=True)
    pump.start()
    code = child.wait()
    pump.join(_LAST_WORDS_SECONDS)  # its children may still hold the pipe
    log.mark(f"{arguments.name}: ended with exit code {code}")
    return code


def secrets_of(environment: Mapping[str, str]) -> frozenset[str]:
    """What must not be in a log: the values of variables that name a secret, and passwords in addresses."""
    named = [value for name, value in environment.items() if _SECRET_NAME.fullmatch(name)]
    in_urls = [word for value in environment.values() for word in _PASSWORD_IN_URL.findall(value)]
    found = {form for value in (*named, *in_urls) for form in (value, quote(value), quote(value, ""), unquote(value))}
    # Of `user:password` the password alone is a secret too.
    return frozenset(secret for secret in found | {value.partition(":")[2] for value in named} if _is_long(secret))


def is_mark(line: str) -> bool:
    """Whether a line of a log is the keeper's own."""
    return line.startswith(MARK) or f'"logger": "{_NAME}", "message": "{MARK} ' in line


def _die_with_keeper() -> None:
    """Linux: should the keeper be killed along with `alflow up`, the part goes too."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _is_long(secret: str) -> bool:
    return len(secret) >= _SHORTEST_SECRET


def _pump(output: IO[bytes], log: Log) -> None:
    while line := output.readline(_LINE_BYTES):
        log.write(line.decode(errors="replace").rstrip("\r\n"))


def _end_with(parent: int, log: Log, name: str) -> None:
    """Wait until the parent is gone, then kill the whole group, ourselves with it."""
    while os.read(parent, 1):
        pass
    log.mark(f"{name}: killed, because `alflow up` has ended")
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    ended = main()
    if ended < 0:  # end by the same signal
        if -ended != signal.SIGKILL:
            signal.signal(-ended, signal.SIG_DFL)
        os.kill(os.getpid(), -ended)
    sys.exit(ended)
