"""Which image of a project a file of answers means: by hash, by address, by name."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from alflow.domain.images import Item
from alflow.workflow.answers.foreign.given import Given

_EXPORTED: Final = re.compile(r"-([0-9a-f]{16})\.jpg")  # what `Picture.file_name` ends with
_UPLOADED: Final = re.compile(r"[0-9a-f]{8}-(?=.)")  # what Label Studio puts before the name of an uploaded file


class Images:
    """The images of a project by all that a file may call them."""

    def __init__(self, items: Iterable[Item]) -> None:
        """Index them; names alone do not count before addresses."""
        self._by_hash, self._by_start = dict[str, Item](), defaultdict[str, list[Item]](list)
        self._by_uri, self._by_name = defaultdict[str, list[Item]](list), defaultdict[str, list[Item]](list)
        for item in items:
            self._by_hash[item.content_hash] = item
            self._by_start[item.content_hash[:16]].append(item)
            self._by_uri[item.uri].append(item)
            self._by_name[_name(item.uri)].append(item)

    def find(self, given: Given) -> "Match":
        """The images that are meant."""
        if given.content_hash:
            found = self._by_hash.get(given.content_hash)
            return Match([found] if found else [])
        place = _place(given.image)
        if same := self._by_uri.get(given.image) or self._by_uri.get(place):
            return Match(same)
        if (own := _EXPORTED.search(_name(place))) and (started := self._by_start.get(own[1])):
            return Match(started)
        return self._ending(place) or self._ending(_UPLOADED.sub("", _name(place), count=1)) or Match([])

    def _ending(self, place: str) -> "Match | None":
        """Those of the name; of several, those whose folders agree the furthest, from the end."""
        named = self._by_name.get(_name(place))
        if not named:
            return None
        shared = [_shared(item.uri, place) for item in named]
        best = [item for item, parts in zip(named, shared, strict=True) if parts == max(shared)]
        return Match(best, by_name=max(shared) == 1)


@dataclass(frozen=True)
class Match:
    """The images that are meant: one, none, or several where the name does not tell.

    `by_name` says that no folder agrees, or none is named.
    """

    items: Sequence[Item]
    by_name: bool = False


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


def _name(place: str) -> str:
    return _parts(place)[-1]
