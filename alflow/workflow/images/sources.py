"""Where images come from: folders, archives and manifests, on disk or at an address.

A manifest (`.csv`, `.tsv`, `.jsonl`, `.ndjson`, `.parquet`) has a column `path` or `uri`, relative to the manifest or
absolute, and, if wanted, `label`, `split`, `group`, `caption`. It names files in its own folder or bucket only, unless
`anywhere` is set. Relative rows of a manifest with a signed URL get no signature, which is for one file. Anything else
is an archive (`.zip`, `.tar`), one image, or a folder that is walked through; the first folder below it is the label
(an ImageFolder tree).
"""

import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from alflow.domain.images import Rejection
from alflow.errors import InvalidInputError
from alflow.store.rows import storable
from alflow.vlm.images import MAX_BYTES
from alflow.workflow.images import manifests
from alflow.workflow.images.addresses import BUCKETS, LOCAL, MAX_ADDRESS, WEB, Address, is_short, parse, within
from alflow.workflow.images.archives import archive_of, has_member, read
from alflow.workflow.images.listing import archive_folder, bucket_folder, web_folder
from alflow.workflow.images.manifests import Row
from alflow.workflow.images.reach import Reach, everywhere
from alflow.workflow.images.reading import is_web_page
from alflow.workflow.images.walking import SHUT, Found, FoundFile, local_folder

_MANIFEST_BYTES = 2**31


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a source, with what the source says about it; empty where it says nothing.

    Attributes:
        row: where a manifest names it: the line on which its row begins, as an editor counts (the header is line 1), or
            the row of a Parquet table, from 1. None where no manifest names it.
        mark: of its bytes, where a folder or a bucket gives one (see `FoundFile`).
        group: what several images show.
    """

    uri: str
    label: str = ""
    split: str = ""
    caption: str = ""
    row: int | None = None
    mark: str = field(default="", compare=False)
    group: str = ""


@dataclass(frozen=True)
class Source:
    """The contents of a source.

    Attributes:
        entries: the files it names, in a fixed order; none was opened.
        rejected: rows of a manifest, and folders, that cannot be used, each with its place and the reason.
        left_out: how many entries were skipped, by the reason (`{"hidden files": 3}`).
        outdated: earlier rejections that this reading of the source replaces, by how their place and reason begin.
        reach: what its files are read through.
    """

    entries: tuple[Entry, ...]
    rejected: tuple[Rejection, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    outdated: tuple[str, str] = field(default=("", ""), compare=False)
    reach: Reach = field(default=everywhere, compare=False)


def entries(source: str, *, anywhere: bool = False, reach: Reach = everywhere) -> Source:
    """Every file that a source names; none is opened yet.

    With `anywhere` a manifest may name files outside its own folder, and links that lead out of a folder are followed.
    `reach` bounds what may be read at all.

    Raises:
        InvalidInputError: there is no such source, or the manifest as a whole cannot be read; the message says why.
    """
    try:
        address = reach(parse(source))
    except InvalidInputError as error:
        raise InvalidInputError(f"{source[:200]} cannot be reached: {error}") from error
    return replace(_entries(address, anywhere=anywhere), reach=reach)


def named(rows: Sequence[Row], reach: Reach) -> Source:
    """The files of the rows of a manifest that is in no file, each at an address of its own."""
    found, rejected = [], []
    for row in rows:
        try:
            where = str(reach(_address(row)))
            found.append(Entry(where, row.label, row.split, row.caption, row.number, group=row.group))
        except InvalidInputError as error:
            rejected.append(_rejection(f"row {row.number}, {row.where}", str(error)))
    return Source(tuple(found), tuple(rejected), reach=reach)


def _entries(address: Address, *, anywhere: bool) -> Source:
    with _telling(address):
        is_folder = address.scheme == LOCAL and _is_folder(address.path)
    suffix = PurePosixPath(address.name).suffix
    if suffix in manifests.READERS and not is_folder:
        return _manifest(address, suffix, anywhere=anywhere)
    with _telling(address):
        found = _found(address if is_folder else archive_of(address) or address, anywhere=anywhere)
    listed = tuple(Entry(one.uri, label=folder_label(one.below), mark=one.mark) for one in found.files)
    shut = (_rejection(folder.uri, folder.reason) for folder in found.rejected)
    return _checked(listed, shut, found.left_out, (f"{str(address).rstrip('/')}/", SHUT))


def watchable(source: str) -> Address:
    """The folder or the prefix of a bucket that a text means: their files have marks, so none is read to know it.

    Raises:
        InvalidInputError: it is something else, or there is no such folder.
    """
    address = parse(source)
    with _telling(address):
        if address.scheme == LOCAL and _is_folder(address.path):
            return address
    if address.scheme not in BUCKETS or PurePosixPath(address.name).suffix in manifests.READERS or archive_of(address):
        raise InvalidInputError(
            f"{address.shown} cannot be watched, as a folder or a prefix of a bucket can: `alflow import` takes it once"
        )
    return replace(address, path=address.path.rstrip("/"))


def folder_label(below: Sequence[str]) -> str:
    """The label of a file in an ImageFolder tree, by the names on the way to it; empty outside of a folder."""
    return below[0] if len(below) > 1 else ""


def read_file(uri: str, reach: Reach = everywhere) -> bytes:
    """The bytes of a file, at most one more than `MAX_BYTES`.

    Raises:
        InvalidInputError: it is gone, or cannot be read; the message is the reason, fit to be recorded.
    """
    return read(reach(parse(uri)), MAX_BYTES + 1)


def _is_folder(path: str) -> bool:
    """Whether there is a folder, or something else, of this name on disk.

    Raises:
        InvalidInputError: there is nothing, or it cannot be accessed.
    """
    try:
        return stat.S_ISDIR(Path(path).stat().st_mode)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InvalidInputError(f"there is no file or folder {path}") from error
    except OSError as error:
        raise InvalidInputError(error.strerror or str(error)) from error


def _found(address: Address, *, anywhere: bool) -> Found:
    """The files of anything but a manifest."""
    alone = Found((FoundFile(str(address), ()),), {})
    if address.outer is not None:
        return alone if has_member(address) else archive_folder(address)
    if address.scheme == LOCAL:
        return local_folder(address.path, anywhere=anywhere) if _is_folder(address.path) else alone
    if address.scheme in WEB:
        return web_folder(address) if is_web_page(read(address, 1024)) else alone
    return bucket_folder(address)


def _manifest(address: Address, suffix: str, *, anywhere: bool) -> Source:
    with _telling(address):
        data = read(address, _MANIFEST_BYTES)
    try:
        rows = manifests.rows(suffix, data)
    except InvalidInputError as error:
        raise InvalidInputError(f"the manifest {address.shown} {error}") from error
    place, found, rejected = f"{address.shown}, row ", [], []
    for row in rows:
        try:
            where = _named(row, address, anywhere=anywhere)
            found.append(Entry(where, row.label, row.split, row.caption, row.number, group=row.group))
        except InvalidInputError as error:
            rejected.append(_rejection(f"{place}{row.number}", str(error)))
    return Source(tuple(found), tuple(rejected), outdated=(place, ""))


def _checked(
    listed: Sequence[Entry], rejected: Iterable[Rejection], left_out: Mapping[str, int], outdated: tuple[str, str]
) -> Source:
    """What was found in a folder, without the files whose names are too long to be kept."""
    short = tuple(entry for entry in listed if is_short(entry.uri))
    long = (entry for entry in listed if not is_short(entry.uri))
    named = (_rejection(entry.uri, f"its name is longer than {MAX_ADDRESS} bytes") for entry in long)
    return Source(short, (*rejected, *named), left_out, outdated)


def _rejection(uri: str, reason: str) -> Rejection:
    """A rejection with texts that any database can store."""
    kept = storable(uri)
    return Rejection(kept if is_short(kept) else f"{kept[:500]}...{kept[-500:]}", storable(reason), datetime.now(UTC))


def _named(row: Row, manifest: Address, *, anywhere: bool) -> str:
    """The file that a row names.

    Raises:
        InvalidInputError: it names none, or one that the manifest may not name.
    """
    address = _address(row, manifest.folder)
    if not anywhere and not within(address, manifest.folder):
        raise InvalidInputError(f"{address.shown} is outside {manifest.folder.shown}: --anywhere allows it")
    return str(address)


def _address(row: Row, folder: Address | None = None) -> Address:
    """The address that a row names.

    Raises:
        InvalidInputError: it names none, or cannot be used.
    """
    if row.problem:
        raise InvalidInputError(row.problem)
    return parse(row.where, folder)


@contextmanager
def _telling(address: Address) -> Iterator[None]:
    """Name the source in a reason.

    Raises:
        InvalidInputError: one was raised.
    """
    try:
        yield
    except InvalidInputError as error:
        reason = str(error).removeprefix("the file cannot be read: ").removeprefix(f"{SHUT}: ")
        named = reason.startswith((f"the archive {address.shown}", "there is no"))
        raise InvalidInputError(reason if named else f"{address.shown} cannot be read: {reason}") from error
