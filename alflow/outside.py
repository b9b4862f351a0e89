"""Files and folders for other programs: whole or not at all, and nothing is overwritten unasked.

A place is a path, or an address of fsspec such as s3://bucket/birds. What goes to an address is made on this machine
first, and copied when it is whole.
"""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

from alflow.disk import disk_errors, in_words
from alflow.errors import AlflowError, ConflictError, InvalidInputError, UnavailableError
from alflow.leftovers import sweep
from alflow.remote import OBJECT_STORES, connect, reason, scheme_of

_BEGUN: Final = ".alflow-export-"
_PART: Final = ".partial"
_NO_FORCE: Final = "choose a new name, or say --force to replace it"


@contextmanager
def new_folder(place: str | Path) -> Iterator[Path]:
    """A folder to fill, which appears at its place when it is whole.

    One that a kill left behind ends in `.partial`; whoever fills this place again removes it, once it is old. An
    address is filled file by file at the end, so that a kill then leaves a part of it.

    Raises:
        ConflictError: there is something at the place already.
        InvalidInputError: it is an address that no file system has.
        UnavailableError: it cannot be written, or needs a package that is not installed.
    """
    if "://" in str(place):
        with _far_folder(str(place)) as folder:
            yield folder
        return
    whole = Path(place).absolute()
    part = _part_of(whole)
    _check_free(whole)
    try:
        with disk_errors(str(whole)):
            part.mkdir(parents=True)
            yield part
            _check_free(whole)
            part.rename(whole)  # takes the place of an empty folder, and of nothing else
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextmanager
def new_file(place: str, *, force: bool = False) -> Iterator[IO[bytes]]:
    """A file to write, which appears at its place when it is whole; with `force` in the place of one that is there.

    A pipe or a device is written as it is.

    Raises:
        ConflictError: there is something at the place already.
        InvalidInputError: there can be no such file.
        UnavailableError: the disk is full or may not be written; or its address cannot be reached, or needs a package
            that is not installed.
    """
    if "://" in place:
        with _far_file(place, force=force) as file:
            yield file
        return
    try:
        with disk_errors(place), _near_file(place, force=force) as file:
            yield file
    except ValueError as error:
        raise InvalidInputError(f"cannot write '{place}': {error}") from error


def begun() -> Path:
    """A folder of this machine for what is on its way elsewhere; who takes it removes it, and what is old is swept."""
    sweep(Path(tempfile.gettempdir()), f"{_BEGUN}*")
    return Path(tempfile.mkdtemp(prefix=_BEGUN))


@contextmanager
def _near_file(place: str, *, force: bool) -> Iterator[IO[bytes]]:
    whole = Path(place).resolve()
    if whole.exists() and not whole.is_file() and not whole.is_dir():
        with whole.open("wb") as file:
            yield file
        return
    part = _part_of(whole)
    _check_new(whole, place, force=force)
    try:
        whole.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise InvalidInputError(f"cannot write '{place}': there is a file where its folder should be") from error
    try:
        with part.open("xb") as file:
            yield file
        _check_new(whole, place, force=force)
        if whole.exists():
            shutil.copymode(whole, part)
        part.replace(whole)
    finally:
        part.unlink(missing_ok=True)


def _part_of(whole: Path) -> Path:
    """Where it is made. Parts that were begun here before and never finished are removed."""
    sweep(whole.parent, f".{escape(whole.name)}.????????{_PART}")
    return whole.with_name(f".{whole.name}.{uuid.uuid4().hex[:8]}{_PART}")


def _check_new(whole: Path, place: str, *, force: bool) -> None:
    if whole.is_dir():
        raise InvalidInputError(
            f"cannot write '{place}': it is a folder: name a file in it, such as {place.rstrip('/')}/FILE"
        )
    if whole.exists() and not force:
        raise ConflictError(f"{place} is there already: {_NO_FORCE}")


@contextmanager
def _far_file(place: str, *, force: bool) -> Iterator[IO[bytes]]:
    files, path = connect(place)
    with _reached(place, "reached"):
        taken = not force and files.exists(path)
    if taken:
        raise ConflictError(f"{place} is there already: {_NO_FORCE}")
    with _begun() as folder:
        part = Path(folder) / (PurePosixPath(path).name or "file")
        with part.open("xb") as file:
            yield file
        with _reached(place, "written"):
            _put(files, part, path, place)


@contextmanager
def _far_folder(place: str) -> Iterator[Path]:
    files, path = connect(place)
    with _reached(place, "reached"):
        taken = files.isfile(path) or bool(files.exists(path) and files.ls(path))
    if taken:
        raise ConflictError(f"{place} is there already: choose a new folder, nothing is overwritten")
    with _begun() as folder:
        part = Path(folder)
        yield part
        with _reached(place, "written, and may hold a part"):
            for file in sorted(each for each in part.rglob("*") if each.is_file()):
                _put(files, file, f"{path.rstrip('/')}/{file.relative_to(part).as_posix()}", place)


def _begun() -> "tempfile.TemporaryDirectory[str]":
    """Where what goes to an address is made."""
    sweep(Path(tempfile.gettempdir()), f"{_BEGUN}*")
    return tempfile.TemporaryDirectory(prefix=_BEGUN)


def _put(files: Any, file: Path, path: str, place: str) -> None:
    if scheme_of(place) not in OBJECT_STORES:  # to them a folder is a bucket, and a name with a slip would make one
        files.makedirs(files._parent(path), exist_ok=True)  # noqa: SLF001 - what fsspec's own `open` does for auto_mkdir
    files.put_file(str(file), path)


@contextmanager
def _reached(place: str, done: str) -> Iterator[None]:
    """Turn what file systems raise into one line.

    Raises:
        UnavailableError: the place cannot be `done`.
        AlflowError: it was one already.
    """
    try:
        yield
    except AlflowError:
        raise
    except Exception as error:  # each file system raises what it likes
        raise UnavailableError(f"{place} cannot be {done}: {reason(error)}") from error


def _check_free(folder: Path) -> None:
    """Is there nothing yet, or an empty folder?

    Raises:
        ConflictError: there is something.
        UnavailableError: nobody can tell.
    """
    try:
        taken = folder.is_symlink() or folder.is_file() or (folder.is_dir() and any(folder.iterdir()))
    except OSError as error:
        raise UnavailableError(in_words(error, str(folder))) from error
    if taken:
        raise ConflictError(f"{folder} is there already: choose a new folder, nothing is overwritten")
