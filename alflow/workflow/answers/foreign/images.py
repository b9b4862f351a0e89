"""Which image of a project a file of answers means: by hash, by address, by name."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from alflow.domain.images import Item
from alflow.workflow.answers.foreign.given import Given

_EXPORTED: Final = re.compile(r"-([0-9a-f]{16})(\.jpg)?$")  # what `Picture.file_name` ends with; FiftyOne cuts it
_UPLOADED: Final = re.compile(r"[0-9a-f]{8}-(?=.)")  # what Label Studio puts before the name of an uploaded file


class Images:
    """The images of a project by all that a file may call them."""

    def __init__(self, items: Iterable[Item]) -> None:
        """Index them; names alone do not count before addresses."""
        self._by_hash, self._by_start = dict[str, Item](), defaultdict[str, list[Item]](list)
        self._by_stem = defaultdict[str, list[Item]](list)
        self._by_uri, self._by_name = defaultdict[str, list[Item]](list), defaultdict[str, list[Item]](list)
        for item in items:
            self._by_hash[item.content_hash] = item
            self._by_start[item.content_hash[:16]].append(item)
            self._by_uri[item.uri].append(item)
            self._by_name[_name(item.uri)].append(item)
            self._by_stem[_name(_cut(item.uri))].append(item)

    def find(self, given: Given) -> "Match":
        """The images that are meant."""
        if given.content_hash:
            found = self._by_hash.get(given.content_hash)
            return Match([found] if found else [])
        if copied := self._by_hash.get(given.copy_hash):
            return Match([copied])
        place = _place(given.image)
        if same := self._by_uri.get(given.image) or self._by_uri.get(place):
            return Match(same)
        if (own := _EXPORTED.search(_name(place))) and (started := self._by_start.get(own[1])):
            return Match(started)
        without_ending = self._by_stem.get(_name(place)), _cut  # as FiftyOne's simple layout calls them
        return (
            _ending(place, self._by_name.get(_name(place)))
            or _ending(uploaded := _UPLOADED.sub("", _name(place), count=1), self._by_name.get(uploaded))
            or _ending(place, *without_ending)
            or Match([])
        )


@dataclass(frozen=True)
class Match:
    """The images that are meant: one, none, or several where the name does not tell.

    `by_name` says that no folder agrees, or none is named.
    """

    items: Sequence[Item]
    by_name: bool = False


def _ending(place: str, named: Sequence[Item] | None, called: Callable[[str], str] = str) -> Match | None:
    """Of those of the name, those whose folders agree the furthest, from the end."""
    if not named:
        return None
    shared = [_shared(called(item.uri), place) for item in named]
    best = [item for item, parts in zip(named, shared, strict=True) if parts == max(shared)]
    return Match(best, by_name=max(shared) == 1)


def _shared(one: str, other: str) -> int:
    """How many parts of two paths agree, from the end."""
    pairs = zip(reversed(_parts(one)), reversed(_parts(other)), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _parts(place: str) -> list[str]:
    return place.partition("::")[0].replace("\\", "/").split("/")


def _place(image: str) -> str:
    """The path that is meant: of a file that Label Studio serves from a folder, the `d` of its query."""
    if not image.startswith(("/data/", "http://", "https://")):
        return image.removeprefix("file://")
    parts = urlsplit(image)
    return parse_qs(parts.query).get("d", [unquote(parts.path)])[0]


def _cut(uri: str) -> str:
    """The address without the ending of the file."""
    place = uri.partition("::")[0]
    return place.removesuffix(PurePosixPath(place.replace("\\", "/")).suffix)


def _name(place: str) -> str:
    return _parts(place)[-1]
