"""The report of bringing answers from another tool, and its texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from alflow.text import visible
from alflow.workflow.answers.foreign.given import Unusable
from alflow.workflow.images.imported import ImportReport, label_faults
from alflow.workflow.images.meaning import UnknownLabel

_SAID: Final = 5  # names in a sentence; the report has all of them


@dataclass(frozen=True)
class Brought:
    """What became of the answers of a file.

    Attributes:
        added: answers that are new.
        known: answers that the project has already.
        people: name -> answers of this person that are new.
        unknown_images: what the project has no image for, as the file calls it.
        ambiguous_images: names that several images of the project have.
        unknown_classes: labels that name no class.
        other_split: addresses of target and test images.
        contradictions: addresses of images about which the same person has another answer here, which stands.
        repeated: answers that the same person gave a later one to in the file.
        undated: new answers whose time the file does not say: they have that of the import.
        by_name: answers whose image was found by its name alone: its folders are others than in the file, or not there.
        unnamed: answers without a person.
        unusable: what is wrong with others, each with its place in the file.
        left_out: what the file holds besides answers, by kind.
    """

    added: int = 0
    known: int = 0
    people: Mapping[str, int] = field(default_factory=dict)
    unknown_images: tuple[str, ...] = ()
    ambiguous_images: tuple[str, ...] = ()
    unknown_classes: tuple[UnknownLabel, ...] = ()
    other_split: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()
    repeated: int = 0
    undated: int = 0
    by_name: int = 0
    unnamed: int = 0
    unusable: tuple[Unusable, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)


def summary(report: Brought) -> str:
    """The answers in one line."""
    people = ", ".join(f"{visible(name)} ({count})" for name, count in report.people.items())
    return f"{report.added} added{people and f' of {people}'}, {report.known} known already"


def faults(report: Brought) -> list[str]:
    """One sentence for each kind of answer that cannot be used, with counts and the first names."""
    unusable = [f"{one.place}: {one.reason}" for one in report.unusable]
    said = [
        _sentence(report.unknown_images, "answers about images that the project does not have"),
        _sentence(report.ambiguous_images, "answers about a name that several images have"),
        *label_faults(ImportReport(unknown_labels=report.unknown_classes)),
        _sentence(report.other_split, "answers about target or test images, which are never fitted"),
        _sentence(report.contradictions, "answers unlike that of the same person here, which stands"),
        _sentence(unusable, "answers that cannot be read"),
        f"answers of nobody: {report.unnamed}; name their annotator" if report.unnamed else "",
    ]
    return [sentence for sentence in said if sentence]


def remarks(report: Brought) -> list[str]:
    """The faults, and what else a person should know."""
    left_out = ", ".join(f"{kind} ({count})" for kind, count in report.left_out.items())
    said = [
        f"answers to which the same person gave a later one: {report.repeated}" if report.repeated else "",
        f"answers without a time, which have that of now: {report.undated}" if report.undated else "",
        f"images found by their file name alone: {report.by_name}" if report.by_name else "",
        f"left out: {left_out}" if left_out else "",
        "the file holds no answers" if report == Brought() else "",
    ]
    return [*faults(report), *filter(None, said)]


def _sentence(names: Sequence[str], what: str) -> str:
    kinds = list(dict.fromkeys(names))
    more = [f"and {len(kinds) - _SAID} more"] if len(kinds) > _SAID else []
    return f"{what}: {len(names)} ({'; '.join([*map(visible, kinds[:_SAID]), *more])})" if names else ""
