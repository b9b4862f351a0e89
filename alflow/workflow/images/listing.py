"""Listing the files of a folder in a bucket, an archive or on a web server."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import unquote, urldefrag, urljoin

from alflow.domain.images import Rejection
from alflow.errors import InvalidInputError
from alflow.workflow.images.addresses import Address
from alflow.workflow.images.archives import members, read
from alflow.workflow.images.reading import file_system, is_web_page, reasons
from alflow.workflow.images.walking import NO_FILES, Found, FoundFile, hidden

MAC: Final = "files of __MACOSX"

_PAGE_BYTES: Final = 64 * 2**20
_MOST: Final = 1_000_000  # files and folders that a web server may list
_VERSIONS: Final = ("ETag", "etag", "generation", "blob_id", "md5Hash", "LastModified", "last_modified", "updated")


def bucket_folder(address: Address) -> Found:
    """The files below a folder of a bucket, by name; or the one file that it is.

    Raises:
        InvalidInputError: there is nothing, or it cannot be reached.
    """
    with reasons(address):
        return _bucket_folder(address)


def _bucket_folder(address: Address) -> Found:
    files = file_system(address)
    if not files.isdir(str(address)):
        files.info(str(address))  # says what is wrong
        return Found((FoundFile(str(address), ()),), {})
    root = str(files._strip_protocol(str(address))).rstrip("/")  # noqa: SLF001 - how fsspec writes what it finds
    found, left_out = [], Counter[str]()
    for path, about in sorted(files.find(root, detail=True).items()):
        below = tuple(str(path)[len(root) :].strip("/").split("/"))
        if reason := NO_FILES if about["type"] != "file" else hidden(below):
            left_out[reason] += 1
        else:
            found.append(FoundFile(str(files.unstrip_protocol(path)), below, _mark(about)))
    return Found(tuple(found), left_out)


def _mark(about: Mapping[str, Any]) -> str:
    """What a bucket says of the version of a file; the first of these words that it knows."""
    said = next((str(about[name]) for name in _VERSIONS if about.get(name)), "")
    return f"{about.get('size')} {said}"


def archive_folder(address: Address) -> Found:
    """The files of an archive, or of a folder in it, in their order.

    Raises:
        InvalidInputError: it cannot be read.
    """
    inside = members(address)
    found, left_out, rejected = list[FoundFile](), Counter(inside.left_out), []
    start = len(address.path) + 1 if address.path else 0
    for name in inside.files:
        below, uri = tuple(name[start:].split("/")), str(Address(address.scheme, name, address.outer))
        if reason := MAC if below[0] == "__MACOSX" else hidden(below):
            left_out[reason] += 1
        elif "::" in name:
            rejected.append(Rejection(uri, "'::' in its name parts addresses; rename it", datetime.now(UTC)))
        else:
            found.append(FoundFile(uri, below))
    return Found(_below_one_folder(found) if not start else tuple(found), left_out, tuple(rejected))


def _below_one_folder(files: list[FoundFile]) -> tuple[FoundFile, ...]:
    """Files relative to the one folder that contains all of them, as when a folder was packed with its name."""
    folders = {file.below[0] if len(file.below) > 1 else "" for file in files}
    if len(folders) != 1 or "" in folders or all(len(file.below) == 2 for file in files):
        return tuple(files)
    return tuple(FoundFile(file.uri, file.below[1:]) for file in files)


def web_folder(address: Address) -> Found:
    """The files that the pages of a web server list below an address, by name; pages at other addresses are not read.

    Raises:
        InvalidInputError: it cannot be read, or lists no file.
    """
    root = f"{address.scheme}://{address.path.partition('?')[0].rstrip('/')}/"
    waiting, known = [(str(address), root)], {root}  # a page may be requested without its last slash
    found, left_out = [], Counter[str]()
    while waiting:
        for url in sorted(_links(address, *waiting.pop(), root) - known):
            known.add(url)
            below = tuple(unquote(url[len(root) :]).rstrip("/").split("/"))
            if reason := hidden(below):
                left_out[reason] += 1
            elif url.endswith("/"):
                waiting.append((url, url))
            else:
                found.append(FoundFile(url, below))
        if len(known) > _MOST:
            raise InvalidInputError("it lists files without end")
    if not known - {root}:
        raise InvalidInputError("it is a web page that lists no files, not an image or a manifest")
    return Found(tuple(sorted(found, key=lambda one: one.uri)), left_out)


class _Anchors(HTMLParser):
    """Collects what the links of a page say."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.targets += [value for name, value in attrs if tag == "a" and name == "href" and value]


def _links(address: Address, asked: str, page: str, root: str) -> set[str]:
    """The addresses below `root` to which a page links, read relative to `page`; none where it is no page."""
    scheme, path = asked.split("://", 1)
    data = read(replace(address, scheme=scheme, path=path), _PAGE_BYTES)
    if not is_web_page(data):
        return set()
    anchors = _Anchors()
    anchors.feed(data.decode("utf-8", "replace"))
    urls = {urldefrag(urljoin(page, target)).url for target in anchors.targets}
    return {url for url in urls if url.startswith(root) and "?" not in url}
