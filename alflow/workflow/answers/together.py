"""Answer many images at once with one class, as somebody selected them on the map: all were on screen, as thumbnails.

These are answers like all others, of no round, under the name of whoever gave them. They are taken back in one step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from alflow.domain.answers import Verdict
from alflow.domain.images import Item, Split
from alflow.domain.projects import Project
from alflow.errors import ConflictError, InvalidInputError
from alflow.ids import AnnotatorId, ClassId, ItemId, ProjectId
from alflow.store.answers import votes
from alflow.store.database import Transaction
from alflow.store.desk import labels
from alflow.store.desk.labels import NewLabel
from alflow.store.images import items
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.workspace import Workspace

MOST: Final = 200
"""Images at once: so many thumbnails a person can look through."""


@dataclass(frozen=True)
class Together:
    """What became of a selection: `token` takes the answers back; why others got none."""

    token: str
    answered: tuple[ItemId, ...]
    refused: Mapping[ItemId, str]


def answer_together(
    workspace: Workspace, project_id: ProjectId, by: AnnotatorId, item_ids: Sequence[ItemId], class_id: ClassId
) -> Together:
    """Give all these images this class; those that somebody has answered, or is asked about now, stay as they are.

    Raises:
        InvalidInputError: no image is selected, too many are, or the project has no such class.
        ConflictError: the project wants several votes for each image.
        NotFoundError: there is no such project, item or annotator.
    """
    wanted = list(dict.fromkeys(item_ids))
    if not wanted:
        raise InvalidInputError("no image is selected: select those to answer")
    if len(wanted) > MOST:
        raise InvalidInputError(f"{MOST} images at most are answered at once: select fewer, so that each is looked at")
    token, now = f"together {uuid4().hex}", datetime.now(UTC)
    with workspace.database.begin() as tx:
        annotators.lock(tx, by)
        items.lock(tx, project_id)
        project = projects.by_id(tx, project_id)
        _check(tx, project, class_id)
        chosen = items.by_ids(tx, wanted)
        refused = _refused(tx, project, chosen)
        answered = [item.id for item in chosen if item.id not in refused]
        shown = {"image": "thumbnail", "together": len(answered)}
        for item_id in answered:
            given = (project_id, item_id, None, None, by, Verdict.CLASS, class_id, now, 0.0, _token(token, item_id))
            labels.submit(tx, NewLabel(*given, shown))
    return Together(token, tuple(answered), refused)


def take_back_together(
    workspace: Workspace, project_id: ProjectId, by: AnnotatorId, token: str, item_ids: Sequence[ItemId]
) -> int:
    """Withdraw the answers that were given at once under this token; returns how many still stood.

    Raises:
        NotFoundError: there is no such annotator.
    """
    now = datetime.now(UTC)
    with workspace.database.begin() as tx:
        annotators.lock(tx, by)
        given = labels.of_tokens(tx, [_token(token, item_id) for item_id in item_ids])
        mine = [one for one in given if one.project_id == project_id and one.annotator_id == by]
        for one in mine:
            labels.withdraw(tx, one.id, now)
    return len(mine)


def _check(tx: Transaction, project: Project, class_id: ClassId) -> None:
    """Can this be answered at once?

    Raises:
        InvalidInputError: the project has no such class.
        ConflictError: the project wants several votes for each image.
    """
    if not projects.has_class(tx, project.id, class_id):
        raise InvalidInputError("the project has no such class: reload the page")
    if project.settings.votes > 1:
        raise ConflictError(
            f"project '{project.name}' wants {project.settings.votes} votes for an image: send them to the queue"
        )


def _refused(tx: Transaction, project: Project, chosen: Sequence[Item]) -> dict[ItemId, str]:
    """Item id -> why it is not answered."""
    current = rounds.current(tx, project.id)
    asked = items.asked(tx, current.id) if current else set()
    answered = {one.item_id for one in votes.standing(tx, project.id)}
    refused: dict[ItemId, str] = {}
    for item in chosen:
        if item.project_id != project.id:
            refused[item.id] = "belongs to another project"
        elif item.split is not Split.POOL:
            refused[item.id] = f"belongs to the {item.split} split: only images of the pool are answered"
        elif item.id in answered:
            refused[item.id] = "has an answer: change it on its History page"
        elif item.id in asked:
            refused[item.id] = "is in the open round: answer it on the desk"
    return refused


def _token(token: str, item_id: ItemId) -> str:
    return f"{token}:{item_id}"
