"""Slices: named sets of images, on which the model after every round is evaluated.

A slice counts as known what no model could have learnt from: test images whose class is known, and images whose label
came after the round was closed. What a round was fitted on says nothing of how well its model predicts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import torch

from alflow import text
from alflow.bootstrap import all_metrics
from alflow.domain.images import Split
from alflow.domain.projects import ClassLabel, Project
from alflow.domain.rounds import Round, RoundState, Slice, SliceEvaluation
from alflow.embeddings import Embeddings
from alflow.errors import InvalidInputError, NotFoundError
from alflow.ids import AnnotatorId, ClassId, ItemId, ProjectId, SliceId
from alflow.store.answers import outcomes
from alflow.store.artifacts import digest
from alflow.store.database import Transaction
from alflow.store.images import items
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.store.rounds import slices as stored
from alflow.workflow.images.embedded import require_embedded
from alflow.workflow.model.model import ProjectModel, load_rows, model_of
from alflow.workflow.model.source import last_fit
from alflow.workspace import Workspace

METRICS: Final = ("accuracy", "nlpd", "ece")


@dataclass(frozen=True)
class SliceReport:
    """A slice, how many images it has, and what is known of it, by round."""

    slice: Slice
    images: int
    evaluations: tuple[SliceEvaluation, ...]


def make_slice(
    workspace: Workspace, project_id: ProjectId, by: AnnotatorId, name: str, item_ids: Sequence[ItemId]
) -> Slice:
    """Give a set of images a name; `evaluate_slices` says how well each round's model knows them.

    Raises:
        InvalidInputError: no image is given, or the name cannot be kept.
        ConflictError: the project has a slice of that name.
        NotFoundError: there is no such project, annotator, or image of the project.
    """
    name = text.clean_name("a slice's name", " ".join(name.split()))
    wanted = sorted(set(item_ids))
    if not wanted:
        raise InvalidInputError("no image is selected: select those that the slice shall hold")
    with workspace.database.begin() as tx:
        projects.by_id(tx, project_id)
        annotators.lock(tx, by)
        if strange := [one.id for one in items.by_ids(tx, wanted) if one.project_id != project_id]:
            raise NotFoundError(f"no item of this project has the id {strange[0]}")
        return stored.add(tx, project_id, by, name, wanted)


def find_slice(workspace: Workspace, project_id: ProjectId, name: str) -> Slice:
    """The project's slice of that name.

    Raises:
        NotFoundError: there is none; the message lists those that exist.
    """
    with workspace.database.read() as tx:
        return stored.find(tx, project_id, name)


def remove_slice(workspace: Workspace, project_id: ProjectId, name: str) -> None:
    """Delete a slice and its evaluations; its images stay as they are.

    Raises:
        NotFoundError: there is none of that name.
    """
    with workspace.database.begin() as tx:
        stored.remove(tx, stored.find(tx, project_id, name).id)


def slice_reports(workspace: Workspace, project_id: ProjectId) -> list[SliceReport]:
    """The project's slices by name, with what `evaluate_slices` found."""
    with workspace.database.read() as tx:
        every, counts, made = (
            stored.list_(tx, project_id),
            stored.counts(tx, project_id),
            stored.evaluations(tx, project_id),
        )
    return [
        SliceReport(one, counts.get(one.id, 0), tuple(each for each in made if each.slice_id == one.id))
        for one in every
    ]


def evaluate_slices(workspace: Workspace, project_id: ProjectId) -> int:
    """Evaluate the model after every closed round, and the zero-shot one, on every slice; returns how many were due.

    What was evaluated on the same images with the same classes is not evaluated again.

    Raises:
        NotFoundError: there is no such project, it has no posterior, nothing is embedded, or a fit is missing.
        ConflictError: it has fewer than two classes.
        InvalidInputError: a shard is damaged, or two classes look the same to the model.
    """
    with workspace.database.read() as tx:
        now = _look(tx, project_id)
    if not now.slices:
        return 0
    require_embedded(workspace, now.project)
    zero_shot = model_of(workspace, now.project, now.classes)
    known = {*now.truths, *now.settled}
    ids = sorted({item for members in now.slices.values() for item in members if item in known})
    (rows,) = load_rows(workspace, now.project, zero_shot, ids)
    fits = [(0, None, None), *((one.number, one, one.closed_at) for one in now.closed)]
    due = 0
    for number, round_, closed_at in fits:
        fit = None if round_ is None else last_fit([one for one in now.closed if one.number <= number])
        model = zero_shot if fit is None else model_of(workspace, now.project, now.classes, fit)
        due += _evaluate(workspace, now, model, rows, number, closed_at)
    return due


@dataclass(frozen=True)
class _Now:
    """What evaluating slices reads from the database, at one moment."""

    project: Project
    classes: Sequence[ClassLabel]
    closed: Sequence[Round]
    slices: Mapping[SliceId, Sequence[ItemId]]
    truths: Mapping[ItemId, ClassId]
    settled: Mapping[ItemId, ClassId]
    heard: Mapping[ItemId, datetime]
    bases: Mapping[tuple[SliceId, int], str]

    def later(self, closed_at: datetime | None) -> dict[ItemId, ClassId]:
        """Settled images of which nobody had said anything at that moment; before the first round all of them."""
        settled = {item: class_id for item, class_id in self.settled.items() if item not in self.truths}
        if closed_at is None:
            return settled
        return {item: one for item, one in settled.items() if item in self.heard and self.heard[item] > closed_at}


def _look(tx: Transaction, project_id: ProjectId) -> _Now:
    project, sets = projects.by_id(tx, project_id), stored.item_ids(tx, project_id)
    done = stored.evaluations(tx, project_id)
    return _Now(
        project,
        projects.classes(tx, project_id),
        [one for one in rounds.all_(tx, project_id) if one.state is RoundState.CLOSED],
        sets,
        items.truths(tx, project_id, Split.TEST) if sets else {},
        outcomes.evidence(tx, project_id) if sets else {},
        stored.first_heard(tx, project_id) if sets else {},
        {(one.slice_id, one.round_number): one.basis for one in done},
    )


def _evaluate(
    workspace: Workspace, now: _Now, model: ProjectModel, rows: Embeddings, number: int, closed_at: datetime | None
) -> int:
    """The evaluations of one round's model that are due; stored, and counted."""
    embedded, later, classes = set(rows.item_ids.tolist()), now.later(closed_at), set(model.class_ids)
    found = {}
    for slice_id, members in now.slices.items():
        usable = [item for item in members if item in embedded]
        known = {item: now.truths[item] for item in usable if now.truths.get(item) in classes}
        unseen = {item: later[item] for item in usable if later.get(item) in classes}
        basis = digest(hashes=model.hashes, classes=list(model.class_ids), known=sorted((known | unseen).items()))
        if now.bases.get((slice_id, number)) != basis:
            found[slice_id] = (basis, known, unseen)
    if not found:
        return 0
    probabilities = model.believe(rows.activations).probabilities
    place = {item: row for row, item in enumerate(rows.item_ids.tolist())}
    for slice_id, (basis, known, unseen) in found.items():
        judged = known | unseen
        which = torch.tensor([place[item] for item in judged], dtype=torch.int64)
        metrics = _metrics(now.project, probabilities[which], model.columns(list(judged.values())))
        made = SliceEvaluation(slice_id, number, basis, len(known), len(unseen), metrics, datetime.now(UTC))
        with workspace.database.begin() as tx:
            stored.keep(tx, made)
    return len(found)


def _metrics(
    project: Project, probabilities: torch.Tensor, classes: torch.Tensor
) -> Mapping[str, tuple[float, float, float]]:
    if not len(classes):
        return {}
    generator = torch.Generator().manual_seed(project.settings.seed)
    return dict(all_metrics(probabilities, classes, generator, names=METRICS))
