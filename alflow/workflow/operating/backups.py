"""The backups that pages make: in a folder of their own, each named by its time."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from alflow.disk import disk_errors
from alflow.errors import NotFoundError
from alflow.settings import Settings


@dataclass(frozen=True)
class Kept:
    """A backup that a page made: where it lies, its size in bytes, and since when."""

    path: Path
    size: int
    at: datetime


def backups(settings: Settings) -> list[Kept]:
    """The whole backups in the folder that pages make them in, the newest first."""
    kept = []
    for path in _folder(settings).glob("alflow-*.tar"):
        with suppress(FileNotFoundError):  # removed just now
            found = path.stat()
            kept.append(Kept(path, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC)))
    return sorted(kept, key=lambda one: one.at, reverse=True)


def backup_named(settings: Settings, name: str) -> Path:
    """Where the backup of this name lies.

    Raises:
        NotFoundError: there is none.
    """
    for one in backups(settings):
        if one.path.name == name:
            return one.path
    raise NotFoundError(f"there is no backup {name}: it was removed, or is not made yet")


def new_backup(settings: Settings) -> Path:
    """Where a page makes the next one."""
    return _folder(settings) / f"alflow-{datetime.now(UTC):%Y-%m-%d-%H%M%S}.tar"


def remove_backup(settings: Settings, name: str) -> None:
    """Remove the backup of this name; others stay.

    Raises:
        NotFoundError: there is none.
        UnavailableError: its folder cannot be written.
    """
    with disk_errors("the folder of backups"):
        backup_named(settings, name).unlink()


def _folder(settings: Settings) -> Path:
    return settings.home.resolve() / "backups"
