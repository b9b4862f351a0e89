"""What an annotator answers next: items of the open round, of the reserve behind it, or that people have set aside.

The reserve is for who finds nothing in the queue, because it is answered or others have the rest: so nobody waits while
a round is fitted and the next one planned. It is over when the next round opens, but for the image on screen.

Set aside are the skipped, the unsure, those that fit no class and the bad images. Each of these verdicts has a queue of
its own, which anybody can open and answer later; see `alflow.store.desk.aside`.
"""

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from alflow.domain.answers import Verdict
from alflow.domain.images import Item
from alflow.domain.projects import Project
from alflow.domain.rounds import Candidate, Round, RoundState
from alflow.errors import InvalidInputError
from alflow.ids import AnnotatorId, CandidateId, ProjectId
from alflow.store.database import Transaction
from alflow.store.desk import aside, presence, queue
from alflow.store.desk.queue import Part, Wanted
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.store.rounds import reserve as reserve_
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
    extra: bool = True,
) -> list[QueueEntry]:
    """Reserve the next items for this annotator, in rank order, and renew the leases of those already reserved.

    Call it regularly while the page is open: leases last `ProjectSettings.lease_minutes`.

    Args:
        workspace: where.
        project_id: whose queue.
        annotator_id: who asks.
        count: how many items at most.
        showing: the candidate on screen, which is kept before all others.
        extra: also of the reserve, once the round has nothing left for this annotator.

    Raises:
        NotFoundError: there is no such project or annotator.
    """
    with workspace.database.begin() as tx:
        project = projects.by_id(tx, project_id)
        annotators.lock(tx, annotator_id)
        newest = rounds.last(tx, project_id)
        return reserve(tx, project, newest, annotator_id, count, showing, extra=extra)


# The steps of an exchange. The caller holds the annotator's lock.


def reserve(
    tx: Transaction,
    project: Project,
    round_: Round | None,
    annotator_id: AnnotatorId,
    count: int,
    showing: CandidateId | None,
    *,
    extra: bool = True,
) -> list[QueueEntry]:
    """Reserve the next items of the project's newest round, as `next_candidates` does, then of its reserve.

    Nobody holds more than an equal share of the answers that the round still needs, or of the reserve. So its last
    images go to everybody at the desk, and whoever comes next finds some. An image of the reserve that is on screen
    comes first, so that one goes on with the queue after it. The list is empty before the first round, and when
    everything is answered, reserved by others, or was answered by this annotator, and while the project is stopped.
    """
    if round_ is None or not project.is_active:
        return []
    now = datetime.now(UTC)
    until = now + project.settings.lease
    presence.note(tx, project.id, annotator_id, now + PRESENT)
    present = presence.count(tx, project.id, now)
    wanted = Wanted(round_.id, annotator_id, 0, until, now, showing)
    queued, behind = list[tuple[Candidate, Item]](), list[tuple[Candidate, Item]]()
    if round_.state is RoundState.OPEN:
        queued = queue.lease(tx, replace(wanted, count=_share(tx, wanted, count, present)))
    missing = count - len(queued) if extra else 0
    most = allowed_extra(tx, project, round_, annotator_id, now) if missing else 0
    if most <= 0 and showing is not None and all(candidate.id != showing for candidate, _ in queued):
        behind = queue.keep(tx, replace(wanted, part=Part.RESERVE))
    if missing:
        which = replace(wanted, part=Part.RESERVE if most > 0 else Part.BEGUN)
        share = _share(tx, which, min(most, missing) if most > 0 else missing, present)
        behind += queue.lease(tx, replace(which, count=share)) if share else []
    on_screen = [pair for pair in behind if pair[0].id == showing]
    others = [pair for pair in behind if pair[0].id != showing]
    return [QueueEntry(candidate, item, until) for candidate, item in [*on_screen[:1], *queued, *others]]


def reserve_set_aside(
    tx: Transaction, project: Project, annotator_id: AnnotatorId, kind: Verdict, count: int
) -> list[QueueEntry]:
    """Reserve the next items that people, this annotator among them, have set aside with the verdict `kind`.

    Those that were set aside first come first. While the project is stopped there are none.

    Raises:
        InvalidInputError: a class sets nothing aside.
    """
    if kind not in aside.KINDS:
        raise InvalidInputError(f"there is no queue of {kind.value!r}; there are {', '.join(aside.KINDS)}")
    if not project.is_active:
        return []
    now = datetime.now(UTC)
    until = now + project.settings.lease
    reserved = aside.lease(tx, project.id, annotator_id, kind, count, until, now)
    return [QueueEntry(candidate, item, until) for candidate, item in reserved]


def release(tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId) -> None:
    """Give back what is reserved for an annotator who closes the desk, so that nobody waits for the leases to end."""
    queue.release(tx, project_id, annotator_id)
    presence.leave(tx, project_id, annotator_id, datetime.now(UTC))


def allowed_extra(tx: Transaction, project: Project, round_: Round, annotator_id: AnnotatorId, now: datetime) -> int:
    """How many images of the reserve this annotator may have open: none unless a next round is to come."""
    most = project.settings.reserve
    if not most or round_.held or round_.is_last:
        return 0
    return allowed_beyond(tx, project, round_, annotator_id, now, most)


def allowed_beyond(
    tx: Transaction, project: Project, round_: Round, annotator_id: AnnotatorId, now: datetime, most: int
) -> int:
    """How many images beyond the round, `most` at most, this annotator may have open before the project's limit."""
    limit = project.settings.max_labels
    if limit is None:
        return most
    answered, total = rounds.answered(tx, round_.id)
    waited_for = total - answered if round_.state is RoundState.OPEN else 0
    return min(most, limit - waited_for - reserve_.labels_in_sight(tx, project.id, annotator_id, now))


def _share(tx: Transaction, wanted: Wanted, count: int, present: int) -> int:
    """An equal share of what is left, less some for the next who come; somebody alone may hold some images at least."""
    missing = queue.votes_missing(tx, wanted.round_id, count * present + SPARE, wanted.part)
    if not missing:
        return 0
    spare = min(SPARE, missing // (present + 1))
    equal = math.ceil((missing - spare) / present)
    return min(count, max(ALONE if present == 1 else 1, equal))
