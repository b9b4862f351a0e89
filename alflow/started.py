"""Commands that pages start: what takes long or much memory is done beside the process that serves everybody.

Each has a folder among the logs, so that nothing is lost when the pages start anew: who began it, what it said, and how
it ended. The file of what it said is locked by the processes of the command alone, so that one that was killed is told
from one that goes on.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import IO, TYPE_CHECKING, Any, Final

from alflow.disk import disk_errors
from alflow.errors import ConflictError
from alflow.ids import AnnotatorId, ProjectId
from alflow.private import private_folder, private_opener

if TYPE_CHECKING:
    from alflow.settings import Settings  # loads slowly, and the process that keeps a command does without

_SAID, _COMPLAINED, _BEGAN, _ENDED = "said", "complained", "began.json", "ended.json"
_starting: Final = Lock()


@dataclass(frozen=True)
class Started:
    """A command that a page started.

    Attributes:
        by: who did.
        at: since when.
        running: whether it is on its way; it goes on when nobody looks.
        code: its exit code; None while it runs, and where it was killed.
        ended_at: when it was done; None while it is not, and where it was killed.
        said: its results.
        fault: why it failed, in a line; empty while it runs and where all is well.
    """

    by: AnnotatorId
    at: datetime
    running: bool
    code: int | None
    ended_at: datetime | None
    said: str
    fault: str


def start(
    settings: "Settings", project_id: ProjectId, kind: str, by: AnnotatorId, arguments: Sequence[str], **more: str
) -> None:
    """Start `alflow` with these arguments on the same installation, in place of the last one of this kind.

    `more` are variables of its environment.

    Raises:
        ConflictError: the last one of this kind is still running.
        UnavailableError: the disk takes nothing.
    """
    folder = _folder(settings, project_id) / kind
    with _starting, disk_errors(str(folder)):
        if is_running(settings, project_id, kind):
            raise ConflictError("this is running already: wait until it is done")
        private_folder(folder)
        for name in (_ENDED, _SAID):  # what the last one left running may hold the lock of its own file
            (folder / name).unlink(missing_ok=True)
        with open(folder / _SAID, "wb", opener=private_opener) as said:
            _lock(said)
            _write(folder / _BEGAN, {"by": by, "at": datetime.now(UTC).isoformat()})
            with open(folder / _COMPLAINED, "wb", opener=private_opener) as complained:
                subprocess.Popen(
                    [sys.executable, "-m", "alflow.started", str(folder), *arguments],
                    env=os.environ | settings.as_environment() | {"ALFLOW_LOG_FORMAT": "text", **more},
                    stdin=subprocess.DEVNULL,
                    stdout=said,  # with its lock
                    stderr=complained,
                )


def last(settings: "Settings", project_id: ProjectId, kind: str) -> Started | None:
    """The last command of this kind; None if there was none."""
    folder = _folder(settings, project_id) / kind
    began = _read(folder / _BEGAN)
    if not began:
        return None
    running, ended = is_running(settings, project_id, kind), _read(folder / _ENDED)
    code, at = (ended["code"], datetime.fromisoformat(ended["at"])) if ended else (None, None)
    fault = "" if running or code == 0 else _fault(folder, code)
    by, since = AnnotatorId(began["by"]), datetime.fromisoformat(began["at"])
    return Started(by, since, running, code, at, _text(folder / _SAID), fault)


def is_running(settings: "Settings", project_id: ProjectId, kind: str) -> bool:
    """Whether a command of this kind is on its way."""
    folder = _folder(settings, project_id) / kind
    try:
        with (folder / _SAID).open("rb") as said:
            _lock(said, only_look=True)
    except BlockingIOError:
        return not (folder / _ENDED).exists()
    except OSError:  # there was none, or the disk knows no locks
        return False
    return False


def forget(settings: "Settings", project_id: ProjectId) -> None:
    """Remove what was kept of the commands of a project.

    Raises:
        UnavailableError: it cannot be removed.
    """
    folder = _folder(settings, project_id)
    with disk_errors(str(folder), "removed"), suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _folder(settings: "Settings", project_id: ProjectId) -> Path:
    return settings.home.resolve() / "logs" / "started" / str(project_id)


def _lock(file: IO[bytes], *, only_look: bool = False) -> None:
    """Lock a file until all who share it opened have closed it, or see whether somebody has.

    Raises:
        BlockingIOError: somebody has.
    """
    import fcntl  # noqa: PLC0415 - not on every system that reads and deletes projects

    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB if only_look else fcntl.LOCK_EX)


def _fault(folder: Path, code: int | None) -> str:
    if code is None or code < 0:
        return "it was stopped before it was done, for alflow ended or memory was short: start it again"
    lines = _text(folder / _COMPLAINED).splitlines()
    return lines[-1].removeprefix("error: ") if lines else f"it ended with code {code}"


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace").strip()
    except OSError:
        return ""


def _read(path: Path) -> dict[str, Any]:
    """What was noted there; nothing where it was never written, not to its end, or cannot be read."""
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found


def _write(path: Path, noted: dict[str, Any]) -> None:
    with open(path, "w", encoding="utf-8", opener=private_opener) as file:
        json.dump(noted, file)


def _keep(folder: Path, arguments: Sequence[str]) -> None:
    """Run `alflow`, and note how it ended; this is the process that a page starts."""
    code = subprocess.call([sys.executable, "-m", "alflow", *arguments])
    with suppress(OSError):  # the project was deleted meanwhile, or the disk is full
        _write(folder / _ENDED, {"code": code, "at": datetime.now(UTC).isoformat()})


if __name__ == "__main__":
    _keep(Path(sys.argv[1]), sys.argv[2:])
