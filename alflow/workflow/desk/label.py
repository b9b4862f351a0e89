"""Label: what to show next, take an answer, take it back, tell how far the queue is.

What people put aside (skipped, unsure, none of the classes, bad image) lies in queues of its own, which anybody can
open and answer later; see `alflow.store.desk.aside`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from alflow import text
from alflow.domain import Candidate, Item, Label, Project, Round, RoundState, Verdict
from alflow.errors import ConflictError, InvalidInputError, NotFoundError
from alflow.ids import AnnotatorId, CandidateId, ClassId, ProjectId, RoundId
from alflow.store.database import Transaction
from alflow.store.desk import aside, labels, presence, queue
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.workflow.desk import screens
from alflow.workspace import Workspace

PRESENT: Final = timedelta(seconds=90)
"""Somebody who asked for images within this time counts as present at the desk; a deck asks at least every 30 s."""

ALONE: Final = 6
"""How many of the last images somebody who is alone at the desk may hold; they are shared once others come."""

LARGEST_ID: Final = 2**31 - 1
"""Of any row: what a column of whole numbers holds in PostgreSQL."""

LONGEST_COMMENT: Final = 2_000

LONGEST_SECONDS: Final = 86_400.0

LONGEST_SHOWN: Final = 20_000
"""Characters of what was on screen, as JSON."""

SPARE: Final = 6
"""What at most is left for whoever comes next: they start with it, and an even share follows at the next request."""


@dataclass(frozen=True)
class QueueEntry:
    """A candidate that is reserved for an annotator until `leased_until`, and its item."""

    candidate: Candidate
    item: Item
    leased_until: datetime


@dataclass(frozen=True)
class Submission:
    """An answer as the browser sends it.

    Attributes:
        token: made once for this answer by the browser that shows the item; sent again with every retry.
        candidate_id: the candidate on screen, named by the component that showed it.
        verdict: a class, or why there is none.
        class_id: the class; None unless the verdict is one.
        seconds: how long the item was on screen.
        shown: what was on screen, for the record.
        comment: what the annotator wants to say about the item.
        proposed_class: what a NONE would have been called.
    """

    token: str
    candidate_id: CandidateId
    verdict: Verdict
    class_id: ClassId | None
    seconds: float
    shown: Mapping[str, Any] = field(default_factory=dict)
    comment: str = ""
    proposed_class: str = ""


@dataclass(frozen=True)
class Stored:
    """An answer that is stored, and its candidate; None where a retry found it stored."""

    label: Label
    candidate: Candidate | None


@dataclass(frozen=True)
class PastAnswer:
    """An answer that stands, and the image it is about; a `final` one can no longer be taken back."""

    label: Label
    item: Item
    final: bool


def next_candidates(
    workspace: Workspace,
    project_id: ProjectId,
    annotator_id: AnnotatorId,
    count: int = 6,
    *,
    showing: CandidateId | None = None,
) -> list[QueueEntry]:
    """Reserve the next items for this annotator, in rank order, and renew the leases of those already reserved.

    Call it again while the page lives: leases last `ProjectSettings.lease_minutes`. Nobody holds more than an equal
    share of the answers that the round still needs, so that its last images go to everybody at the desk, and whoever
    comes next finds some. Empty when nothing is open, or when everything else is answered, reserved by others, or was
    answered by this annotator.

    Args:
        workspace: where.
        project_id: whose queue.
        annotator_id: who asks.
        count: how many items at most.
        showing: the candidate on screen, to be kept whatever else goes back.

    Raises:
        NotFoundError: there is no such project or annotator.
    """
    with workspace.database.begin() as tx:
        project = projects.by_id(tx, project_id)
        annotators.lock(tx, annotator_id)
        return reserve(tx, project, rounds.current(tx, project_id), annotator_id, count, showing)


def submit(
    workspace: Workspace, annotator_id: AnnotatorId, submission: Submission, project_id: ProjectId | None = None
) -> Label:
    """Store an answer; the last one that the queue needs makes the round LABELLED in the same transaction.

    The same token again returns what is stored. A new token for a candidate that this annotator answered already
    replaces that answer (it stays, withdrawn). An answer that comes after its lease expired or its round closed is
    kept as a further vote, never dropped. With `project_id` only candidates of that project can be answered.

    Raises:
        InvalidInputError: verdict and class do not fit, or the class is of another project.
        NotFoundError: there is no such annotator or candidate.
        ConflictError: the token belongs to an answer about something else.
    """
    submission = checked(submission)
    with workspace.database.read() as tx:
        images = screens.images(tx, [(submission.candidate_id, submission.shown)])
    shown = screens.with_rendition(workspace, submission.shown, images.get(submission.candidate_id))
    with workspace.database.begin() as tx:
        stored = store(tx, annotator_id, replace(submission, shown=shown), project_id)
        settle(tx, stored)
        return stored.label


# The steps of these use cases, for those who take several in one transaction.


def reserve(
    tx: Transaction,
    project: Project,
    round_: Round | None,
    annotator_id: AnnotatorId,
    count: int,
    showing: CandidateId | None,
) -> list[QueueEntry]:
    """See `next_candidates`; `round_` is the newest of the project, the caller holds the annotator's lock."""
    if round_ is None or round_.state is not RoundState.OPEN:
        return []
    now = datetime.now(UTC)
    until = now + project.settings.lease
    presence.note(tx, project.id, annotator_id, now + PRESENT)
    share = _share(tx, round_.id, count, presence.count(tx, project.id, now))
    reserved = queue.lease(tx, round_.id, annotator_id, share, until, now, showing)
    return [QueueEntry(candidate, item, until) for candidate, item in reserved]


def reserve_aside(
    tx: Transaction, project: Project, kind: Verdict, annotator_id: AnnotatorId, count: int
) -> list[QueueEntry]:
    """Reserve the next items that people set aside as `kind`, the longest set aside first; one's own are among them.

    The caller holds the annotator's lock.

    Raises:
        InvalidInputError: a class puts nothing aside.
    """
    if kind not in aside.KINDS:
        raise InvalidInputError(f"there is no queue of {kind.value!r}; there are {', '.join(aside.KINDS)}")
    now = datetime.now(UTC)
    until = now + project.settings.lease
    reserved = aside.lease(tx, project.id, kind, annotator_id, count, until, now)
    return [QueueEntry(candidate, item, until) for candidate, item in reserved]


def give_back(tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId) -> None:
    """Give back what is reserved for somebody who closes the desk, so that nobody waits for the leases to lapse.

    The caller holds the annotator's lock.
    """
    queue.release(tx, project_id, annotator_id)
    presence.leave(tx, project_id, annotator_id, datetime.now(UTC))


def store(
    tx: Transaction, annotator_id: AnnotatorId, submission: Submission, project_id: ProjectId | None = None
) -> Stored:
    """See `submit`; the submission was `checked`, and the caller calls `settle` last.

    Raises:
        InvalidInputError: the class is of another project.
        NotFoundError: there is no such annotator or candidate.
        ConflictError: the token belongs to an answer about something else.
    """
    annotators.lock(tx, annotator_id)
    known = labels.by_token(tx, submission.token)
    if known is not None:
        return Stored(_same(known, annotator_id, submission), None)
    candidate = labels.lock_candidate(tx, submission.candidate_id)
    round_ = rounds.by_id(tx, candidate.round_id)
    if project_id not in {None, round_.project_id}:
        raise NotFoundError(f"no candidate of this project has the id {candidate.id}: reload the page")
    _check_class(tx, round_, submission.class_id)
    return Stored(labels.submit(tx, _label(round_, candidate, annotator_id, submission)), candidate)


def settle(tx: Transaction, stored: Stored) -> None:
    """Make the round LABELLED if this was its last answer.

    The last step of a transaction: the round's lock is one for all who answer.
    """
    if stored.candidate is not None:
        rounds.settle(tx, rounds.lock(tx, stored.candidate.round_id))


def take_back(tx: Transaction, annotator_id: AnnotatorId, token: str, project: Project | None) -> Label:
    """Withdraw the answer that carried `token` and reserve its item for this annotator again; idempotent.

    A LABELLED round that thereby misses an answer is OPEN again. With a project only answers of that project can be
    taken back.

    Raises:
        NotFoundError: this annotator gave no such answer.
        ConflictError: the round was closed since: its model has learned from the answer.
    """
    now = datetime.now(UTC)
    annotators.lock(tx, annotator_id)
    label = labels.by_token(tx, token)
    if label is None or label.annotator_id != annotator_id or (project and project.id != label.project_id):
        raise NotFoundError("there is no such answer of yours to take back")
    if label.withdrawn_at is not None:
        return label
    if label.candidate_id is None or label.round_id is None:
        return labels.withdraw(tx, label.id, now)
    labels.lock_candidate(tx, label.candidate_id)
    round_ = rounds.lock(tx, label.round_id)
    if _learned(label, round_.closed_at):
        raise ConflictError("the round is closed: its model has learned from this answer, which stays")
    withdrawn = labels.withdraw(tx, label.id, now)
    if round_.state is not RoundState.CLOSED:
        settings = (project or projects.by_id(tx, label.project_id)).settings
        queue.reserve(tx, label.candidate_id, annotator_id, now + settings.lease, now)
    rounds.unsettle(tx, round_)
    return withdrawn


def past_answers(tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId, n: int) -> list[PastAnswer]:
    """This annotator's last answers that stand, newest first."""
    found = labels.last_of(tx, project_id, annotator_id, n)
    return [PastAnswer(label, item, final=_learned(label, closed_at)) for label, item, closed_at in found]


def kept_seconds(seconds: float) -> float:
    """The time on screen as it is kept: within a day.

    A browser's clock may jump, and a lid be shut overnight: no reason to lose an answer.
    """
    return min(max(seconds, 0.0), LONGEST_SECONDS) if math.isfinite(seconds) else 0.0


def _share(tx: Transaction, round_id: RoundId, count: int, present: int) -> int:
    """An equal share of what is left, less some for whoever comes next; who is alone may look some images ahead."""
    missing = queue.votes_missing(tx, round_id, count * present + SPARE)
    spare = min(SPARE, missing // (present + 1))
    equal = math.ceil((missing - spare) / present)
    return min(count, max(ALONE if present == 1 else 1, equal))


def _learned(label: Label, closed_at: datetime | None) -> bool:
    """Whether the answer was there when its round was closed: one that came later has changed no model."""
    return closed_at is not None and label.at <= closed_at


def checked(submission: Submission) -> Submission:
    """The answer as it is kept; one that can never be stored is refused, so that nobody sends it again.

    Raises:
        InvalidInputError: verdict, class and proposed class do not fit, or something in it cannot be kept.
    """
    if (submission.verdict is Verdict.CLASS) != (submission.class_id is not None):
        raise InvalidInputError("an answer names a class, every other verdict names none")
    if submission.proposed_class and submission.verdict is not Verdict.NONE:
        raise InvalidInputError("a class is proposed where none of the project's fits")
    if not 0 < len(submission.token) <= 100 or not submission.token.isprintable():
        raise InvalidInputError("an answer needs a token of 1 to 100 visible characters")
    if any(abs(each) > LARGEST_ID for each in (submission.candidate_id, submission.class_id or 0)):
        raise InvalidInputError("no image and no class has such a number: reload the page")
    text.check_json("what was on screen", submission.shown, LONGEST_SHOWN)
    proposed = " ".join(submission.proposed_class.split())
    return replace(
        submission,
        comment=text.clean_text("a comment", submission.comment, LONGEST_COMMENT),
        proposed_class=text.clean_text("the name of a proposed class", proposed, text.LONGEST_NAME),
    )


def _check_class(tx: Transaction, round_: Round, class_id: ClassId | None) -> None:
    if class_id is not None and not projects.has_class(tx, round_.project_id, class_id):
        raise InvalidInputError(f"class {class_id} is not of this project: reload the page")


def _same(known: Label, annotator_id: AnnotatorId, submission: Submission) -> Label:
    """A retry says what it said before.

    Raises:
        ConflictError: it does not.
    """
    said = (known.annotator_id, known.candidate_id, known.verdict, known.class_id)
    if said != (annotator_id, submission.candidate_id, submission.verdict, submission.class_id):
        raise ConflictError("this token belongs to another answer: every answer needs a token of its own")
    return known


def _label(round_: Round, candidate: Candidate, annotator_id: AnnotatorId, submission: Submission) -> labels.NewLabel:
    return labels.NewLabel(
        project_id=round_.project_id,
        item_id=candidate.item_id,
        candidate_id=candidate.id,
        round_id=round_.id,
        annotator_id=annotator_id,
        verdict=submission.verdict,
        class_id=submission.class_id,
        at=datetime.now(UTC),
        seconds=kept_seconds(submission.seconds),
        token=submission.token,
        shown=submission.shown,
        comment=submission.comment,
        proposed_class=submission.proposed_class,
    )
