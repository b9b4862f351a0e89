"""The desk's exchange: apply what the browser of an annotator sent, and say what to show next.

Every event is one transaction and idempotent, so that the browser may send it more than once. An event that is refused
or fails holds up no other. The reply is one more transaction, which also reserves what will be shown. What the events
have in common is read before them.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from alflow.domain.answers import Verdict
from alflow.domain.images import Item
from alflow.domain.projects import Project
from alflow.domain.rounds import Round
from alflow.errors import AlflowError, UnavailableError
from alflow.ids import AnnotatorId, CandidateId, ProjectId
from alflow.store.database import Transaction
from alflow.store.desk import aside, presence
from alflow.store.desk import gold as checks
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.workflow.desk import gold, label, likewise, queue, screens, worth
from alflow.workflow.desk.messages import (
    AHEAD,
    TODO,
    Acknowledgement,
    Answer,
    CheckAnswer,
    CheckEntry,
    DeskState,
    Event,
    Likewise,
    RoundProgress,
    Undo,
    Wish,
)
from alflow.workflow.desk.queue import QueueEntry
from alflow.workflow.desk.siblings import groups_of
from alflow.workflow.desk.submission import LARGEST_ID, checked
from alflow.workspace import Workspace

RECENT: Final = 12
"""How many of an annotator's last answers a deck shows."""

_log = logging.getLogger(__name__)


def exchange(
    workspace: Workspace, project_id: ProjectId, annotator_id: AnnotatorId, events: Sequence[Event], wish: Wish
) -> DeskState:
    """Apply `events` in order, renew the annotator's leases, and say what to show.

    Args:
        workspace: where.
        project_id: whose queue.
        annotator_id: who answers.
        events: what the browser has not seen acknowledged, oldest first.
        wish: what to show.

    Raises:
        UnavailableError: the database does not answer; nothing is lost, everything may be sent once more.
        NotFoundError: there is no such project or annotator.
        InvalidInputError: a class sets nothing aside.
    """
    began = datetime.now(UTC)
    project, acknowledgements = _applied(workspace, project_id, annotator_id, events)
    wish = replace(wish, ahead=max(0, min(wish.ahead, AHEAD)))
    writes, database = bool(wish.ahead or wish.leave), workspace.database
    with database.begin() if writes else database.read() as tx:
        project = project or projects.by_id(tx, project_id)
        if writes:
            annotators.lock(tx, annotator_id)
        newest = rounds.last(tx, project_id)
        reserved = _reserved(tx, project, newest, annotator_id, wish, began)
        queue_ = _with_check(tx, project, annotator_id, reserved) if wish.queue == TODO else reserved
        recent = label.past_answers(tx, project_id, annotator_id, RECENT)
        shown = [one.item for one in (*queue_, *recent)]
        return DeskState(
            project=project,
            acknowledgements=acknowledgements,
            queue=queue_,
            set_aside=aside.counts(tx, project_id),
            progress=None if newest is None else RoundProgress(newest, *rounds.answered(tx, newest.id)),
            checks=None if reserved else checks.results(tx, project_id).get(annotator_id, (0, 0)),
            recent=recent,
            groups=groups_of(tx, project_id, annotator_id, shown),
        )


def _applied(
    workspace: Workspace, project_id: ProjectId, annotator_id: AnnotatorId, events: Sequence[Event]
) -> tuple[Project | None, list[Acknowledgement]]:
    """The project, and what became of the events. Without events nothing is read, and the project is None."""
    if not events:
        return None, []
    answers = [each.given for each in events if isinstance(each, Answer)]
    shown = [(one.candidate_id, one.shown) for one in answers if abs(one.candidate_id) <= LARGEST_ID]
    with workspace.database.read() as tx:
        project = projects.by_id(tx, project_id)
        images = screens.images(tx, shown)
    return project, [_acknowledgement(workspace, project, annotator_id, event, images) for event in events]


def _acknowledgement(
    workspace: Workspace, project: Project, annotator_id: AnnotatorId, event: Event, images: Mapping[CandidateId, Item]
) -> Acknowledgement:
    """Apply an event, and catch whatever makes it fail.

    Raises:
        UnavailableError: the database does not answer.
    """
    try:
        return _apply(workspace, project, annotator_id, event, images)
    except UnavailableError:
        raise
    except AlflowError as error:
        return Acknowledgement(event, refusal=error)
    except Exception:  # noqa: BLE001 - the other answers must not wait for this one
        _log.exception("the deck's event %r failed; the deck keeps it", event.key)
        fault = UnavailableError("The server could not store an answer; it is kept and sent again")
        return Acknowledgement(event, refusal=fault, retry=True)


def _apply(
    workspace: Workspace, project: Project, annotator_id: AnnotatorId, event: Event, images: Mapping[CandidateId, Item]
) -> Acknowledgement:
    match event:
        case Undo():
            with workspace.database.begin() as tx:
                label.take_back(tx, project, annotator_id, event.token)
                return Acknowledgement(event)
        case CheckAnswer():
            given = checked(event.given)
            with workspace.database.begin() as tx:
                return Acknowledgement(event, gold.answer(tx, project, annotator_id, event.check_id, given))
        case Likewise():
            likewise.check(event.asked)
            with workspace.database.begin() as tx:
                return Acknowledgement(event, likewise.follow(tx, project, annotator_id, event.asked))
        case Answer():
            given = checked(event.given)
            shown = screens.with_rendition(workspace, given.shown, images.get(given.candidate_id))
            with workspace.database.begin() as tx:
                stored = label.store(tx, project.id, annotator_id, replace(given, shown=shown))
                feedback = worth.of(tx, project, stored.label, stored.candidate)
                offer = likewise.offer(tx, project, stored.label, stored.candidate)
                label.settle(tx, stored)
                return Acknowledgement(event, feedback, offer)


def _reserved(
    tx: Transaction, project: Project, newest: Round | None, annotator_id: AnnotatorId, wish: Wish, began: datetime
) -> list[QueueEntry]:
    """Reserve what the deck wants. Where its page was closed since the request began, give it back at once.

    The caller holds the annotator's lock, unless nothing is wanted.
    """
    if wish.leave:
        queue.release(tx, project.id, annotator_id)
    if not wish.ahead:
        return []
    left = presence.left_since(tx, project.id, annotator_id, began)
    if wish.queue == TODO:
        entries = queue.reserve(tx, project, newest, annotator_id, wish.ahead, wish.showing)
    else:
        entries = queue.reserve_set_aside(tx, project, annotator_id, Verdict(wish.queue), wish.ahead)
    if entries and left:
        queue.release(tx, project.id, annotator_id)
    return entries


def _with_check(
    tx: Transaction, project: Project, annotator_id: AnnotatorId, entries: Sequence[QueueEntry]
) -> Sequence[QueueEntry | CheckEntry]:
    """The queue with the check that is due in its place. An empty queue gets none: its annotator is done."""
    due = gold.due(tx, project, annotator_id) if entries else None
    if due is None or due.position >= len(entries):
        return entries
    check = CheckEntry(due.check.id, due.item, entries[due.position].candidate.rank)
    return [*entries[: due.position], check, *entries[due.position :]]
