"""What an annotator answers next: items of the open round, or items that people have set aside.

Set aside are the skipped, the unsure, those that fit no class and the bad images. Each of these verdicts has a queue of
its own, which anybody can open and answer later; see `alflow.store.desk.aside`.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from alflow.domain.answers import Verdict
from alflow.domain.images import Item
from alflow.domain.projects import Project
from alflow.domain.rounds import Candidate, Round, RoundState
from alflow.errors import InvalidInputError
from alflow.ids import AnnotatorId, CandidateId, ProjectId, RoundId
from alflow.store.database import Transaction
from alflow.store.desk import aside, presence, queue
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.workspace import Workspace

PRESENT: Final = timedelta(seconds=90)
"""An annotator counts as present for this long after each request; a deck sends one every 30 s at least."""

ALONE: Final = 6
"""How many of the last images an annotator may hold who is alone at the desk; others who come get their share."""

SPARE: Final = 6
"""How many images at most are left free for the next person who comes, who gets an even share one request later."""


@dataclass(frozen=True)
class QueueEntry:
    """A candidate that is reserved for an annotator until `leased_until`, and its item."""

    candidate: Candidate
    item: Item
    leased_until: datetime


def next_candidates(
    workspace: Workspace,
    project_id: ProjectId,
    annotator_id: AnnotatorId,
    count: int = 6,
    *,
    showing: CandidateId | None = None,
) -> list[QueueEntry]:
    """Reserve the next items for this annotator, in rank order, and renew the leases of those already reserved.

    Call it regularly while the page is open: leases last `ProjectSettings.lease_minutes`.

    Args:
        workspace: where.
        project_id: whose queue.
        annotator_id: who asks.
        count: how many items at most.
        showing: the candidate on screen, which is kept before all others.

    Raises:
        NotFoundError: there is no such project or annotator.
    """
    with workspace.database.begin() as tx:
        project = projects.by_id(tx, project_id)
        annotators.lock(tx, annotator_id)
        return reserve(tx, project, rounds.current(tx, project_id), annotator_id, count, showing)


# The steps of an exchange. The caller holds the annotator's lock.


def reserve(
    tx: Transaction,
    project: Project,
    round_: Round | None,
    annotator_id: AnnotatorId,
    count: int,
    showing: CandidateId | None,
) -> list[QueueEntry]:
    """Reserve the next items of the project's newest round, as `next_candidates` does.

    Nobody holds more than an equal share of the answers that the round still needs. So its last images go to everybody
    at the desk, and whoever comes next finds some. The list is empty when no round is open, and when everything else is
    answered, reserved by others, or was answered by this annotator.
    """
    if round_ is None or round_.state is not RoundState.OPEN:
        return []
    now = datetime.now(UTC)
    until = now + project.settings.lease
    presence.note(tx, project.id, annotator_id, now + PRESENT)
    share = _share(tx, round_.id, count, presence.count(tx, project.id, now))
    reserved = queue.lease(tx, round_.id, annotator_id, share, until, now, showing)
    return [QueueEntry(candidate, item, until) for candidate, item in reserved]


def reserve_set_aside(
    tx: Transaction, project: Project, annotator_id: AnnotatorId, kind: Verdict, count: int
) -> list[QueueEntry]:
    """Reserve the next items that people, this annotator among them, have set aside with the verdict `kind`.

    Those that were set aside first come first.

    Raises:
        InvalidInputError: a class sets nothing aside.
    """
    if kind not in aside.KINDS:
        raise InvalidInputError(f"there is no queue of {kind.value!r}; there are {', '.join(aside.KINDS)}")
    now = datetime.now(UTC)
    until = now + project.settings.lease
    reserved = aside.lease(tx, project.id, annotator_id, kind, count, until, now)
    return [QueueEntry(candidate, item, until) for candidate, item in reserved]


def release(tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId) -> None:
    """Give back what is reserved for an annotator who closes the desk, so that nobody waits for the leases to end."""
    queue.release(tx, project_id, annotator_id)
    presence.leave(tx, project_id, annotator_id, datetime.now(UTC))


def _share(tx: Transaction, round_id: RoundId, count: int, present: int) -> int:
    """An equal share of what is left, less some for the next who come; somebody alone may hold some images at least."""
    missing = queue.votes_missing(tx, round_id, count * present + SPARE)
    spare = min(SPARE, missing // (present + 1))
    equal = math.ceil((missing - spare) / present)
    return min(count, max(ALONE if present == 1 else 1, equal))
