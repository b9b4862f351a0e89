"""The report of an import, and its texts: the same in a terminal, in a log and in Prefect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from alflow.domain.images import Rejection, Split
from alflow.text import quoted, visible
from alflow.workflow.images.meaning import Problem, UnknownLabel

_SAID: Final = 5  # names in a sentence; the report has all of them


@dataclass(frozen=True)
class Moved:
    """A known image at another place, from which it is read from now on."""

    before: str
    after: str


@dataclass(frozen=True)
class Corrected:
    """An image whose known class this import changed."""

    uri: str
    before: str
    after: str


@dataclass(frozen=True)
class Copy:
    """A file with the bytes of an earlier one of the same source, which is the one that counts."""

    uri: str
    first: str


@dataclass(frozen=True)
class Contradiction:
    """A file whose label differs from that of an earlier file with the same bytes; the earlier label is kept."""

    uri: str
    label: str
    first: str
    kept: str


@dataclass(frozen=True)
class OtherSplit:
    """A file for one split whose image is in another split already, where it stays."""

    uri: str
    wanted: Split
    kept: Split


@dataclass(frozen=True)
class ImportReport:
    """What became of the files of a source.

    Attributes:
        added: new items.
        known: files whose bytes the project had already, or which came twice.
        moved: known images whose new place is remembered.
        corrected: known images whose known class changed.
        learned: known images that had no known class and have one now.
        copies: files with the bytes of an earlier one of the same source.
        contradictions: copies under another class than the first.
        other_split: images that are in another split than the one they were meant for.
        unknown_labels: labels that name no class of the project; their images are kept without a known class.
        folder_labels: whether labels are the names of folders, which need not mean anything.
        unlabelled: test images without a label and without a known class: no model can be evaluated on them.
        rejected: files and rows that could not be used, with the reason.
        left_out: what the source holds besides images, by kind.
    """

    added: int = 0
    known: int = 0
    moved: tuple[Moved, ...] = ()
    corrected: tuple[Corrected, ...] = ()
    learned: int = 0
    copies: tuple[Copy, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    other_split: tuple[OtherSplit, ...] = ()
    unknown_labels: tuple[UnknownLabel, ...] = ()
    folder_labels: bool = False
    unlabelled: tuple[str, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)


def summary(report: ImportReport) -> str:
    """The import in one line."""
    return f"{report.added} added, {report.known} known already, {len(report.rejected)} rejected"


def counts(report: ImportReport) -> dict[str, Any]:
    """The import in numbers: those of what the report lists, and how many images have each label without a class."""
    numbers = {name: len(value) if isinstance(value, tuple) else value for name, value in vars(report).items()}
    del numbers["folder_labels"]
    return numbers | {"unknown_labels": {one.label: one.images for one in report.unknown_labels}}


def remarks(report: ImportReport) -> list[str]:
    """One sentence for each thing that a person should know about an import, with counts and the first names."""
    moved = [f"{one.before} -> {one.after}" for one in report.moved]
    corrected = [f"{one.uri} {one.before!r} -> {one.after!r}" for one in report.corrected]
    elsewhere = [f"{one.uri} stays in {one.kept}, not {one.wanted}" for one in report.other_split]
    said = [
        _sentence(moved, "known image has a new place", "known images have a new place"),
        _sentence(corrected, "label corrected", "labels corrected"),
        f"{_count(report.learned, 'known image has', 'known images have')} a label now" if report.learned else "",
        contradictions(report),
        _sentence([_copy(one) for one in report.copies], "copy of another image", "copies of other images"),
        _sentence(elsewhere, "image is in another split already", "images are in another split already"),
        *label_faults(report),
        _left_out(report.left_out),
    ]
    return [sentence for sentence in said if sentence]


def label_faults(report: ImportReport) -> list[str]:
    """Remarks on labels that name no class, and on test images without a class."""
    kind = "folder" if report.folder_labels else "label"
    said = [
        _sentence([_unknown(one) for one in report.unknown_labels], f"{kind} names no class", f"{kind}s name no class"),
        _sentence(report.unlabelled, "test image has no label", "test images have no label"),
    ]
    return [sentence for sentence in said if sentence]


def rejected(report: ImportReport) -> str:
    """The files and rows that could not be used, in one sentence; empty without any."""
    reasons = [f"{one.uri}: {one.reason}" for one in report.rejected]
    return _sentence(reasons, "file was rejected", "files were rejected")


def contradictions(report: ImportReport) -> str:
    """The pictures under two classes, in one sentence; empty without any."""
    names = [f"{one.uri} {one.label!r}, but {one.first} {one.kept!r}, which is kept" for one in report.contradictions]
    return _sentence(names, "picture is under two classes", "pictures are under two classes")


def failure(report: ImportReport, source: str, *, strict: bool = False) -> str | None:
    """Why an import failed, in one sentence; None if it did not.

    It did if it brought no image that is new or known. With `strict`, it also did if a file turned out to be unusable,
    or to be the same picture as another one under another class: that is seen only once all is read and stored.
    """
    if not report.added and not report.known:
        why = "; ".join(filter(None, [rejected(report), _left_out(report.left_out)]))
        return f"no image was imported from {visible(source)}: {why or 'there is no file in it'}"
    faults = [*filter(None, [rejected(report), contradictions(report)])]
    return f"not all of {visible(source)} was imported: {'; '.join(faults)}" if strict and faults else None


def _sentence(names: Sequence[str], one: str, many: str) -> str:
    more = [f"and {len(names) - _SAID} more"] if len(names) > _SAID else []
    return f"{_count(len(names), one, many)}: {'; '.join([*map(visible, names[:_SAID]), *more])}" if names else ""


def _count(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _unknown(one: UnknownLabel) -> str:
    images = f"{quoted(one.label)} ({_count(one.images, 'image', 'images')})"
    near = " or ".join(map(repr, one.near))
    if one.problem is Problem.LIST:
        return f"{images} is a list or an object, and an image has one class{near and f': {near}'}"
    if one.problem is Problem.AMBIGUOUS:
        return f"{images} may be {near}: use the names of the classes"
    return f"{images}: did you mean {near}?" if near else images


def _copy(one: Copy) -> str:
    return f"{one.uri} comes twice" if one.uri == one.first else f"{one.uri} of {one.first}"


def _left_out(left_out: Mapping[str, int]) -> str:
    return f"left out: {', '.join(f'{what} ({count})' for what, count in left_out.items())}" if left_out else ""
