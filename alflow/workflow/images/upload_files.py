"""The files of uploads: names that any disk can keep, what they may be and how much, and how each gets its name."""

import hashlib
import os
import shutil
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from alflow.disk import disk_errors
from alflow.domain.projects import Project
from alflow.errors import InvalidInputError, UnavailableError
from alflow.ids import ProjectId
from alflow.leftovers import sweep
from alflow.private import private_folder, private_opener
from alflow.settings import Settings
from alflow.store.images import watches
from alflow.vlm.images import MAX_BYTES, no_picture
from alflow.workflow.images import manifests
from alflow.workflow.images.addresses import LOCAL, Address
from alflow.workflow.images.archives import archive_of
from alflow.workspace import Workspace

MOST_FILES: Final = 1_000_000
"""Images that people may upload into one project."""

_ROOM: Final = 256 * 2**20  # bytes that an upload leaves free for labels and embeddings
_ARRIVING: Final = ".arriving-"
_LONGEST_PART, _LONGEST_NAME, _DEEPEST = 180, 1200, 24  # bytes, bytes, folders


def safe_name(path: str) -> str:
    """A path below a folder that any disk can keep: without `..`, signs that nobody sees, and what parts addresses.

    Raises:
        InvalidInputError: nothing is left of it, it is hidden, or too long.
    """
    parts = [_plain(part) for part in path.replace("\\", "/").split("/")]
    parts = [part for part in parts if part.strip(". ")]
    if any(part.startswith(".") for part in parts):
        raise InvalidInputError("it is hidden: give it a name that begins with a letter, if it is an image")
    name = "/".join(parts)
    if not name or len(parts) > _DEEPEST or len(name.encode()) > _LONGEST_NAME:
        raise InvalidInputError("its name is empty, too long, or below too many folders: rename it")
    return name


def check_beginning(name: str, start: bytes) -> None:
    """Refuse what shows at its beginning that it is no image, unless its name says that it is an archive or a manifest.

    Raises:
        InvalidInputError: the reason, with the remedy.
    """
    if kind_of(name) is None and (reason := no_picture(start)) is not None:
        raise InvalidInputError(reason)


def kind_of(name: str) -> str | None:
    """Whether it is an "archive" or a "manifest", by the ending of its name; else it has to be an image."""
    if archive_of(Address(LOCAL, f"/{name}")) is not None:
        return "archive"
    return "manifest" if Path(name.lower()).suffix in manifests.READERS else None


def check_room(workspace: Workspace, project: Project, name: str, size: int) -> None:
    """Refuse what is too much.

    Raises:
        InvalidInputError: for one picture, or for a project.
        UnavailableError: for the disk.
    """
    if kind_of(name) != "archive" and size > MAX_BYTES:
        raise InvalidInputError(f"the file is larger than {MAX_BYTES // 2**20} MB: save a smaller picture")
    with workspace.database.read() as tx:
        every = watches.of_project(tx, project.id)
    most, has = workspace.settings.uploads_gigabytes * 1e9, sum(one.tally.get("bytes", 0) for one in every)
    if has + size > most or sum(sum(one.files.values()) for one in every if one.once) > MOST_FILES:
        raise InvalidInputError(
            f"the project would have more uploads than {most / 1e9:g} GB or {MOST_FILES:,} images: put them into a "
            "folder of the machine, and let `alflow watch` take them"
        )
    home = workspace.settings.home.resolve()
    if shutil.disk_usage(home).free < size + _ROOM:
        raise UnavailableError(f"the disk is full: {home} has no room for this file; free some space, and it goes on")


def begun(folder: Path) -> IO[bytes]:
    """A file without a name that counts, for its owner alone.

    Raises:
        UnavailableError: it cannot be made.
    """
    private_folder(folder)
    sweep(folder, f"{_ARRIVING}*")
    with disk_errors(str(folder)):
        return open(folder / f"{_ARRIVING}{uuid.uuid4().hex}", "xb", opener=private_opener)


def named(arrived: Path, wanted: Path, content_hash: str, is_refused: Callable[[Path], bool]) -> tuple[Path, bool]:
    """Give it its name, or the next free one; returns that, and whether a file with these bytes was there.

    It replaces one that could not be used.

    Raises:
        InvalidInputError: a file is where its folder would be.
        UnavailableError: nothing can be stored.
    """
    with disk_errors(str(wanted)):
        try:
            wanted.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise InvalidInputError(f"there is a file where {wanted.parent.name!r} is a folder: rename that") from error
        number, place = 1, wanted
        while True:
            try:
                os.link(arrived, place)
            except FileExistsError:
                if place.is_file() and _hash(place) == content_hash:
                    return place, True
                if is_refused(place):
                    os.replace(arrived, place)  # noqa: PTH105 - as `os.link` above
                    return place, False
                number += 1
                place = wanted.with_name(f"{wanted.stem} ({number}){wanted.suffix}")
            else:
                return place, False


def uploaded(settings: Settings) -> list[Path]:
    """The files that people uploaded, of all projects."""
    every = (file for file in settings.uploads.rglob("*") if not file.name.startswith(_ARRIVING))
    return sorted(file for file in every if file.is_file())


def sent_files(workspace: Workspace, project_id: ProjectId) -> dict[str, int]:
    """The files that people uploaded into a project, and their sizes in bytes."""
    folder = folder_of_project(workspace, project_id)
    return {str(file): file.stat().st_size for file in folder.rglob("*") if file.is_file()}


def remove_sent(workspace: Workspace, project_id: ProjectId) -> None:
    """Remove them.

    Raises:
        UnavailableError: they cannot be removed.
    """
    folder = folder_of_project(workspace, project_id)
    with disk_errors(str(folder), "removed"), suppress(FileNotFoundError):
        shutil.rmtree(folder)


def folder_of_project(workspace: Workspace, project_id: ProjectId) -> Path:
    """Where the uploads of a project are kept."""
    return workspace.settings.uploads / str(project_id)


def _plain(part: str) -> str:
    seen = "".join(sign if sign.isprintable() else "_" for sign in part).replace("::", "__").strip()
    stem, dot, ending = seen.rpartition(".")
    if len(seen.encode()) <= _LONGEST_PART:
        return seen
    cut = (stem or ending).encode()[: _LONGEST_PART - 20].decode(errors="ignore")
    return f"{cut}{dot if stem else ''}{ending[:12] if stem else ''}"


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
