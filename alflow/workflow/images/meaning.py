"""Which class of a project a label of a source means, and if none, which classes were perhaps meant.

A label means a class by its name or by its shown name, whatever the Unicode form of either (NFC, NFD). All else is a
guess, offered to people and never taken: other case, spaces for underscores, `1.0` for `1`, a letter more.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

from alflow.domain.projects import ClassLabel
from alflow.ids import ClassId
from alflow.store.rows import storable
from alflow.text import likeness

_NEAR: Final = 3  # classes that are offered for one label
_CLOSE: Final = 0.7  # of difflib: "dogs" is to "dog" as .86, "cat" to "car" as .67
_LONGEST_GUESSED: Final = 200  # characters, as a class name has: difflib takes quadratic time
_MOST_GUESSED: Final = 100  # labels, the most frequent ones: a tree may have a folder for every image
_LIST: Final = re.compile(r"\[.*\]|\(.*\)|\{.*\}", re.DOTALL)  # of JSON, or as Python writes it into a cell
_SEPARATOR: Final = re.compile(r"[,;|:]")
_NUMBER: Final = re.compile(r"[+-]?\d+([.,]\d*)?")


class Problem(StrEnum):
    """Why a label means no class: none has the name, two have it (one as its shown name), or it is a list of names."""

    UNKNOWN = "unknown"
    AMBIGUOUS = "ambiguous"
    LIST = "list"


@dataclass(frozen=True)
class UnknownLabel:
    """A label that does not mean one class of the project.

    Attributes:
        label: as the source has it.
        images: how many of its rows have it.
        problem: why it names no class.
        near: names of the classes that were perhaps meant, the likeliest first.
    """

    label: str
    images: int
    problem: Problem = Problem.UNKNOWN
    near: tuple[str, ...] = ()


def meanings(labels: Iterable[str], classes: Iterable[ClassLabel]) -> Mapping[str, ClassId]:
    """Label -> class id, for those that mean exactly one class."""
    same = _same(classes)
    found = {label: _meant(label, same) for label in set(labels)}
    return {label: next(iter(ids)) for label, ids in found.items() if len(ids) == 1}


def unknown_labels(labels: Iterable[str], classes: Sequence[ClassLabel]) -> tuple[UnknownLabel, ...]:
    """Those that do not mean one class; the most frequent first, empty ones left out."""
    same, names = _same(classes), {one.id: one.name for one in classes}
    counts = Counter(label for label in labels if label)
    unclear = [label for label in counts if len(_meant(label, same)) != 1]
    offered: dict[str, set[ClassId]] = defaultdict(set)
    for text, ids in same.items():
        offered[_alike(text)] |= ids
    found = []
    for place, label in enumerate(sorted(unclear, key=lambda label: (-counts[label], label))):
        problem, ids = _problem(label, same)
        near = [ids] if ids else _near(label, offered, guess=place < _MOST_GUESSED)
        ordered = dict.fromkeys(class_id for alike in near for class_id in sorted(alike))
        called = tuple(names[class_id] for class_id in ordered)
        found.append(UnknownLabel(storable(label), counts[label], problem, called))
    return tuple(found)


def _problem(label: str, same: Mapping[str, set[ClassId]]) -> tuple[Problem, set[ClassId]]:
    """What is wrong with it, and the classes that it certainly refers to."""
    if both := _meant(label, same):
        return Problem.AMBIGUOUS, both
    parts = [
        _meant(part.strip(" \t\n'\""), same) for part in _SEPARATOR.split(label[:_LONGEST_GUESSED].strip("[](){}"))
    ]
    if _LIST.fullmatch(label) or (len(parts) > 1 and all(parts)):
        return Problem.LIST, set().union(*parts)
    return Problem.UNKNOWN, set()


def _same(classes: Iterable[ClassLabel]) -> Mapping[str, set[ClassId]]:
    """Text -> the classes that it names: as it is, and in the composed form for labels in another form."""
    named: dict[str, set[ClassId]] = defaultdict(set)
    composed: dict[str, set[ClassId]] = defaultdict(set)
    for one in classes:
        for text in {one.name, one.display_name} - {""}:
            named[text].add(one.id)
            composed[unicodedata.normalize("NFC", text)].add(one.id)
    return {**composed, **named}


def _meant(label: str, same: Mapping[str, set[ClassId]]) -> set[ClassId]:
    return same.get(label) or same.get(unicodedata.normalize("NFC", label)) or set()


def _near(label: str, offered: Mapping[str, set[ClassId]], *, guess: bool) -> list[set[ClassId]]:
    if len(label) > _LONGEST_GUESSED:
        return []
    alike = _alike(label)
    if alike in offered:
        return [offered[alike]]
    if not guess or _NUMBER.fullmatch(alike):
        return []
    words = [text for text in offered if not _NUMBER.fullmatch(text)]
    return [offered[text] for text in get_close_matches(alike, words, _NEAR, _CLOSE)]


def _alike(text: str) -> str:
    """A text without case, accents, spaces, hyphens and everything else that is not a letter or digit."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return f"{Decimal(text.replace(',', '.')).normalize():f}"
    plain = unicodedata.normalize("NFKD", likeness(text))
    return "".join(each for each in plain if each.isalnum()) or plain
