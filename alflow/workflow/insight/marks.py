"""What is known of every image on the map, as columns: what the map is coloured by and people select with.

Axes: N images on the map, by ascending id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from alflow.domain.answers import Verdict
from alflow.domain.images import Split
from alflow.domain.rounds import Slice
from alflow.embeddings import places
from alflow.errors import AlflowError
from alflow.ids import AnnotatorId, ClassId, ItemId, ProjectId
from alflow.store.answers import outcomes, votes
from alflow.store.artifacts import digest
from alflow.store.database import Transaction
from alflow.store.images import items
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.store.rounds import candidates, rounds, slices
from alflow.workflow.insight.map import Layout, kept_map
from alflow.workflow.model.kept import Outlook, outlook
from alflow.workspace import Workspace

NOBODY: Final = -1
SEVERAL: Final = -2


class Opinion(IntEnum):
    """How far the answers about an image agree with each other, and with the model."""

    SILENT = 0
    """No answer, or none that is a vote."""
    AGREED = 1
    DIFFERS = 2
    """The answers agree, on another class than the one that the model holds most probable."""
    DISPUTED = 3
    """The votes differ; a reviewer may have settled it since."""
    REJECTED = 4
    """The answers agree that no class fits, or that the image is bad."""


@dataclass(frozen=True)
class Marks:
    """Columns of the images on the map.

    Attributes:
        layout: where they lie; its rows are those of all columns.
        number: of the round whose model predicted; None where nothing can be predicted yet.
        unpredicted: why not; empty where it can.
        splits: places in `alflow.store.images.items.SPLITS`.
        labels: place of the class in `classes`, of the settled label, or of a test image's known class; -1 for none.
        predictions: place of the most probable class; -1 for none.
        total, epistemic: entropies in nats; NaN where there is no prediction.
        rounds: number of the newest round that asked about it; 0 for none.
        people: place in `annotators` of whoever answered; `NOBODY` or `SEVERAL`.
        opinions: of `Opinion`.
        classes: shown names, in the project's order.
        annotators: names.
        slices: with the rows of their images.
    """

    layout: Layout
    number: int | None
    unpredicted: str
    splits: NDArray[np.int8]
    labels: NDArray[np.int16]
    predictions: NDArray[np.int16]
    total: NDArray[np.float32]
    epistemic: NDArray[np.float32]
    rounds: NDArray[np.int16]
    people: NDArray[np.int16]
    opinions: NDArray[np.int8]
    classes: tuple[str, ...]
    annotators: tuple[str, ...]
    slices: Mapping[Slice, NDArray[np.int32]]

    def __len__(self) -> int:
        return len(self.splits)


def marks(workspace: Workspace, project_id: ProjectId) -> Marks | None:
    """What the map shows now; None where it was not made.

    Raises:
        NotFoundError: there is no such project, or nothing is embedded.
        InvalidInputError: a shard or a kept plane is damaged.
    """
    layout = kept_map(workspace, project_id)
    if layout is None:
        return None
    seen, why = _outlook(workspace, project_id)
    with workspace.database.read() as tx:
        return _marks(tx, project_id, layout, seen, why)


def version(workspace: Workspace, project_id: ProjectId) -> str:
    """Changes with everything that `marks` reads; takes no time.

    Raises:
        NotFoundError: there is no such project.
    """
    with workspace.database.read() as tx:
        classes = [(one.id, one.display_name) for one in projects.classes(tx, project_id)]
        past = [(one.id, one.state, dict(one.hashes)) for one in rounds.all_(tx, project_id)]
        sets = [(one.id, one.name) for one in slices.list_(tx, project_id)]
        answers, asked = votes.version(tx, project_id), candidates.count(tx, project_id)
        posterior, counts = projects.by_id(tx, project_id).posterior, items.counts(tx, project_id)
    return digest(
        classes=classes, rounds=past, slices=sets, answers=answers, asked=asked, posterior=posterior, items=counts
    )


def _outlook(workspace: Workspace, project_id: ProjectId) -> tuple[Outlook | None, str]:
    """What the newest model says, or why there is nothing that it says."""
    try:
        return outlook(workspace, project_id), ""
    except AlflowError as error:
        return None, str(error)


def _marks(tx: Transaction, project_id: ProjectId, layout: Layout, seen: Outlook | None, why: str) -> Marks:
    known = items.columns(tx, project_id)
    place, there = _rows(known.item_ids, layout.item_ids.numpy())
    layout = replace(layout, item_ids=layout.item_ids[there], points=layout.points[there])
    ids = layout.item_ids.numpy()
    classes = projects.classes(tx, project_id)
    of_class = {one.id: row for row, one in enumerate(classes)}
    settled = outcomes.settled(tx, project_id)
    splits = known.splits[place]
    labels = _labels(ids, settled, of_class)
    truths = np.where(splits == items.SPLITS.index(Split.TEST), known.truths[place], 0)
    test = _places(truths, of_class)
    labels = np.where(test >= 0, test, labels)
    predictions, total, epistemic = _predicted(seen, ids, of_class)
    people, opinions, names = _answers(tx, project_id, ids, predictions, settled, of_class)
    return Marks(
        layout,
        None if seen is None else seen.number,
        why,
        splits,
        labels.astype(np.int16),
        predictions,
        total,
        epistemic,
        _column(ids, candidates.newest_rounds(tx, project_id), 0),
        people,
        opinions,
        tuple(one.display_name for one in classes),
        names,
        _slices(tx, project_id, ids),
    )


def _labels(
    ids: NDArray[np.int64], settled: Mapping[ItemId, ClassId], of_class: Mapping[ClassId, int]
) -> NDArray[np.int16]:
    return _column(ids, {item: of_class.get(one, NOBODY) for item, one in settled.items()}, NOBODY)


def _places(class_ids: NDArray[np.int64], of_class: Mapping[ClassId, int]) -> NDArray[np.int16]:
    """Class ids -> their places; -1 for zero, and for one that the project has no more."""
    values, back = np.unique(class_ids, return_inverse=True)
    places = np.array([of_class.get(ClassId(int(one)), NOBODY) for one in values], dtype=np.int16)
    return places[back]


def _predicted(
    seen: Outlook | None, ids: NDArray[np.int64], of_class: Mapping[ClassId, int]
) -> tuple[NDArray[np.int16], NDArray[np.float32], NDArray[np.float32]]:
    predictions = np.full(len(ids), NOBODY, dtype=np.int16)
    total, epistemic = (np.full(len(ids), np.nan, dtype=np.float32) for _ in range(2))
    if seen is not None:
        rows, found = seen.rows(list(map(ItemId, ids.tolist())))
        there = found.numpy()
        columns = seen.probabilities.argmax(dim=1)[rows].numpy()
        predictions[there] = _places(np.array(seen.class_ids, dtype=np.int64)[columns], of_class)
        total[there], epistemic[there] = seen.total[rows].numpy(), seen.epistemic[rows].numpy()
    return predictions, total, epistemic


def _answers(
    tx: Transaction,
    project_id: ProjectId,
    ids: NDArray[np.int64],
    predictions: NDArray[np.int16],
    settled: Mapping[ItemId, ClassId],
    of_class: Mapping[ClassId, int],
) -> tuple[NDArray[np.int16], NDArray[np.int8], tuple[str, ...]]:
    given = votes.standing(tx, project_id)
    who: dict[ItemId, set[AnnotatorId]] = {}
    said: dict[ItemId, set[ClassId | Verdict]] = {}
    for one in given:
        who.setdefault(one.item_id, set()).add(one.annotator_id)
        if one.vote is not None:
            said.setdefault(one.item_id, set()).add(one.vote)
    names = {one.id: one.name for one in annotators.all_(tx)}
    present = sorted({one.annotator_id for one in given}, key=lambda each: names[each])
    of_person = {one: row for row, one in enumerate(present)}
    people = {item: of_person[next(iter(them))] if len(them) == 1 else SEVERAL for item, them in who.items()}
    column = _column(ids, {item: _opinion(them) for item, them in said.items()}, Opinion.SILENT).astype(np.int8)
    voted = {item: one for item, them in said.items() for one in them if not isinstance(one, str)}
    labels = _labels(ids, {**voted, **settled}, of_class)
    column[(column == Opinion.AGREED) & (predictions >= 0) & (predictions != labels)] = Opinion.DIFFERS
    return _column(ids, people, NOBODY), column, tuple(names[one] for one in present)


def _opinion(said: set[ClassId | Verdict]) -> Opinion:
    if len(said) > 1:
        return Opinion.DISPUTED
    return Opinion.REJECTED if isinstance(next(iter(said)), str) else Opinion.AGREED


def _slices(tx: Transaction, project_id: ProjectId, ids: NDArray[np.int64]) -> Mapping[Slice, NDArray[np.int32]]:
    members = slices.item_ids(tx, project_id)
    return {one: _rows(ids, members[one.id])[0] for one in slices.list_(tx, project_id)}


def _rows(
    ids: NDArray[np.int64], wanted: Sequence[ItemId] | NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """The rows of those of these items that are among the ids, which ascend, and which of them those are."""
    rows, found = places(torch.from_numpy(ids), torch.as_tensor(wanted, dtype=torch.int64))
    return rows.numpy().astype(np.int32), found.numpy()


def _column(ids: NDArray[np.int64], values: Mapping[ItemId, int], otherwise: int) -> NDArray[np.int16]:
    """One value for each image on the map."""
    column = np.full(len(ids), otherwise, dtype=np.int16)
    rows, found = _rows(ids, list(values))
    column[rows] = np.array(list(values.values()), dtype=np.int64)[found]
    return column
