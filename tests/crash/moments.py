"""The moments at which a process changes something that outlives it, in order; it can be killed before any of them.

They are seen from outside of alflow: files by the audit events of Python (opened to write, renamed, linked, removed,
folders made), rows by the events of SQLAlchemy (a statement that writes, before a commit, after it). Between two of
them only the bytes of unfinished files change, and what the programs of PostgreSQL do; so to be killed before each is
to be killed everywhere else.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, event
from sqlalchemy.pool import Pool

Moment = Callable[[str], None]

_CHANGES: Final = frozenset({"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.symlink"})
_TO_WRITE: Final = os.O_WRONLY | os.O_RDWR
_READS: Final = ("SELECT", "PRAGMA", "BEGIN", "SHOW", "EXPLAIN")
_WROTE: Final = "wrote"


def watch(folder: Path, moment: Moment) -> None:
    """Call `moment` with a name before each change in the folder and in any database, from now on."""
    _watch_files(str(folder), moment)
    _watch_rows(moment)


def _watch_files(root: str, moment: Moment) -> None:
    def audit(name: str, args: tuple[Any, ...]) -> None:
        writes = name == "open" and isinstance(args[2], int) and args[2] & _TO_WRITE
        if (writes or name in _CHANGES) and isinstance(args[0], str | bytes | os.PathLike):
            path = os.fsdecode(args[0])
            if path.startswith(root):
                moment(f"{name.removeprefix('os.')} {os.path.relpath(path, root)}")

    sys.addaudithook(audit)


def _watch_rows(moment: Moment) -> None:
    @event.listens_for(Engine, "before_cursor_execute")
    def _(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.lstrip().upper().startswith(_READS):
            connection.info[_WROTE] = True
            moment(" ".join(statement.split()[:3]))

    @event.listens_for(Engine, "commit")
    def _(connection: Any) -> None:
        if connection.info.get(_WROTE):
            moment("commit")

    @event.listens_for(Pool, "checkin")
    def _(_connection: Any, record: Any) -> None:
        if record.info.pop(_WROTE, False):
            moment("committed")


class Deadly:
    """A counter of moments that kills this process, as `kill -9` would, before the one of that number (from 0)."""

    def __init__(self, at: int | None) -> None:
        self.seen: list[str] = []
        self._at = at

    def __call__(self, name: str) -> None:
        if len(self.seen) == self._at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.seen.append(name)
