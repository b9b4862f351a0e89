"""The backups that pages make: in a folder of their own, each named by its time."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from alflow.settings import Settings


@dataclass(frozen=True)
class Kept:
    """A backup that a page made: where it lies, its size in bytes, and since when."""

    path: str
    size: int
    at: datetime


def backups(settings: Settings) -> list[Kept]:
    """The whole backups in the folder that pages make them in, the newest first."""
    files = [(path, path.stat()) for path in _folder(settings).glob("alflow-*.tar")]
    kept = [Kept(str(path), found.st_size, datetime.fromtimestamp(found.st_mtime, UTC)) for path, found in files]
    return sorted(kept, key=lambda one: one.at, reverse=True)


def new_backup(settings: Settings) -> Path:
    """Where a page makes the next one."""
    return _folder(settings) / f"alflow-{datetime.now(UTC):%Y-%m-%d-%H%M%S}.tar"


def _folder(settings: Settings) -> Path:
    return settings.home.resolve() / "backups"
