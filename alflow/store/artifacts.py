"""Tensors and files, on disk or on object storage, named by the hash of what made them."""

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from safetensors import SafetensorError, safe_open
from safetensors.numpy import load

from alflow.disk import disk_errors
from alflow.errors import InvalidInputError
from alflow.store.checksums import BLANK, KEY, check_bytes, check_tensors, seal_bytes, seal_tensors
from alflow.store.contents import check_contents, check_notes, is_stray
from alflow.store.files import REMEDY, Files

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor  # takes 500 MB to import, so not before a tensor is read or written

_START: Final = 1024  # bytes that hold the header of a shard
_LONGEST: Final = 100_000_000  # of a header, by the definition of safetensors


def digest(**parts: Any) -> str:
    """SHA-256 of the parts as canonical JSON: 64 hexadecimal digits, the name of what they make.

    Raises:
        TypeError: a part is no JSON value.
        ValueError: a part is NaN or infinite.
    """
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


class Artifacts(Files):
    """A folder of artifacts.

    Every file has a checksum inside (`alflow.store.checksums`), which is compared when it is read: of local tensors
    once in a process, as long as the file stays what it is. A whole file of another kind counts as damaged too
    (`alflow.store.contents`).
    """

    def __init__(self, root: str | Path, *, private: bool = False, read_only: bool = False) -> None:
        """As of `Files`; of those that are read only, tensors that would be written are held in memory, to be read."""
        super().__init__(root, private=private, read_only=read_only)
        self._held: dict[str, tuple[dict[str, Tensor], dict[str, str]]] = {}

    def write_tensors(
        self, name: str, tensors: Mapping[str, "Tensor"], metadata: Mapping[str, str] | None = None
    ) -> None:
        """Store tensors and strings about them as one safetensors file.

        Raises:
            InvalidInputError: the name leaves the folder.
            UnavailableError: the disk is full, or may not be written.
            ValueError: files of that folder hold something else.
        """
        check_contents(name, tensors, metadata or {})
        ready = {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}
        if self._is_read_only:
            self._held[name] = (ready, dict(metadata or {}))
        elif self._is_local:
            self._write(name, lambda path: _save_file(path, ready, metadata or {}))
        else:
            data = _saved(ready, metadata or {})
            self._write(name, lambda path: self._files.pipe_file(path, data))

    def read_tensors(
        self, name: str, *, check: bool = True, lengths: Mapping[str, int] | None = None
    ) -> tuple[dict[str, "Tensor"], dict[str, str]]:
        """The tensors and their metadata; local files are mapped into memory, not copied.

        Without `check` the checksum is not compared: for a glance that must not read the whole of a large file. Who
        knows how long an axis is (`alflow.store.contents`) says so, of what is made anew when it is not there.

        Raises:
            InvalidInputError: the name leaves the folder, or the file is damaged.
            NotFoundError: there is no such artifact.
            UnavailableError: it is on another machine that cannot be reached.
        """
        if name in self._held:
            return self._held[name]
        data = b"" if self._is_local else self._fetch(name)
        with self._if_damaged(name):
            if self._is_local:
                if check:
                    _check_once(self._existing(name))
                with safe_open(self._existing(name), framework="pt") as file:
                    notes = _without_sum(file.metadata() or {})
                    tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            else:
                from safetensors.torch import load as load_tensors  # noqa: PLC0415

                check_tensors(io.BytesIO(data))
                tensors, notes = load_tensors(data), _metadata(data)
            check_contents(name, tensors, notes)
        if lengths is not None:
            try:
                check_contents(name, tensors, notes, lengths)
            except ValueError as error:
                where = self._shown(name)
                raise InvalidInputError(
                    f"{where} is not of its images ({error}): remove it, and it is made anew"
                ) from error
        return tensors, notes

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
            notes = _without_sum(self._header(name)[0].get("__metadata__", {}))
            check_notes(name, notes)
            return notes

    def read_array(self, name: str, key: str) -> "NDArray[Any]":
        """One tensor alone, as an array, of a type that NumPy has, and not checked: PyTorch is not loaded for it.

        Of files on other machines too, no more than the header and it are read.

        Raises:
            InvalidInputError: the name leaves the folder, or the file is damaged or has no such tensor.
            NotFoundError: there is no such artifact.
            UnavailableError: it is on another machine that cannot be reached.
        """
        if name in self._held:
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
            if name.endswith(".json"):
                check_notes(name, json.loads(data))
        return data

    def tables(self, prefix: str) -> list[str]:
        """As `list`, without what is no file of tensors of alflow's: what desktops leave in a folder, copies by hand.

        Raises:
            InvalidInputError: the name leaves the folder.
            UnavailableError: it is on another machine that cannot be reached.
        """
        return [name for name in self.list(prefix) if not is_stray(name)]

    def check(self, name: str) -> None:
        """Read a file from its first bit to its last, and compare it with its checksum, if it has one.

        Raises:
            InvalidInputError: the name leaves the folder, or the file is damaged.
            NotFoundError: there is no such artifact.
            UnavailableError: it may not be read.
        """
        if self._is_local and Path(path := self._path(name)).is_symlink() and not Path(path).exists():
            raise InvalidInputError(_damaged(path, ValueError("it is a link that leads nowhere")))
        if is_stray(name):
            raise InvalidInputError(_damaged(self._shown(name), ValueError("alflow wrote no file of that name")))
        path = self._existing(name)
        try:
            if not name.endswith(".safetensors"):
                self.read_bytes(name)
                return
            if self._is_local:
                with disk_errors(path, "read"):
                    _check_file.__wrapped__(path)
        except ValueError as error:
            raise InvalidInputError(_damaged(path, error)) from error
        self.read_tensors(name, check=False)

    def exists(self, name: str) -> bool:
        """Whether the artifact exists.

        Raises:
            InvalidInputError: the name leaves the folder.
            UnavailableError: it is on another machine that cannot be reached.
        """
        return name in self._held or super().exists(name)

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


def _damaged(path: str, error: Exception) -> str:
    return f"the artifact {path} is damaged ({error}): {REMEDY}"
