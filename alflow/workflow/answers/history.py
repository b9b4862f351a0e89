"""The history of labels: what happened to each, what was on screen; taking one back, or putting another in its place.

Triggers of the database write it (see `alflow.store.tables.triggers`), whatever program changes a label; here it is
read and put into words. `alflow.workflow.answers.audit` compares it with the labels that are there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from alflow.domain.answers import Label, LabelChange, Verdict
from alflow.domain.images import Item
from alflow.errors import ConflictError, InvalidInputError, NotFoundError
from alflow.ids import AnnotatorId, ChangeId, ClassId, ItemId, LabelId, ProjectId
from alflow.store.answers import history, outcomes
from alflow.store.database import Transaction
from alflow.store.desk import labels
from alflow.store.images import items
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.text import clean_reason
from alflow.workflow.answers.audit import differing
from alflow.workspace import Workspace

_MARK = frozenset({"withdrawn_at", "withdrawn_by", "withdrawn_why"})


class Happening(StrEnum):
    """What became of a label."""

    GIVEN = "given"
    WITHDRAWN = "withdrawn"
    ALTERED = "altered"
    """In place, which no function of alflow does."""
    DELETED = "deleted"


@dataclass(frozen=True)
class Change:
    """One row of the history in words.

    Attributes:
        id: of the row.
        at: when the database wrote it.
        item_id, label_id: what it is about.
        happening: what became of the label.
        annotator: who had given it.
        by: who did this; None where the database cannot know.
        answer: the class, or "skip".
        why: the reason given for a withdrawal.
        altered: column -> value before and after, of a label that was altered in place.
        shown: what belonged to this answer on screen.
        screen: what the page showed to all (see `alflow.workflow.desk.screens`), if it is known.
    """

    id: ChangeId
    at: datetime
    item_id: ItemId
    label_id: LabelId
    happening: Happening
    annotator: str
    by: str | None
    answer: str
    why: str | None
    altered: Mapping[str, tuple[Any, Any]]
    shown: Mapping[str, Any]
    screen: Mapping[str, Any] | None


@dataclass(frozen=True)
class ItemHistory:
    """An item, its answers (withdrawn ones too) and all that happened to them, oldest first."""

    item: Item
    labels: tuple[Label, ...]
    changes: tuple[Change, ...]
    settled_class_id: ClassId | None


def item_history(workspace: Workspace, project_id: ProjectId, item_id: ItemId) -> ItemHistory:
    """Everything that ever happened to the labels of an item.

    Raises:
        NotFoundError: the project has no such item.
    """
    with workspace.database.read() as tx:
        (item,) = items.by_ids(tx, [item_id])
        if item.project_id != project_id:
            raise NotFoundError(f"no item of this project has the id {item_id}")
        changes = _in_words(tx, project_id, history.of_item(tx, item_id))
        given = tuple(labels.of_item(tx, item_id, withdrawn=True))
        return ItemHistory(item, given, changes, outcomes.settled(tx, project_id).get(item_id))


def recent_changes(workspace: Workspace, project_id: ProjectId, count: int = 50) -> tuple[Change, ...]:
    """The last things that happened to labels of a project, newest first."""
    with workspace.database.read() as tx:
        return _in_words(tx, project_id, history.newest(tx, project_id, count))


def withdraw_label(workspace: Workspace, project_id: ProjectId, by: AnnotatorId, label_id: LabelId, why: str) -> Label:
    """Take somebody's answer back, also in a closed round; it stays, marked with who and why. Idempotent.

    The image is no longer settled unless other answers settle it: a LABELLED round is OPEN again, and after a closed
    round the next fit goes without it. To ask once more, send it to the queue (`alflow.workflow.rounds.chosen`).

    Raises:
        InvalidInputError: no reason is given, or a very long one.
        NotFoundError: the project has no such label, or there is no such annotator.
    """
    why = clean_reason(why)
    with workspace.database.begin() as tx:
        label = _lock(tx, project_id, by, label_id)
        return label if label.withdrawn_at is not None else _withdraw(tx, by, label, why)


def change_label(
    workspace: Workspace, project_id: ProjectId, by: AnnotatorId, label_id: LabelId, class_id: ClassId, why: str
) -> Label:
    """Withdraw an answer and give another in its place, in the name of who changes it; returns the new one.

    Raises:
        InvalidInputError: no reason is given, or the class is of another project.
        NotFoundError: the project has no such label, or there is no such annotator.
        ConflictError: the answer is withdrawn already, names this class already, or `by` has another standing answer
            about the same image in this round, which the new one would replace.
    """
    why = clean_reason(why)
    with workspace.database.begin() as tx:
        label = _lock(tx, project_id, by, label_id)
        if not projects.has_class(tx, project_id, class_id):
            raise InvalidInputError(f"class {class_id} is not of this project: see `alflow classes list`")
        _may_change(tx, by, label, class_id)
        _withdraw(tx, by, label, why)
        new = labels.NewLabel(
            project_id=project_id,
            item_id=label.item_id,
            candidate_id=label.candidate_id,
            round_id=label.round_id,
            annotator_id=by,
            verdict=Verdict.CLASS,
            class_id=class_id,
            at=datetime.now(UTC),
            seconds=0.0,
            token=f"change {label_id} {uuid4()}",
            shown={"page": "history", "instead_of": label_id, "why": why},
        )
        made = labels.submit(tx, new)
        if label.round_id is not None:
            rounds.settle(tx, rounds.lock(tx, label.round_id))
        return made


def _lock(tx: Transaction, project_id: ProjectId, by: AnnotatorId, label_id: LabelId) -> Label:
    """The label as it is, in the order in which everybody locks: annotators, candidate, round.

    Raises:
        NotFoundError: the project has no such label, or there is no such annotator.
    """
    found = labels.by_id(tx, label_id)
    if found.project_id != project_id:
        raise NotFoundError(f"no label of this project has the id {label_id}: see `alflow labels history`")
    for annotator_id in sorted({by, found.annotator_id}):
        annotators.lock(tx, annotator_id)
    if found.candidate_id is not None:
        labels.lock_candidate(tx, found.candidate_id)
    return labels.by_id(tx, label_id)


def _withdraw(tx: Transaction, by: AnnotatorId, label: Label, why: str) -> Label:
    withdrawn = labels.withdraw(tx, label.id, datetime.now(UTC), by=by, why=why)
    if label.round_id is not None:
        rounds.unsettle(tx, rounds.lock(tx, label.round_id))
    return withdrawn


def _may_change(tx: Transaction, by: AnnotatorId, label: Label, class_id: ClassId) -> None:
    if label.withdrawn_at is not None:
        raise ConflictError(f"label {label.id} was withdrawn already: there is nothing to change")
    if label.class_id == class_id:
        raise ConflictError(f"label {label.id} names this class already")
    mine = [one for one in labels.of_item(tx, label.item_id) if one.annotator_id == by]
    if any(one.id != label.id and one.candidate_id == label.candidate_id for one in mine):
        raise ConflictError("you have answered this image yourself in this round: withdraw one of the two answers")


def _in_words(tx: Transaction, project_id: ProjectId, rows: Iterable[LabelChange]) -> tuple[Change, ...]:
    rows = list(rows)
    people = {one.id: one.name for one in annotators.all_(tx)}
    classes = {one.id: one.display_name for one in projects.classes(tx, project_id)}
    states = [row.after or row.before or {} for row in rows]
    screens = history.screens(tx, {str(state["shown"].get("screen")) for state in states})
    return tuple(_change(row, state, people, classes, screens) for row, state in zip(rows, states, strict=True))


def _change(
    row: LabelChange,
    state: Mapping[str, Any],
    people: Mapping[AnnotatorId, str],
    classes: Mapping[ClassId, str],
    screens: Mapping[str, Mapping[str, Any]],
) -> Change:
    altered = differing(row.before or {}, row.after or {}) if row.operation == "update" else {}
    happening = _happening(row, altered)
    actor = {Happening.GIVEN: "annotator_id", Happening.WITHDRAWN: "withdrawn_by"}.get(happening)
    return Change(
        id=row.id,
        at=row.at,
        item_id=row.item_id,
        label_id=row.label_id,
        happening=happening,
        annotator=people.get(state["annotator_id"], "?"),
        by=people.get(state.get(actor, 0)) if actor else None,
        answer=str(state["verdict"]) if state["class_id"] is None else classes.get(state["class_id"], "?"),
        why=state.get("withdrawn_why") if happening is Happening.WITHDRAWN else None,
        altered=altered if happening is Happening.ALTERED else {},
        shown=state["shown"],
        screen=screens.get(str(state["shown"].get("screen"))),
    )


def _happening(row: LabelChange, altered: Mapping[str, Any]) -> Happening:
    if row.operation == "update":
        withdrawn = "withdrawn_at" in altered and altered["withdrawn_at"][0] is None and set(altered) <= _MARK
        return Happening.WITHDRAWN if withdrawn else Happening.ALTERED
    return Happening.GIVEN if row.operation == "insert" else Happening.DELETED
