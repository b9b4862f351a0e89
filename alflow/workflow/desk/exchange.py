"""The desk's exchange: what the browser of an annotator sent is applied, and what to show next is said.

Every event is one transaction and idempotent, so that it may come again, and each has its own fate: one that is refused
or fails holds up none beside it. The reply is one transaction more, which also reserves what will be shown; what the
events have in common is read before them.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from alflow.domain import Item, Project, Round, Verdict
from alflow.errors import AlflowError, UnavailableError
from alflow.ids import AnnotatorId, CandidateId, CheckId, ProjectId
from alflow.store.database import Transaction
from alflow.store.desk import aside, presence
from alflow.store.desk import gold as checks
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.workflow.desk import gold, label, screens, worth
from alflow.workflow.desk.gold import Outcome
from alflow.workflow.desk.label import PastAnswer, QueueEntry, Submission
from alflow.workflow.desk.worth import Worth
from alflow.workspace import Workspace

AHEAD: Final = 40  # what can be answered while the connection is lost: two minutes of it, at three seconds an image
RECENT: Final = 12
TODO: Final = "todo"
QUEUES: Final = frozenset({TODO, *Verdict} - {Verdict.CLASS})

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """An answer about a candidate; `key` is what the browser calls the event."""

    key: str | None
    given: Submission


@dataclass(frozen=True)
class CheckAnswer:
    """An answer to a gold check, whose id it names; the candidate of what is given says nothing."""

    key: str | None
    check_id: CheckId
    given: Submission


@dataclass(frozen=True)
class Undo:
    """The wish to take back the answer of that token."""

    key: str | None
    token: str


Event = Answer | CheckAnswer | Undo


@dataclass(frozen=True)
class Wish:
    """What a deck wants to show.

    Attributes:
        queue: one of `QUEUES`: "todo", or the verdict whose queue of put-aside items is open.
        ahead: how many items to reserve, `AHEAD` at most; none for a page that only delivers what it kept.
        showing: the candidate on screen, which is kept if that is possible.
        leave: the page is being closed: what was reserved goes back.
    """

    queue: str = TODO
    ahead: int = AHEAD
    showing: CandidateId | None = None
    leave: bool = False


@dataclass(frozen=True)
class Acknowledgement:
    """The fate of an event.

    Attributes:
        event: which.
        told: what the answer was worth, or how the check was answered; None where nothing is told.
        refusal: why the event is not stored; None where it is.
        again: it failed for no fault of its own: send it again.
    """

    event: Event
    told: Worth | Outcome | None = None
    refusal: AlflowError | None = None
    again: bool = False


@dataclass(frozen=True)
class CheckEntry:
    """A gold check in its place in the queue: it bears the rank of the item that it comes before."""

    check_id: CheckId
    item: Item
    rank: int


@dataclass(frozen=True)
class RoundProgress:
    """The newest round, how many of its candidates have all their answers, and how many there are."""

    round: Round
    answered: int
    total: int


@dataclass(frozen=True)
class DeskState:
    """What the desk of an annotator shows.

    Attributes:
        project: whose desk it is.
        acknowledgements: one for every event, in order.
        queue: what is reserved, in the order to show it; the check that is due stands in its place.
        aside: how many items lie in each queue of what people put aside.
        progress: how far the newest round is; None before the first.
        checks: at the end of the queue, how many gold checks were answered right, of how many; else None.
        recent: this annotator's last answers, newest first.
    """

    project: Project
    acknowledgements: Sequence[Acknowledgement]
    queue: Sequence[QueueEntry | CheckEntry]
    aside: Mapping[Verdict, int]
    progress: RoundProgress | None
    checks: tuple[int, int] | None
    recent: Sequence[PastAnswer]


def exchange(
    workspace: Workspace, project_id: ProjectId, annotator_id: AnnotatorId, events: Sequence[Event], wish: Wish
) -> DeskState:
    """Apply `events` in order, renew the annotator's leases, and say what to show.

    Args:
        workspace: where.
        project_id: whose queue.
        annotator_id: who answers.
        events: what was not acknowledged yet, oldest first.
        wish: what to show.

    Raises:
        UnavailableError: the database does not answer; nothing is lost, everything may be sent again.
        NotFoundError: there is no such project or annotator.
        InvalidInputError: a class puts nothing aside.
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
        queue = _queue(tx, project, newest, annotator_id, wish, began)
        return DeskState(
            project=project,
            acknowledgements=acknowledgements,
            queue=_with_check(tx, project, annotator_id, queue) if wish.queue == TODO else queue,
            aside=aside.counts(tx, project_id),
            progress=None if newest is None else RoundProgress(newest, *rounds.answered(tx, newest.id)),
            checks=None if queue else checks.results(tx, project_id).get(annotator_id, (0, 0)),
            recent=label.past_answers(tx, project_id, annotator_id, RECENT),
        )


def _applied(
    workspace: Workspace, project_id: ProjectId, annotator_id: AnnotatorId, events: Sequence[Event]
) -> tuple[Project | None, list[Acknowledgement]]:
    """What became of the events, and the project; None where there is no event, and so nothing was read."""
    if not events:
        return None, []
    answers = [each.given for each in events if isinstance(each, Answer)]
    asked = [(one.candidate_id, one.shown) for one in answers if abs(one.candidate_id) <= label.LARGEST_ID]
    with workspace.database.read() as tx:
        project = projects.by_id(tx, project_id)
        images = screens.images(tx, asked)
    return project, [_acknowledgement(workspace, project, annotator_id, event, images) for event in events]


def _acknowledgement(
    workspace: Workspace, project: Project, annotator_id: AnnotatorId, event: Event, images: Mapping[CandidateId, Item]
) -> Acknowledgement:
    """Apply an event, whatever comes of it.

    Raises:
        UnavailableError: the database does not answer.
    """
    try:
        return Acknowledgement(event, _apply(workspace, project, annotator_id, event, images))
    except UnavailableError:
        raise
    except AlflowError as error:
        return Acknowledgement(event, refusal=error)
    except Exception:  # noqa: BLE001 - whatever it is, the other answers must not wait for it
        _log.exception("the deck's event %r failed; the deck keeps it", event.key)
        fault = UnavailableError("The server could not store an answer; it is kept and sent again")
        return Acknowledgement(event, refusal=fault, again=True)


def _apply(
    workspace: Workspace, project: Project, annotator_id: AnnotatorId, event: Event, images: Mapping[CandidateId, Item]
) -> Worth | Outcome | None:
    match event:
        case Undo():
            with workspace.database.begin() as tx:
                label.take_back(tx, annotator_id, event.token, project)
                return None
        case CheckAnswer():
            given = label.checked(event.given)
            with workspace.database.begin() as tx:
                return gold.answer(tx, project, annotator_id, event.check_id, given)
        case Answer():
            given = label.checked(event.given)
            shown = screens.with_rendition(workspace, given.shown, images.get(given.candidate_id))
            with workspace.database.begin() as tx:
                stored = label.store(tx, annotator_id, replace(given, shown=shown), project.id)
                told = worth.of(tx, stored.label, project, stored.candidate)
                label.settle(tx, stored)
                return told


def _queue(
    tx: Transaction, project: Project, newest: Round | None, annotator_id: AnnotatorId, wish: Wish, began: datetime
) -> list[QueueEntry]:
    """Reserve what the deck wants; nothing stays reserved for a page that was closed while it was asking.

    The caller holds the annotator's lock, unless nothing is wanted.
    """
    if wish.leave:
        label.give_back(tx, project.id, annotator_id)
    if not wish.ahead:
        return []
    left = presence.left_since(tx, project.id, annotator_id, began)
    if wish.queue == TODO:
        queue = label.reserve(tx, project, newest, annotator_id, wish.ahead, wish.showing)
    else:
        queue = label.reserve_aside(tx, project, Verdict(wish.queue), annotator_id, wish.ahead)
    if queue and left:
        label.give_back(tx, project.id, annotator_id)
    return queue


def _with_check(
    tx: Transaction, project: Project, annotator_id: AnnotatorId, queue: Sequence[QueueEntry]
) -> Sequence[QueueEntry | CheckEntry]:
    """The queue, and in its place the check that is due; a queue at its end gets none."""
    due = gold.due(tx, project, annotator_id) if queue else None
    if due is None or due.position >= len(queue):
        return queue
    check = CheckEntry(due.check.id, due.item, queue[due.position].candidate.rank)
    return [*queue[: due.position], check, *queue[due.position :]]
