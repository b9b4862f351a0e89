"""Faults of a source that show before any image is read; with `strict`, nothing of it is then imported."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from alflow.domain.images import Rejection, Split
from alflow.errors import InvalidInputError
from alflow.ids import ClassId
from alflow.store.rows import storable
from alflow.text import quoted
from alflow.workflow.images.imported import Contradiction, ImportReport, contradictions, label_faults, rejected
from alflow.workflow.images.meaning import UnknownLabel
from alflow.workflow.images.sources import Entry, Source


def refuse_faults(
    seen: Source, meant: Mapping[str, ClassId], unknown: tuple[UnknownLabel, ...], default: Split, *, folders: bool
) -> None:
    """Refuse a source that has a fault.

    Args:
        seen: the source.
        meant: label -> class id.
        unknown: the labels that mean no class.
        default: the split of files for which the source names none.
        folders: whether labels are the names of folders.

    Raises:
        InvalidInputError: a label means no class, a test image has none, a file is under two classes, or a row cannot
            be used.
    """
    unlabelled, unusable, sides = list[str](), list(seen.rejected), dict[str, bool]()
    for entry in seen.entries:
        try:
            is_test = (split_of(entry) or default) is Split.TEST
            if entry.group and sides.setdefault(entry.group, is_test) is not is_test:
                raise InvalidInputError(other_side(entry.group, is_test=is_test))
            if is_test and not entry.label:
                unlabelled.append(entry.uri)
        except InvalidInputError as error:
            unusable.append(turned_away(entry, error))
    report = ImportReport(
        unknown_labels=unknown,
        folder_labels=folders,
        unlabelled=tuple(unlabelled),
        contradictions=tuple(_contradictions(seen, meant)),
        rejected=tuple(unusable),
    )
    if faults := [*filter(None, [*label_faults(report), contradictions(report), rejected(report)])]:
        remedy = "correct the source or the classes, or import without strict"
        raise InvalidInputError(f"nothing was imported: {'; '.join(faults)}; {remedy}")


def split_of(entry: Entry) -> Split | None:
    """What the file is for, as its row says in any case; None where it says nothing.

    Raises:
        InvalidInputError: its row names no split that there is.
    """
    try:
        return Split(entry.split.lower()) if entry.split else None
    except ValueError as error:
        raise InvalidInputError(f"there is no split {quoted(entry.split)}: choose one of {', '.join(Split)}") from error


def other_side(group: str, *, is_test: bool) -> str:
    """Why an image for the test split, or for pool or target, cannot be of this group."""
    there = "outside the test split" if is_test else "in the test split"
    return f"its group {quoted(group)} has images {there}: give a group one side of the test split"


def turned_away(entry: Entry, problem: InvalidInputError) -> Rejection:
    """A file of a source that cannot be used, for the list of them."""
    place = "" if entry.row is None else f" (row {entry.row} of the manifest)"
    return Rejection(storable(entry.uri), storable(f"{problem}{place}"), datetime.now(UTC))


def _contradictions(seen: Source, meant: Mapping[str, ClassId]) -> Iterator[Contradiction]:
    first: dict[str, str] = {}
    for entry in seen.entries:
        if entry.label in meant and meant[kept := first.setdefault(entry.uri, entry.label)] != meant[entry.label]:
            yield Contradiction(entry.uri, entry.label, entry.uri, kept)
