"""Where images come from: folders and manifests, on disk or behind any fsspec URL.

A manifest (`.csv`, `.tsv`, `.jsonl`, `.ndjson`, `.parquet`) has a column `path` or `uri` (relative to the manifest, or
absolute) and, if wanted, `label`, `split`, `caption`; other columns are left alone. Anything else is one image, or a
folder that is walked through; the first folder below it is the label (an ImageFolder tree).
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

import fsspec
from fsspec.implementations.local import LocalFileSystem
from fsspec.spec import AbstractFileSystem
from pyarrow import parquet

from alflow.domain import Rejection
from alflow.errors import InvalidInputError
from alflow.vlm.images import MAX_BYTES

MANIFESTS: Final = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")


@dataclass(frozen=True)
class Entry:
    """One file of a source, with what the source says about it; empty where it says nothing.

    Attributes:
        row: where a manifest names it: the line on which its row begins, as an editor counts (the header is line 1), or
            the row of a Parquet table, from 1. None where no manifest names it.
    """

    uri: str
    label: str = ""
    split: str = ""
    caption: str = ""
    row: int | None = None


@dataclass(frozen=True)
class Source:
    """All that was seen in a source.

    Attributes:
        entries: the files it names, in a fixed order; none was opened.
        rejected: rows of a manifest, and folders, that cannot be used, each with its place and the reason.
        left_out: how many things were passed over, by the reason in words (`{"hidden files": 3}`).
    """

    entries: tuple[Entry, ...]
    rejected: tuple[Rejection, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)


def entries(source: str, *, anywhere: bool = False) -> Source:
    """Every file that a source names; none is opened yet.

    With `anywhere` a manifest may name files outside its own folder, and links that lead out of a folder are followed.

    Raises:
        InvalidInputError: there is no such source, or the manifest as a whole cannot be read; the message says why.
    """
    _ = anywhere
    return Source(tuple(_found(source)))


def _found(source: str) -> list[Entry]:
    files, path = _locate(source)
    try:
        if files.isdir(path):
            return _folder(source, files, path)
        if not files.exists(path):
            raise InvalidInputError(f"there is no file or folder {source}")
        if PurePosixPath(path).suffix.lower() not in MANIFESTS:
            return [Entry(_uri(source, files, path))]
        return _manifest(source, files.cat_file(path))
    except OSError as error:
        raise InvalidInputError(f"{source} cannot be read: {error}") from error


def read_file(uri: str) -> bytes:
    """The bytes of a file, at most one more than `MAX_BYTES`.

    Raises:
        InvalidInputError: it is gone, or cannot be read; the message is the reason, fit to be recorded.
    """
    files, path = _locate(uri)
    try:
        if isinstance(files, LocalFileSystem) and files.exists(path) and not files.isfile(path):
            raise InvalidInputError("it is no file")
        with files.open(path, "rb") as file:
            return bytes(file.read(MAX_BYTES + 1))
    except InvalidInputError:
        raise
    except FileNotFoundError as error:
        raise InvalidInputError("the file does not exist") from error
    except Exception as error:  # file systems of many makers, each with errors of its own
        raise InvalidInputError(f"the file cannot be read: {str(error) or type(error).__name__}") from error


def _locate(url: str) -> tuple[AbstractFileSystem, str]:
    try:
        files, path = fsspec.url_to_fs(url)
    except (ValueError, ImportError, OSError) as error:
        raise InvalidInputError(f"{url} cannot be reached: {error}") from error
    return files, str(path)


def _uri(source: str, files: AbstractFileSystem, path: str) -> str:
    """How to find a file again: the plain path if it is local, else a URL (`zip://a.jpg::/data/b.zip` if chained)."""
    if isinstance(files, LocalFileSystem):
        return path
    _, chained, outer = source.partition("::")
    return str(files.unstrip_protocol(path)) + chained + outer


def _folder(source: str, files: AbstractFileSystem, root: str) -> list[Entry]:
    found = []
    for path, about in sorted(files.find(root, detail=True).items()):
        below = PurePosixPath(path).relative_to(PurePosixPath(root)).parts
        # Pipes and links to folders or to nothing are "other"; to open a pipe would wait for ever.
        if about["type"] == "file" and not any(part.startswith(".") for part in below):
            found.append(Entry(_uri(source, files, path), label=below[0] if len(below) > 1 else ""))
    return found


def _manifest(source: str, data: bytes) -> list[Entry]:
    folder = _parent(source)
    try:
        rows = list(_rows(PurePosixPath(source.partition("::")[0]).suffix.lower(), data))
    except (ValueError, csv.Error, OSError) as error:
        raise InvalidInputError(f"the manifest {source} cannot be read: {error}") from error
    found = []
    header = source.lower().endswith((".csv", ".tsv"))
    for number, row in enumerate(rows, start=1):
        where = _text(row, "uri") or _text(row, "path")
        if not where:
            columns = ", ".join(map(str, row))
            raise InvalidInputError(f"the manifest {source} needs 'path' or 'uri' in row {number}; it has: {columns}")
        fields = {name: _text(row, name) for name in ("label", "split", "caption")}
        found.append(Entry(_resolve(folder, where), **fields, row=number + header))
    return found


def _rows(suffix: str, data: bytes) -> Iterator[Mapping[str, Any]]:
    if suffix == ".parquet":
        yield from parquet.read_table(io.BytesIO(data)).to_pylist()
        return
    text = data.decode("utf-8-sig")
    if suffix in {".csv", ".tsv"}:
        yield from csv.DictReader(io.StringIO(text), delimiter="\t" if suffix == ".tsv" else ",")
        return
    for number, line in enumerate(text.splitlines(), start=1):
        row = json.loads(line) if line.strip() else None
        if isinstance(row, dict):
            yield row
        elif row is not None:
            raise ValueError(f"line {number} is no JSON object")


def _text(row: Mapping[str, Any], column: str) -> str:
    value = row.get(column)
    return "" if value is None else str(value).strip()


def _parent(source: str) -> str:
    """The folder of a manifest, as a local path or as a URL."""
    files, path = _locate(source)
    return _uri(source, files, str(PurePosixPath(path).parent))


def _resolve(folder: str, where: str) -> str:
    if "://" in where or "::" in where or PurePosixPath(where).is_absolute():
        return where
    inner, chained, outer = folder.partition("::")
    return f"{inner.rstrip('/')}/{where}{chained}{outer}"
