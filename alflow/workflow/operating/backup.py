"""A consistent copy of database and artifacts in one file, made while people answer (`restore` brings it back).

A backup is a tar archive: `backup.json` (what it is of), the database (`alflow.db`, or `alflow.dump` of PostgreSQL),
the artifacts, what people uploaded, and last `checksums.json`, the SHA-256 of each, without which it is not whole.

The database is copied first. A row is written after the artifacts that it names, and an artifact never changes: so all
that the copied rows name is among the artifacts that are there once the database is copied. The other way round, a
round that opens meanwhile would name artifacts that the backup lacks. Those written later do no harm.
"""

import hashlib
import io
import json
import os
import re
import tarfile
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from alflow.disk import check_writable, disk_errors
from alflow.errors import ConflictError, InvalidInputError, NotFoundError
from alflow.leftovers import sweep
from alflow.private import make_private
from alflow.progress import Progress, silent
from alflow.settings import Settings
from alflow.store import dump
from alflow.store.artifacts import Artifacts
from alflow.store.files import Readable
from alflow.workflow.images.upload_files import uploaded
from alflow.workspace import Workspace

FORMAT: Final = 1
"""Of the archive; another one is refused."""

ABOUT: Final = "backup.json"
SUMS: Final = "checksums.json"
ARTIFACTS: Final = "artifacts/"
UPLOADS: Final = "uploads/"
_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]+:/")  # of which a path has lost a slash
_BEGUN: Final = ".alflow-backup-"


@dataclass(frozen=True)
class Backup:
    """What a backup holds.

    Attributes:
        path: the file.
        made_at: when the copy of the database began.
        revision: of the schema.
        database: "sqlite" or "postgresql".
        artifacts: how many files of tensors, pictures and notes.
        older: whether `alflow db upgrade` must follow once it is restored.
    """

    path: str
    made_at: datetime
    revision: str
    database: str
    artifacts: int
    older: bool = False


def make_backup(workspace: Workspace, path: str | Path, progress: Progress = silent) -> Backup:
    """Write a backup to a new file of mode 0600; whatever goes on meanwhile may go on.

    Every answer that was acknowledged before the call is in it. The file has its name once it is whole; what a backup
    that was killed left in the same folder is removed, once it is old.

    Raises:
        ConflictError: there is such a file.
        InvalidInputError: it would be among the artifacts, or on another machine.
        UnavailableError: it cannot be written, the database fails, or PostgreSQL's `pg_dump` is not there.
    """
    target = file_here(path)
    if target.resolve().is_relative_to(Path(workspace.settings.artifacts).resolve()):
        raise InvalidInputError(f"{target} is among the artifacts, so that the next backup would hold it: name another")
    sweep(target.parent, f"{_BEGUN}*")
    if target.exists():
        raise ConflictError(f"{target} is there already: name a new file, or remove that one")
    make_private(target.parent)
    check_writable(target.parent)
    made_at, kind = datetime.now(UTC), dump.kind_of(workspace.settings.database)
    sums: dict[str, str] = {}
    with disk_errors(str(target)), tempfile.TemporaryDirectory(prefix=_BEGUN, dir=target.parent) as folder:
        copy, whole = Path(folder) / dump.FILES[kind], Path(folder) / "whole"
        revision = dump.dump(workspace.settings.database, copy)
        about = {"format": FORMAT, "made_at": made_at.isoformat(), "revision": revision, "database": kind}
        names = workspace.artifacts.list("")
        with whole.open("xb") as file:
            whole.chmod(0o600)
            with tarfile.open(fileobj=file, mode="w") as tar:
                _add_bytes(tar, ABOUT, json.dumps(about).encode(), sums)
                with copy.open("rb") as content:
                    _add(tar, copy.name, content, copy.stat().st_size, sums)
                for done, name in enumerate(names, start=1):
                    _add_artifact(tar, workspace.artifacts, name, sums)
                    progress(done, len(names))
                _add_uploads(tar, workspace.settings, sums)
                _add_bytes(tar, SUMS, json.dumps(sums).encode(), {})
            file.flush()
            os.fsync(file.fileno())
        _give_name(whole, target)
    return Backup(str(target), made_at, revision, kind, sum(name.startswith(ARTIFACTS) for name in sums))


def file_here(path: str | Path) -> Path:
    """A file of this machine.

    Raises:
        InvalidInputError: an address is given.
    """
    if _ADDRESS.match(str(path)):
        raise InvalidInputError(
            f"a backup is a file of this machine, not {path}: copy it there, or from there, yourself"
        )
    return Path(path).absolute()


class Summing(io.RawIOBase):
    """Reads another file, and sums what it reads."""

    def __init__(self, file: Readable) -> None:
        self._file, self._sum = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes, so many at most; none at the end."""
        data = self._file.read(size)
        self._sum.update(data)
        return data

    def sum(self) -> str:
        """SHA-256 of what was read, in hexadecimal digits."""
        return self._sum.hexdigest()


def _add(tar: tarfile.TarFile, name: str, content: Readable, size: int, sums: dict[str, str]) -> None:
    told = tarfile.TarInfo(name)
    told.size, told.mode = size, 0o600
    reader = Summing(content)
    tar.addfile(told, reader)
    sums[name] = reader.sum()


def _add_bytes(tar: tarfile.TarFile, name: str, data: bytes, sums: dict[str, str]) -> None:
    _add(tar, name, io.BytesIO(data), len(data), sums)


def _add_artifact(tar: tarfile.TarFile, artifacts: Artifacts, name: str, sums: dict[str, str]) -> None:
    try:
        with artifacts.reading(name) as (content, size):
            _add(tar, ARTIFACTS + name, content, size, sums)
    except NotFoundError:  # a damaged one that was removed meanwhile: it is made anew
        return


def _add_uploads(tar: tarfile.TarFile, settings: Settings, sums: dict[str, str]) -> None:
    for one in uploaded(settings):
        with one.open("rb") as content:
            name = one.relative_to(settings.uploads).as_posix()
            _add(tar, UPLOADS + name, content, one.stat().st_size, sums)


def _give_name(whole: Path, target: Path) -> None:
    """Unlike a rename, a link replaces no file that came meanwhile.

    Raises:
        ConflictError: one did.
    """
    try:
        os.link(whole, target)
    except FileExistsError as error:
        raise ConflictError(f"{target} is there already: name a new file, or remove that one") from error
