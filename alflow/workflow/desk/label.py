"""Answers: store one, take one back, list the last ones of an annotator."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from alflow.domain.answers import Label
from alflow.domain.images import Item
from alflow.domain.projects import Project
from alflow.domain.rounds import Candidate, Round, RoundState
from alflow.errors import ConflictError, InvalidInputError, NotFoundError
from alflow.ids import AnnotatorId, ProjectId
from alflow.store.database import Transaction
from alflow.store.desk import labels, likewise, queue
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.workflow.desk import screens
from alflow.workflow.desk.submission import Submission, checked, kept_seconds
from alflow.workspace import Workspace


@dataclass(frozen=True)
class Stored:
    """An answer that is stored, and its candidate; None where it was stored before this retry."""

    label: Label
    candidate: Candidate | None


@dataclass(frozen=True)
class PastAnswer:
    """An answer that stands, and the image it is about; a `final` one can no longer be taken back.

    `likewise` is how many it stands for, where it is one of those that follow an answer.
    """

    label: Label
    item: Item
    final: bool
    likewise: int | None = None


def submit(workspace: Workspace, project_id: ProjectId, annotator_id: AnnotatorId, submission: Submission) -> Label:
    """Store an answer; the last one that the queue needs makes the round LABELLED in the same transaction.

    Raises:
        InvalidInputError: verdict and class do not fit, or the class is of another project.
        NotFoundError: there is no such annotator, or no such candidate in the project.
        ConflictError: the token belongs to an answer about something else.
    """
    submission = checked(submission)
    with workspace.database.read() as tx:
        images = screens.images(tx, [(submission.candidate_id, submission.shown)])
    shown = screens.with_rendition(workspace, submission.shown, images.get(submission.candidate_id))
    with workspace.database.begin() as tx:
        stored = store(tx, project_id, annotator_id, replace(submission, shown=shown))
        settle(tx, stored)
        return stored.label


# The steps of an exchange.


def store(tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId, submission: Submission) -> Stored:
    """Store an answer that was `checked`; the caller calls `settle` last.

    The same token once more returns what is stored. A new token for a candidate that this annotator has answered
    replaces that answer, which stays in the database, withdrawn. An answer that comes after its lease has ended or its
    round was closed is kept as a further vote, never dropped.

    Raises:
        InvalidInputError: the class is of another project.
        NotFoundError: there is no such annotator, or no such candidate in the project.
        ConflictError: the token belongs to an answer about something else.
    """
    annotators.lock(tx, annotator_id)
    known = labels.by_token(tx, submission.token)
    if known is not None:
        return Stored(_same(known, annotator_id, submission), None)
    candidate = labels.lock_candidate(tx, submission.candidate_id)
    round_ = rounds.by_id(tx, candidate.round_id)
    if round_.project_id != project_id:
        raise NotFoundError(f"no candidate of this project has the id {candidate.id}: reload the page")
    if submission.class_id is not None and not projects.has_class(tx, project_id, submission.class_id):
        raise InvalidInputError(f"class {submission.class_id} is not of this project: reload the page")
    return Stored(labels.submit(tx, _label(round_, candidate, annotator_id, submission)), candidate)


def settle(tx: Transaction, stored: Stored) -> None:
    """Make the round LABELLED if this was the last answer that it needed.

    It is the last step of a transaction, because everybody who answers needs the round's lock. No round waits for an
    answer about what is behind it, and none is closed anew for one: the next fit learns from it.
    """
    if stored.candidate is not None and stored.candidate.origin.queued:
        rounds.settle(tx, rounds.lock(tx, stored.candidate.round_id))


def take_back(tx: Transaction, project: Project, annotator_id: AnnotatorId, token: str) -> Label:
    """Withdraw the answer that carried `token` and reserve its item for this annotator; idempotent.

    What follows it goes with it; all that follow one answer go together. A LABELLED round that now needs an answer
    becomes OPEN.

    Raises:
        NotFoundError: this annotator gave no such answer in the project.
        ConflictError: the round was closed after the answer: its model has learned from it.
    """
    now = datetime.now(UTC)
    annotators.lock(tx, annotator_id)
    label = labels.by_token(tx, token)
    if label is None or (label.annotator_id, label.project_id) != (annotator_id, project.id):
        raise NotFoundError("there is no such answer of yours to take back")
    if label.withdrawn_at is not None:
        return label
    if label.follows is not None:
        labels.withdraw_followers(tx, [label.follows], now, by=annotator_id)
        return replace(label, withdrawn_at=now, withdrawn_by=annotator_id)
    if label.candidate_id is None or label.round_id is None:
        return labels.withdraw(tx, label.id, now)
    candidate = labels.lock_candidate(tx, label.candidate_id)
    round_ = rounds.lock(tx, candidate.round_id)
    if _is_learned(label, round_.learned_until):
        raise ConflictError("the round is closed: its model has learned from this answer, which stays")
    withdrawn = labels.withdraw(tx, label.id, now)
    if round_.state is not RoundState.CLOSED or not candidate.origin.queued:
        queue.reserve(tx, annotator_id, label.candidate_id, now + project.settings.lease, now)
    rounds.unsettle(tx, round_)
    return withdrawn


def past_answers(tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId, count: int) -> Sequence[PastAnswer]:
    """This annotator's last answers that stand, newest first."""
    newest = labels.last_of(tx, project_id, annotator_id, count)
    leads = [label.follows for label, *_ in newest if label.follows is not None]
    many = likewise.followers(tx, leads) if leads else {}
    return [
        PastAnswer(label, item, _is_learned(label, until), many.get(label.follows) if label.follows else None)
        for label, item, until in newest
    ]


def _is_learned(label: Label, until: datetime | None) -> bool:
    """Whether the answer is in the fit of its round, which has all until then: a later one has changed no model."""
    return until is not None and label.at <= until


def _same(known: Label, annotator_id: AnnotatorId, submission: Submission) -> Label:
    """The stored answer, which a retry must repeat.

    Raises:
        ConflictError: this submission says something else.
    """
    stored = (known.annotator_id, known.candidate_id, known.verdict, known.class_id)
    if stored != (annotator_id, submission.candidate_id, submission.verdict, submission.class_id):
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
