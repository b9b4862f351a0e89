"""A consistent copy of database and artifacts in one file, made while people answer; and back into an empty home.

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
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

from alflow.disk import check_writable, in_words
from alflow.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from alflow.leftovers import sweep
from alflow.private import make_private, private_folder
from alflow.progress import Progress, silent
from alflow.settings import Settings
from alflow.store import dump, schema
from alflow.store.artifacts import Artifacts, Readable
from alflow.workflow.images.upload_files import uploaded
from alflow.workspace import Workspace

FORMAT: Final = 1
"""Of the archive; another one is refused."""

_ABOUT: Final = "backup.json"
_SUMS: Final = "checksums.json"
_ARTIFACTS: Final = "artifacts/"
_UPLOADS: Final = "uploads/"
_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]+:/")  # of which a path has lost a slash
_BLOCK: Final = 1 << 20
_BEGUN: Final = ".alflow-backup-"
_BEGUN_TO_RESTORE: Final = ".alflow-restore-"


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
    target = _file(path)
    if target.resolve().is_relative_to(Path(workspace.settings.artifacts).resolve()):
        raise InvalidInputError(f"{target} is among the artifacts, so that the next backup would hold it: name another")
    sweep(target.parent, f"{_BEGUN}*")
    if target.exists():
        raise ConflictError(f"{target} is there already: name a new file, or remove that one")
    make_private(target.parent)
    check_writable(target.parent)
    made_at, kind = datetime.now(UTC), dump.kind_of(workspace.settings.database)
    sums: dict[str, str] = {}
    with _disk_errors(target), tempfile.TemporaryDirectory(prefix=_BEGUN, dir=target.parent) as folder:
        copy, whole = Path(folder) / dump.FILES[kind], Path(folder) / "whole"
        revision = dump.dump(workspace.settings.database, copy)
        about = {"format": FORMAT, "made_at": made_at.isoformat(), "revision": revision, "database": kind}
        names = workspace.artifacts.list("")
        with whole.open("xb") as file:
            whole.chmod(0o600)
            with tarfile.open(fileobj=file, mode="w") as tar:
                _add_bytes(tar, _ABOUT, json.dumps(about).encode(), sums)
                with copy.open("rb") as content:
                    _add(tar, copy.name, content, copy.stat().st_size, sums)
                for done, name in enumerate(names, start=1):
                    _add_artifact(tar, workspace.artifacts, name, sums)
                    progress(done, len(names))
                _add_uploads(tar, workspace.settings, sums)
                _add_bytes(tar, _SUMS, json.dumps(sums).encode(), {})
            file.flush()
            os.fsync(file.fileno())
        _give_name(whole, target)
    return Backup(str(target), made_at, revision, kind, sum(name.startswith(_ARTIFACTS) for name in sums))


def restore_backup(settings: Settings, path: str | Path, progress: Progress = silent) -> Backup:
    """Bring a backup back into an empty home, or the empty database and artifacts that the settings name.

    The whole backup is checked before anything is written, and the database comes last: a restore that was killed
    leaves no home that could be mistaken for a whole one, and goes on there when it is run again.

    Raises:
        InvalidInputError: this is no whole backup, or it is damaged, or of another kind of database.
        ConflictError: there is a database, or there are artifacts that are not those of the backup.
        UnavailableError: it is of a newer alflow; or something cannot be written.
    """
    source = _file(path)
    sweep(Path(tempfile.gettempdir()), f"{_BEGUN_TO_RESTORE}*")
    about, sums = _checked(source)
    kind, revision = dump.kind_of(settings.database), about["revision"]
    if about["database"] != kind:
        raise InvalidInputError(f"{source} holds a {about['database']} database: let ALFLOW_DATABASE_URL name one")
    if (age := schema.age(revision)) == "unknown":
        raise UnavailableError(f"{source} is of another version of alflow (revision {revision}): restore it with that")
    artifacts = Artifacts(settings.artifacts, private=not settings.artifacts_url)
    dump.require_empty(settings.database)
    there = _restored(artifacts, sums)
    if not (settings.database_url and settings.artifacts_url):
        private_folder(settings.home.resolve())
    done, n_artifacts = 0, sum(name.startswith(_ARTIFACTS) for name in sums)
    with _members(source) as members, tempfile.TemporaryDirectory(prefix=_BEGUN_TO_RESTORE) as folder:
        copy = Path(folder) / dump.FILES[kind]
        for name, content in members:
            if name.startswith(_ARTIFACTS):
                if (own := name.removeprefix(_ARTIFACTS)) not in there:
                    artifacts.write_stream(own, content)
                progress(done := done + 1, n_artifacts)
            else:
                _bring(settings, name, content, copy)
        dump.restore(settings.database, copy)
    made_at = datetime.fromisoformat(about["made_at"])
    return Backup(str(source), made_at, revision, kind, n_artifacts, older=age == "older")


def _file(path: str | Path) -> Path:
    """A file of this machine.

    Raises:
        InvalidInputError: an address is given.
    """
    if _ADDRESS.match(str(path)):
        raise InvalidInputError(
            f"a backup is a file of this machine, not {path}: copy it there, or from there, yourself"
        )
    return Path(path).absolute()


def _restored(artifacts: Artifacts, sums: dict[str, str]) -> set[str]:
    """The artifacts that an earlier restore of the same backup has brought already.

    Raises:
        ConflictError: there are others.
    """
    names = set(artifacts.list(""))
    if any(sums.get(_ARTIFACTS + name) != artifacts.checksum(name) for name in names):
        where = artifacts.path("")
        raise ConflictError(f"there are other artifacts in {where}: name another home, nothing is overwritten")
    return names


def _checked(source: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Compare every file of a backup with its checksum; returns what it is of, and the checksums.

    Raises:
        InvalidInputError: it is no whole backup, it is damaged, or it holds what no backup does.
    """
    about: dict[str, Any] = {}
    promised: dict[str, str] = {}
    found: dict[str, str] = {}
    with _members(source) as members:
        for name, content in members:
            if name == _SUMS:
                promised = _json(source, content.read())
                continue
            reader = _Summing(content)
            if name == _ABOUT:
                about = _json(source, reader.read())
            while reader.read(_BLOCK):
                pass
            found[name] = reader.sum()
    whole = promised and about.keys() >= {"revision", "made_at"} and str(about.get("database")) in dump.FILES
    if not whole or about.get("format") != FORMAT:
        raise InvalidInputError(f"{source} is no whole backup of alflow: take another one")
    if wrong := sorted(name for name in promised | found if promised.get(name) != found.get(name)):
        raise InvalidInputError(f"the backup {source} is damaged (first in {wrong[0]}): take another one")
    if odd := sorted(found.keys() ^ _usual(found, str(about["database"]))):
        raise InvalidInputError(f"{source} is no backup that alflow made (for {odd[0]!r}): take another one")
    return about, found


def _usual(names: Iterable[str], kind: str) -> set[str]:
    """What a backup must hold, and what of these names one may hold."""
    below = {one for one in names if one.startswith((_ARTIFACTS, _UPLOADS)) and os.path.normpath(one) == one}
    return {_ABOUT, dump.FILES[kind]} | below


@contextmanager
def _members(source: Path) -> Iterator[Iterator[tuple[str, IO[bytes]]]]:
    """The files in a backup, one by one.

    Raises:
        InvalidInputError: it cannot be read, or is no archive.
    """
    try:
        with tarfile.open(source, mode="r:") as tar:
            yield ((each.name, content) for each in tar if each.isfile() and (content := tar.extractfile(each)))
    except OSError as error:
        raise InvalidInputError(in_words(error, f"the backup {source}", "read")) from error
    except (tarfile.TarError, EOFError) as error:
        raise InvalidInputError(f"{source} is no whole backup of alflow ({error}): take another one") from error


def _json(source: Path, data: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(data))
    except (ValueError, TypeError) as error:
        raise InvalidInputError(f"the backup {source} is damaged ({error}): take another one") from error


class _Summing(io.RawIOBase):
    """Reads another file, and sums what it reads."""

    def __init__(self, file: Readable) -> None:
        self._file, self._sum = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._sum.update(data)
        return data

    def sum(self) -> str:
        return self._sum.hexdigest()


def _add(tar: tarfile.TarFile, name: str, content: Readable, size: int, sums: dict[str, str]) -> None:
    told = tarfile.TarInfo(name)
    told.size, told.mode = size, 0o600
    reader = _Summing(content)
    tar.addfile(told, reader)
    sums[name] = reader.sum()


def _add_bytes(tar: tarfile.TarFile, name: str, data: bytes, sums: dict[str, str]) -> None:
    _add(tar, name, io.BytesIO(data), len(data), sums)


def _add_artifact(tar: tarfile.TarFile, artifacts: Artifacts, name: str, sums: dict[str, str]) -> None:
    try:
        with artifacts.reading(name) as (content, size):
            _add(tar, _ARTIFACTS + name, content, size, sums)
    except NotFoundError:  # a damaged one that was removed meanwhile: it is made anew
        return


def _add_uploads(tar: tarfile.TarFile, settings: Settings, sums: dict[str, str]) -> None:
    for one in uploaded(settings):
        with one.open("rb") as content:
            name = one.relative_to(settings.uploads).as_posix()
            _add(tar, _UPLOADS + name, content, one.stat().st_size, sums)


def _bring(settings: Settings, name: str, content: IO[bytes], copy: Path) -> None:
    """Write the copy of the database, or what somebody uploaded to its place; whole, or not at all.

    Raises:
        UnavailableError: it cannot be written.
    """
    if name == copy.name:
        with _disk_errors(copy):
            _pour(content, copy)
    if not name.startswith(_UPLOADS):
        return
    place = settings.uploads / name.removeprefix(_UPLOADS)
    make_private(place.parent)
    begun = place.with_name(f"{_BEGUN_TO_RESTORE}{place.name}"[:200])
    with _disk_errors(place):
        begun.unlink(missing_ok=True)
        _pour(content, begun)
        begun.chmod(0o600)
        begun.replace(place)


def _pour(content: IO[bytes], path: Path) -> None:
    with path.open("xb") as file:
        while block := content.read(_BLOCK):
            file.write(block)


def _give_name(whole: Path, target: Path) -> None:
    """Unlike a rename, a link replaces no file that came meanwhile.

    Raises:
        ConflictError: one did.
    """
    try:
        os.link(whole, target)
    except FileExistsError as error:
        raise ConflictError(f"{target} is there already: name a new file, or remove that one") from error


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Turn errors of the disk into one that a person can act on.

    Raises:
        UnavailableError: the disk is full, or may not be written.
    """
    try:
        yield
    except OSError as error:
        raise UnavailableError(in_words(error, str(path))) from error
