"""Tensors and files, on disk or on object storage through fsspec, named by the hash of what made them."""

import hashlib
import io
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from fnmatch import fnmatch
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, Final, Protocol, cast

from safetensors import SafetensorError, safe_open
from safetensors.numpy import load

from alflow.disk import check_writable, disk_errors, in_words
from alflow.errors import AlflowError, InvalidInputError, NotFoundError, UnavailableError
from alflow.leftovers import leftovers, sweep
from alflow.private import private_folder, tighten
from alflow.remote import OBJECT_STORES, abort_uploads, connect, old_uploads, reason, scheme_of
from alflow.store.checksums import BLANK, KEY, check_bytes, check_tensors, seal_bytes, seal_tensors

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor  # takes 500 MB to import, so not before a tensor is read or written

_TEMPORARY: Final = ".tmp"
_UNFINISHED: Final = (f"*{_TEMPORARY}", f"{_TEMPORARY}*")  # ours, and those of safetensors
_REMEDY: Final = "`alflow doctor --repair` makes anew what can be, and says what else to do"  # not all can be deleted
_BLOCK: Final = 2**20
_START: Final = 1024  # bytes that hold the header of a shard
_LONGEST: Final = 100_000_000  # of a header, by the definition of safetensors


class Readable(Protocol):
    """A file, as far as it is read in blocks."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, so many at most; none at the end."""


def digest(**parts: Any) -> str:
    """SHA-256 of the parts as canonical JSON: 64 hexadecimal digits, the name of what they make.

    Raises:
        TypeError: a part is no JSON value.
        ValueError: a part is NaN or infinite.
    """
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


class Artifacts:
    """A folder of artifacts; names are relative and have forward slashes, as in `posteriors/<hash>.safetensors`.

    Writes are atomic: a file is written under a temporary name in the same folder, and then renamed. What a writer that
    was killed left there is removed by the next that writes into the folder, once it is old. Every file has a
    checksum inside (`alflow.store.checksums`), which is compared when it is read: of local tensors once in a process,
    as long as the file stays what it is.
    """

    def __init__(self, root: str | Path, *, private: bool = False, read_only: bool = False) -> None:
        """Keep artifacts under `root`: a folder or an fsspec URL such as s3://bucket/alflow.

        Private ones are in a folder of this machine, for its owner alone, whatever the umask. Of those that are read
        only nothing is written: tensors that would be are held in memory, for this object to read.

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
        self._held: dict[str, tuple[dict[str, Tensor], dict[str, str]]] | None = {} if read_only else None
        self._swept: set[PurePosixPath] = set()

    def write_tensors(
        self, name: str, tensors: Mapping[str, "Tensor"], metadata: Mapping[str, str] | None = None
    ) -> None:
        """Store tensors and strings about them as one safetensors file.

        Raises:
            InvalidInputError: the name leaves the folder.
            UnavailableError: the disk is full, or may not be written.
        """
        ready = {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}
        if self._held is not None:
            self._held[name] = (ready, dict(metadata or {}))
        elif self._is_local:
            self._write(name, lambda path: _save_file(path, ready, metadata or {}))
        else:
            data = _saved(ready, metadata or {})
            self._write(name, lambda path: self._files.pipe_file(path, data))

    def read_tensors(self, name: str, *, check: bool = True) -> tuple[dict[str, "Tensor"], dict[str, str]]:
        """The tensors and their metadata; local files are mapped into memory, not copied.

        Without `check` the checksum is not compared: for a glance that must not read the whole of a large file.

        Raises:
            InvalidInputError: the name leaves the folder, or the file is damaged.
            NotFoundError: there is no such artifact.
            UnavailableError: it is on another machine that cannot be reached.
        """
        if self._held is not None and name in self._held:
            return self._held[name]
        data = b"" if self._is_local else self._fetch(name)
        with self._if_damaged(name):
            if self._is_local:
                if check:
                    _check_once(self._existing(name))
                with safe_open(self._existing(name), framework="pt") as file:
                    notes = _without_sum(file.metadata() or {})
                    return {key: file.get_tensor(key) for key in file.keys()}, notes  # noqa: SIM118
            from safetensors.torch import load as load_tensors  # noqa: PLC0415

            check_tensors(io.BytesIO(data))
            return load_tensors(data), _metadata(data)

    def read_metadata(self, name: str) -> dict[str, str]:
        """The metadata alone: of files on other machines too, no more than the header is read.

        Raises:
            InvalidInputError: the name leaves the folder, or the file is damaged.
            NotFoundError: there is no such artifact.
            UnavailableError: it is on another machine that cannot be reached.
        """
        with self._if_damaged(name):
            if self._is_local:
                _check_once(self._existing(name))
            return _without_sum(self._header(name)[0].get("__metadata__", {}))

    def read_array(self, name: str, key: str) -> "NDArray[Any]":
        """One tensor alone, as an array, of a type that NumPy has, and not checked: PyTorch is not loaded for it.

        Of files on other machines too, no more than the header and it are read.

        Raises:
            InvalidInputError: the name leaves the folder, or the file is damaged or has no such tensor.
            NotFoundError: there is no such artifact.
            UnavailableError: it is on another machine that cannot be reached.
        """
        if self._held is not None and name in self._held:
            held: NDArray[Any] = self._held[name][0][key].numpy()
            return held
        with self._if_damaged(name):
            if self._is_local:
                with safe_open(self._existing(name), framework="numpy") as file:
                    found: NDArray[Any] = file.get_tensor(key)
                    return found
            header, after = self._header(name)
            start, end = (int(each) for each in header[key]["data_offsets"])
            data = self._fetch(name, after + start, after + end) if end > start else b""
            alone = json.dumps({key: header[key] | {"data_offsets": [0, end - start]}}).encode()
            return load(len(alone).to_bytes(8, "little") + alone + data)[key]

    def write_bytes(self, name: str, data: bytes) -> bytes:
        """Store a file; returns its bytes: a JPEG and a JSON object get a checksum inside.

        Raises:
            InvalidInputError: the name leaves the folder.
            UnavailableError: the disk is full, or may not be written.
        """
        sealed = seal_bytes(data)
        self._write(name, lambda path: self._files.pipe_file(path, sealed))
        return sealed

    def read_bytes(self, name: str) -> bytes:
        """The bytes of a file.

        Raises:
            InvalidInputError: the name leaves the folder, or the file is damaged.
            NotFoundError: there is no such artifact.
            UnavailableError: it may not be read.
        """
        data = self._fetch(name)
        with self._if_damaged(name):
            check_bytes(data, jpeg=name.endswith(".jpg"))
        return data

    def check(self, name: str) -> None:
        """Read a file from its first bit to its last, and compare it with its checksum, if it has one.

        Raises:
            InvalidInputError: the name leaves the folder, or the file is damaged.
            NotFoundError: there is no such artifact.
            UnavailableError: it may not be read.
        """
        if self._is_local and Path(path := self._path(name)).is_symlink() and not Path(path).exists():
            raise InvalidInputError(_damaged(path, ValueError("it is a link that leads nowhere")))
        path = self._existing(name)
        try:
            if not name.endswith(".safetensors"):
                data = self.read_bytes(name)
                if name.endswith(".json"):
                    json.loads(data)
                return
            if self._is_local:
                with disk_errors(path, "read"):
                    _check_file.__wrapped__(path)
        except ValueError as error:
            raise InvalidInputError(_damaged(path, error)) from error
        self.read_tensors(name, check=False)

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
        """Whether the artifact exists.

        Raises:
            InvalidInputError: the name leaves the folder.
            UnavailableError: it is on another machine that cannot be reached.
        """
        path = self._path(name)
        if name in (self._held or ()) or self._is_local:
            return name in (self._held or ()) or bool(self._files.isfile(path))
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

    def _write(self, name: str, write: Any) -> None:
        path = self._path(name)
        if self._held is not None:
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
                raise NotFoundError(f"there is no artifact {name} in {self._root}: {_REMEDY}") from error
            except OSError:
                if start is None or self._files.size(path) > start:
                    raise
                return b""  # some stores refuse what is behind the end

    def _header(self, name: str) -> tuple[dict[str, Any], int]:
        """The header of a safetensors file, and where its tensors begin: 8 bytes of length, then JSON."""
        data = self._fetch(name, 0, _START)
        after = 8 + int.from_bytes(data[:8], "little")
        if len(data) < after <= _LONGEST and len(data) == _START:
            data += self._fetch(name, _START, after)
        return cast("dict[str, Any]", json.loads(data[8:after])), after

    @contextmanager
    def _if_damaged(self, name: str) -> Iterator[None]:
        try:
            with disk_errors(self._path(name), "read"):
                yield
        except (SafetensorError, KeyError, AttributeError, TypeError, ValueError) as error:  # or of an unknown kind
            raise InvalidInputError(_damaged(self._shown(name), error)) from error

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
            raise NotFoundError(f"there is no artifact {name} in {self._root}: {_REMEDY}")
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


def _metadata(data: bytes) -> dict[str, str]:
    """The strings in a safetensors header: 8 bytes of length, little-endian, then JSON."""
    length = int.from_bytes(data[:8], "little")
    return _without_sum(json.loads(data[8 : 8 + length]).get("__metadata__", {}))


def _save_file(path: str, tensors: dict[str, "Tensor"], metadata: Mapping[str, str]) -> None:
    from safetensors.torch import save_file  # noqa: PLC0415

    save_file(tensors, path, {**metadata, KEY: BLANK})
    with Path(path).open("r+b") as file:
        seal_tensors(file)


def _saved(tensors: dict[str, "Tensor"], metadata: Mapping[str, str]) -> bytes:
    from safetensors.torch import save  # noqa: PLC0415

    file = io.BytesIO(save(tensors, {**metadata, KEY: BLANK}))
    seal_tensors(file)
    return file.getvalue()


def _without_sum(metadata: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in metadata.items() if key != KEY}


def _check_once(path: str) -> None:
    found = Path(path).stat()
    _check_file(path, found.st_size, found.st_mtime_ns, found.st_ino)


@lru_cache(maxsize=65_536)  # which keeps no error
def _check_file(path: str, *_as_it_is: int) -> None:
    """Compare a local file with its checksum, by reading: mapped pages would count as memory.

    Raises:
        ValueError: they differ.
    """
    with Path(path).open("rb") as file:
        check_tensors(file)


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


def _damaged(path: str, error: Exception) -> str:
    return f"the artifact {path} is damaged ({error}): {_REMEDY}"
