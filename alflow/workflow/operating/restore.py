"""A backup back into an empty home, or into the empty database and artifacts that the settings name."""

import json
import os
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

from alflow.disk import disk_errors, in_words
from alflow.errors import ConflictError, InvalidInputError, UnavailableError
from alflow.leftovers import sweep
from alflow.private import make_private, private_folder
from alflow.progress import Progress, silent
from alflow.settings import Settings
from alflow.store import dump, schema
from alflow.store.artifacts import Artifacts
from alflow.workflow.operating.backup import ABOUT, ARTIFACTS, FORMAT, SUMS, UPLOADS, Backup, Summing, file_here

_BLOCK: Final = 1 << 20
_BEGUN: Final = ".alflow-restore-"


def restore_backup(settings: Settings, path: str | Path, progress: Progress = silent) -> Backup:
    """Bring a backup back into an empty home, or the empty database and artifacts that the settings name.

    The whole backup is checked before anything is written, and the database comes last: a restore that was killed
    leaves no home that could be mistaken for a whole one, and goes on there when it is run again.

    Raises:
        InvalidInputError: this is no whole backup, or it is damaged, or of another kind of database.
        ConflictError: there is a database, or there are artifacts that are not those of the backup.
        UnavailableError: it is of a newer alflow; or something cannot be written.
    """
    source = file_here(path)
    sweep(Path(tempfile.gettempdir()), f"{_BEGUN}*")
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
    done, n_artifacts = 0, sum(name.startswith(ARTIFACTS) for name in sums)
    with _members(source) as members, tempfile.TemporaryDirectory(prefix=_BEGUN) as folder:
        copy = Path(folder) / dump.FILES[kind]
        for name, content in members:
            if name.startswith(ARTIFACTS):
                if (own := name.removeprefix(ARTIFACTS)) not in there:
                    artifacts.write_stream(own, content)
                progress(done := done + 1, n_artifacts)
            else:
                _bring(settings, name, content, copy)
        dump.restore(settings.database, copy)
    made_at = datetime.fromisoformat(about["made_at"])
    return Backup(str(source), made_at, revision, kind, n_artifacts, older=age == "older")


def _restored(artifacts: Artifacts, sums: dict[str, str]) -> set[str]:
    """The artifacts that an earlier restore of the same backup has brought already.

    Raises:
        ConflictError: there are others.
    """
    names = set(artifacts.list(""))
    if any(sums.get(ARTIFACTS + name) != artifacts.checksum(name) for name in names):
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
            if name == SUMS:
                promised = _json(source, content.read())
                continue
            reader = Summing(content)
            if name == ABOUT:
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
    below = {one for one in names if one.startswith((ARTIFACTS, UPLOADS)) and os.path.normpath(one) == one}
    return {ABOUT, dump.FILES[kind]} | below


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


def _bring(settings: Settings, name: str, content: IO[bytes], copy: Path) -> None:
    """Write the copy of the database, or what somebody uploaded to its place; whole, or not at all.

    Raises:
        UnavailableError: it cannot be written.
    """
    if name == copy.name:
        with disk_errors(str(copy)):
            _pour(content, copy)
    if not name.startswith(UPLOADS):
        return
    place = settings.uploads / name.removeprefix(UPLOADS)
    make_private(place.parent)
    begun = place.with_name(f"{_BEGUN}{place.name}"[:200])
    with disk_errors(str(place)):
        begun.unlink(missing_ok=True)
        _pour(content, begun)
        begun.chmod(0o600)
        begun.replace(place)


def _pour(content: IO[bytes], path: Path) -> None:
    with path.open("xb") as file:
        while block := content.read(_BLOCK):
            file.write(block)
