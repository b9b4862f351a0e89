"""Files below a root, on disk or on object storage through fsspec: written whole, and told of in words."""

import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from fnmatch import fnmatch
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final, Protocol

from alflow.disk import check_writable, disk_errors, in_words
from alflow.errors import AlflowError, InvalidInputError, NotFoundError, UnavailableError
from alflow.leftovers import leftovers, sweep
from alflow.private import private_folder, tighten
from alflow.remote import OBJECT_STORES, abort_uploads, connect, old_uploads, reason, scheme_of

REMEDY: Final = "`alflow doctor --repair` makes anew what can be, and says what else to do"  # not all can be deleted
_TEMPORARY: Final = ".tmp"
_UNFINISHED: Final = (f"*{_TEMPORARY}", f"{_TEMPORARY}*")  # ours, and those of safetensors
_BLOCK: Final = 2**20


class Readable(Protocol):
    """A file, as far as it is read in blocks."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, so many at most; none at the end."""


class Files:
    """The files below a root; names are relative and have forward slashes, as in `posteriors/<hash>.safetensors`.

    Writes are atomic: a file is written under a temporary name in the same folder, and then renamed. What a writer that
    was killed left there is removed by the next that writes into the folder, once it is old.
    """

    def __init__(self, root: str | Path, *, private: bool, read_only: bool) -> None:
        """Keep them under `root`: a folder or an fsspec URL such as s3://bucket/alflow.

        Private ones are in a folder of this machine, for its owner alone, whatever the umask.

        Raises:
            InvalidInputError: no file system has such an address.
            UnavailableError: the file system needs a package that is not installed.
        """
        try:
            self._files, self._root = connect(str(root))
        except (InvalidInputError, UnavailableError) as error:
            raise type(error)(f"ALFLOW_ARTIFACTS_URL cannot be used: {error}") from error
        self._is_local = "file" in (self._files.protocol, *self._files.protocol)
        self._puts_whole = scheme_of(str(root)) in OBJECT_STORES
        self._is_private = private and self._is_local
        self._is_read_only = read_only
        self._swept: set[PurePosixPath] = set()

    @contextmanager
    def reading(self, name: str) -> Iterator[tuple[Readable, int]]:
        """A file, open to be read as it is, and its size in bytes.

        Raises:
            InvalidInputError: the name leaves the folder.
            NotFoundError: there is no such artifact.
            UnavailableError: it may not be read.
        """
        path = self._existing(name)
        with self._reaching(name, "read"):
            file, size = self._files.open(path, "rb"), int(self._files.size(path))
        with file:
            yield _Reader(file, partial(self._reaching, name, "read")), size

    def write_stream(self, name: str, content: Readable) -> None:
        """Store a file as it comes, without a checksum of its own.

        Raises:
            InvalidInputError: the name leaves the folder.
            UnavailableError: the disk is full, or may not be written.
        """

        def pour(path: str) -> None:
            with self._files.open(path, "wb") as file:
                shutil.copyfileobj(content, file, _BLOCK)

        self._write(name, pour)

    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is no error.

        Raises:
            InvalidInputError: the name leaves the folder.
            UnavailableError: the disk may not be written.
        """
        path = self._path(name)
        with self._reaching(name, "removed"), suppress(FileNotFoundError):
            self._files.rm_file(path)

    def remove_folder(self, prefix: str) -> None:
        """Remove a folder with all that is in it and below; one that is not there is no error.

        Raises:
            InvalidInputError: the name leaves the folder of all artifacts, or is that.
            UnavailableError: the disk may not be written.
        """
        if (path := self._path(prefix)) == self._path(""):
            raise InvalidInputError("the folder of all artifacts is not removed as a whole")
        with self._reaching(prefix, "removed"), suppress(FileNotFoundError):
            self._files.rm(path, recursive=True)

    def sizes(self, prefix: str) -> dict[str, int]:
        """The files in a folder and below it by name, unfinished ones too, with their bytes.

        Raises:
            InvalidInputError: the name leaves the folder.
            UnavailableError: it is on another machine that cannot be reached.
        """
        found = self._found(prefix)
        root = PurePosixPath(self._root)
        return {str(PurePosixPath(path).relative_to(root)): size for path, size in found.items()}

    def checksum(self, name: str) -> str:
        """SHA-256 of the bytes of a file, which is read in blocks.

        Raises:
            InvalidInputError: the name leaves the folder.
            NotFoundError: there is no such artifact.
            UnavailableError: it may not be read.
        """
        path, found = self._existing(name), hashlib.sha256()
        with self._reaching(name, "read"), self._files.open(path, "rb") as file:
            while block := file.read(_BLOCK):
                found.update(block)
        return found.hexdigest()

    def exists(self, name: str) -> bool:
        """Whether there is such a file.

        Raises:
            InvalidInputError: the name leaves the folder.
            UnavailableError: it is on another machine that cannot be reached.
        """
        path = self._path(name)
        if self._is_local:
            return bool(self._files.isfile(path))
        with self._reaching(name, "read"):
            try:  # not `isfile`, which says that nothing is there when nobody can tell
                return str(self._files.info(path)["type"]) == "file"
            except FileNotFoundError:
                return False

    def is_there(self) -> bool:
        """Whether the folder of all artifacts exists; asks the file system, wherever that is.

        Raises:
            UnavailableError: it does not answer, or may not be read.
        """
        with self._reaching("", "read"):
            return bool(self._files.exists(self._root))

    def leftovers(self) -> list[str]:
        """What writers that were killed left, where old: unfinished files; of S3, the parts of unfinished uploads.

        Raises:
            UnavailableError: it is on another machine that cannot be reached.
        """
        if self._is_local:
            return [str(path) for path in leftovers(Path(self._root), *_UNFINISHED, deep=True)]
        with self._reaching("", "read"):
            return sorted({self._files.unstrip_protocol(path) for path, _ in old_uploads(self._files, self._root)})

    def sweep(self) -> list[str]:
        """Remove the `leftovers`; returns what is gone.

        Raises:
            UnavailableError: it is on another machine that cannot be reached.
        """
        if self._is_local:
            return [str(path) for path in sweep(Path(self._root), *_UNFINISHED, deep=True)]
        found = self.leftovers()
        with self._reaching("", "written"):
            abort_uploads(self._files, self._root)
        return found

    def list(self, prefix: str) -> list[str]:
        """Names of all artifacts in this folder and those below it, sorted; none when it does not exist.

        Raises:
            InvalidInputError: the name leaves the folder.
            UnavailableError: it is on another machine that cannot be reached.
        """
        names = (str(PurePosixPath(path).relative_to(PurePosixPath(self._root))) for path in self._found(prefix))
        return sorted(name for name in names if not any(fnmatch(PurePosixPath(name).name, one) for one in _UNFINISHED))

    def path(self, name: str) -> str:
        """Where the artifact is, for messages.

        Raises:
            InvalidInputError: the name leaves the folder.
        """
        return self._shown(name)

    def check_writable(self) -> None:
        """Check quickly whether a write would succeed now; files on other machines are not checked.

        Raises:
            UnavailableError: the disk is full, or the folder cannot be written.
        """
        if self._is_local:
            check_writable(Path(self._root) / "projects")

    def _found(self, prefix: str) -> dict[str, int]:
        """The files below a folder, with their bytes."""
        with self._reaching(prefix, "read"):
            if self._is_local:
                return _below(self._path(prefix))
            try:
                found = self._files.find(self._path(prefix), detail=True)
            except FileNotFoundError:
                return {}
        return {path: int(one["size"]) for path, one in found.items()}

    def _write(self, name: str, write: Any) -> None:
        path = self._path(name)
        if self._is_read_only:
            raise UnavailableError(f"{self._shown(name)} cannot be written: this workspace is open to read only")
        with self._reaching(name, "written"):
            write(path) if self._puts_whole else self._write_beside(path, write)

    def _write_beside(self, path: str, write: Any) -> None:
        temporary = f"{path}.{uuid.uuid4().hex}{_TEMPORARY}"
        self._make_folder(folder := PurePosixPath(path).parent)
        if self._is_local and folder not in self._swept:
            self._swept.add(folder)
            sweep(Path(folder), *_UNFINISHED)
        try:
            write(temporary)
            if self._is_private:
                tighten(Path(temporary), 0o600)
            if self._is_local:
                Path(temporary).replace(path)
            else:
                self._files.mv(temporary, path)
        except BaseException:
            if self._files.exists(temporary):
                self._files.rm_file(temporary)
            raise

    def _fetch(self, name: str, start: int | None = None, end: int | None = None) -> bytes:
        path = self._existing(name) if self._is_local else self._path(name)
        with self._reaching(name, "read"):
            try:
                return bytes(self._files.cat_file(path, start=start, end=end))
            except FileNotFoundError as error:
                raise NotFoundError(f"there is no artifact {name} in {self._root}: {REMEDY}") from error
            except OSError:
                if start is None or self._files.size(path) > start:
                    raise
                return b""  # some stores refuse what is behind the end

    @contextmanager
    def _reaching(self, name: str, doing: str) -> Iterator[None]:
        """Turn what disks and file systems raise while a file is `written` or `read` into what a person can act on.

        Raises:
            UnavailableError: whatever they raised.
            AlflowError: it was one already.
        """
        if self._is_local:
            with disk_errors(self._path(name), doing):
                yield
            return
        try:
            yield
        except AlflowError:
            raise
        except Exception as error:  # each file system raises what it likes
            where, why = self._shown(name), reason(error)
            remedy = "check the address, the network and the account, and it goes on"
            raise UnavailableError(f"{where} cannot be {doing} ({why}): {remedy}") from error

    def _shown(self, name: str) -> str:
        path = self._path(name)
        return path if self._is_local else str(self._files.unstrip_protocol(path))

    def _make_folder(self, folder: PurePosixPath) -> None:
        if self._is_private:
            private_folder(Path(folder))
        else:
            self._files.makedirs(str(folder), exist_ok=True)

    def _existing(self, name: str) -> str:
        if not self.exists(name):
            raise NotFoundError(f"there is no artifact {name} in {self._root}: {REMEDY}")
        return self._path(name)

    def _path(self, name: str) -> str:
        if name.startswith("/") or ".." in PurePosixPath(name).parts:
            raise InvalidInputError(f"an artifact's name stays inside its folder: {name!r}")
        return f"{self._root.rstrip('/')}/{name}".rstrip("/")


class _Reader:
    """Reads a file; what fails is told by the artifact's name, and not what fails in who reads it."""

    def __init__(self, file: IO[bytes], reaching: Callable[[], AbstractContextManager[None]]) -> None:
        self._file, self._reaching = file, reaching

    def read(self, size: int = -1, /) -> bytes:
        with self._reaching():
            return self._file.read(size)


def _below(path: str) -> dict[str, int]:
    """Unlike fsspec's, this follows a folder that was moved to another disk, and leaves out none that may not be read.

    Raises:
        UnavailableError: one may not be read.
    """

    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            raise UnavailableError(in_words(error, error.filename, "read")) from error

    found, seen = dict[str, int](), set[str]()
    for folder, below, files in os.walk(path, onerror=refuse, followlinks=True):
        if (real := os.path.realpath(folder)) in seen:
            below.clear()  # a link to a folder above
            continue
        seen.add(real)
        for one in (f"{folder}/{name}" for name in files):
            with suppress(FileNotFoundError):  # removed just now
                found[one] = os.lstat(one).st_size
    return found
