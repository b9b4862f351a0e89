"""Pictures of examples: what was labelled, what was asked, where the model is wrong, and what it would ask about."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from alflow.domain.rounds import Candidate, Origin
from alflow.errors import NotFoundError
from alflow.ids import ClassId, ItemId, ProjectId
from alflow.store.rounds import candidates
from alflow.workflow.images.pool import rendition_bytes
from alflow.workflow.insight.report.judged import Judged, Predictions
from alflow.workflow.insight.report.scope import Scope
from alflow.workspace import Workspace

MOST_BYTES: Final = 2_700_000
"""Of all pictures together; written as text in the page they take a third more."""
_SOME: Final = 12
_OF_CLASSES: Final = 24
_OF_ROUND: Final = 120

_WHY: Final = {
    Origin.STRATEGY: "chosen by the strategy",
    Origin.CONTROL: "drawn at random",
    Origin.PERSON: "by hand",
    Origin.RESERVE: "extra, next in the strategy's order",
    Origin.GRID: "on a page of the grid, by its prediction",
}


@dataclass(frozen=True)
class Picture:
    """One image: its number, its thumbnail, and what is said of it, in lines."""

    item_id: ItemId
    jpeg: bytes
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Gallery:
    """Pictures under one heading.

    Attributes:
        heading, reading: what they are, and how to read them.
        pictures: those that are shown.
        left_out: images that would belong here too.
    """

    heading: str
    reading: str
    pictures: tuple[Picture, ...]
    left_out: int


@dataclass(frozen=True)
class _Wanted:
    """A gallery before its pictures are read, and how many images belong in it."""

    heading: str
    reading: str
    images: Sequence[tuple[ItemId, tuple[str, ...]]]
    total: int


def read_pictures(
    workspace: Workspace,
    scope: Scope,
    settled: Mapping[ItemId, ClassId],
    predicted: Predictions | None,
    judged: Judged | None,
) -> tuple[Gallery, ...]:
    """The galleries that have a picture, `MOST_BYTES` in all; thumbnails that were removed are left out."""
    wanted = [_asked(workspace, scope, settled), _labelled(scope, settled)]
    wanted += [] if judged is None else [_errors(scope, judged)]
    wanted += [] if predicted is None else [_unsure(scope, predicted)]
    room, found = MOST_BYTES, list[Gallery]()
    for one in wanted:
        pictures = list(_fitting(_read(workspace, scope.project.id, one), room))
        room -= sum(len(each.jpeg) for each in pictures)
        if pictures:
            found.append(Gallery(one.heading, one.reading, tuple(pictures), one.total - len(pictures)))
    return tuple(found)


def _read(workspace: Workspace, project_id: ProjectId, wanted: _Wanted) -> Iterable[Picture]:
    for item_id, lines in wanted.images:
        try:
            yield Picture(item_id, rendition_bytes(workspace, project_id, item_id, "thumbnail"), lines)
        except NotFoundError:
            continue


def _fitting(pictures: Iterable[Picture], room: int) -> Iterable[Picture]:
    for one in pictures:
        room -= len(one.jpeg)
        if room < 0:
            return
        yield one


def _asked(workspace: Workspace, scope: Scope, settled: Mapping[ItemId, ClassId]) -> _Wanted:
    """What the last round of the scope asked; of a round's report, all of it."""
    if not scope.rounds:
        return _Wanted("", "", (), 0)
    last = scope.rounds[-1]
    with workspace.database.read() as tx:
        queue = candidates.of_round(tx, last.id)
    most = _SOME if scope.number is None else _OF_ROUND
    return _Wanted(
        f"What round {last.number} asked",
        "In the order of its queue: the images whose labels were expected to teach most come first. Beside the answer "
        "stands what the model held most probable before it.",
        [(one.item_id, _about(one, scope.names, settled)) for one in queue[:most]],
        len(queue),
    )


def _about(one: Candidate, names: Mapping[ClassId, str], settled: Mapping[ItemId, ClassId]) -> tuple[str, ...]:
    chance = one.probabilities.get(one.predicted_class_id, 0.0)
    answered = one.answers >= one.votes_needed
    said = f"Label: {_name(names, settled[one.item_id])}" if one.item_id in settled else None
    return (
        said or ("Answered, without a label" if answered else "Not answered yet"),
        f"Model before: {_name(names, one.predicted_class_id)}, {chance:.0%}",
        _WHY[one.origin].capitalize(),
    )


def _labelled(scope: Scope, settled: Mapping[ItemId, ClassId]) -> _Wanted:
    newest = {class_id: item for item, class_id in sorted(settled.items())}
    images = [(newest[one.id], (one.display_name,)) for one in scope.classes if one.id in newest]
    reading = "The image of each class that has its label and was imported last."
    return _Wanted("One labelled image of each class", reading, images[:_OF_CLASSES], len(images))


def _errors(scope: Scope, judged: Judged) -> _Wanted:
    where = "the test split" if judged.source == "test" else "the control slice"
    wrong = (~judged.right).nonzero()[:, 0]
    order = wrong[judged.confidence[wrong].argsort(descending=True, stable=True)][:_SOME].tolist()
    shown = [one.display_name for one in scope.classes]
    images = [
        (
            ItemId(int(judged.item_ids[one])),
            (
                f"Known as: {shown[int(judged.truths[one])]}",
                f"Predicted: {shown[int(judged.predicted[one])]}, {float(judged.confidence[one]):.0%}",
            ),
        )
        for one in order
    ]
    return _Wanted(
        f"The surest errors on {where}",
        "Wrong predictions, those first of which the model is surest. Look whether the known class is right: a wrong "
        "label looks like a sure error.",
        images,
        len(wrong),
    )


def _unsure(scope: Scope, predicted: Predictions) -> _Wanted:
    found, chosen = predicted.outlook, predicted.unsure[:_SOME]
    rows = found.rows(chosen)[0]
    confidence, column = found.probabilities[rows].max(dim=1)
    numbers = zip(
        chosen.tolist(),
        *(part.tolist() for part in (column, confidence, found.epistemic[rows], found.total[rows])),
        strict=True,
    )
    images = [
        (
            ItemId(item_id),
            (
                f"Predicted: {_name(scope.names, found.class_ids[place])}, {chance:.0%}",
                f"Labels could remove {removable:.2f} of {total:.2f} nats",
            ),
        )
        for item_id, place, chance, removable, total in numbers
    ]
    reading = "Images of the pool that nobody answered, those first of whose uncertainty labels could remove most."
    return _Wanted("What labels could settle", reading, images, len(predicted.unsure))


def _name(names: Mapping[ClassId, str], class_id: ClassId) -> str:
    return names.get(class_id, "a class that is gone")
