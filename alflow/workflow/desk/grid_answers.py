"""Answered pages of the grid: each is stored as a whole and taken back as a whole.

These are steps of `alflow.workflow.desk.grid_exchange`, each of them the work of one transaction.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from alflow.domain.answers import GridPage, Verdict
from alflow.domain.projects import Project
from alflow.domain.rounds import Candidate, Round, RoundState
from alflow.errors import ConflictError, InvalidInputError, NotFoundError
from alflow.ids import AnnotatorId, CandidateId, ClassId, PageId, ProjectId
from alflow.store.database import Transaction
from alflow.store.desk import grid, labels, queue
from alflow.store.desk.grid import Cell
from alflow.store.desk.labels import NewLabel
from alflow.store.people import annotators
from alflow.store.rounds import rounds
from alflow.text import check_json
from alflow.workflow.desk.grid import MOST
from alflow.workflow.desk.submission import LARGEST_ID, LONGEST_SHOWN, kept_seconds


@dataclass(frozen=True)
class Accept:
    """An answered page as the browser sends it.

    Attributes:
        token: of the page on screen; every retry carries the same.
        class_id: the predicted class in the heading of the page.
        accepted: candidates that were on screen and are of this class.
        wrong: candidates that were on screen and are not.
        seconds: how long the page was on screen.
        screen: hash of what the page shows to all, for the record (see `alflow.workflow.desk.screens`).
    """

    token: str
    class_id: ClassId
    accepted: tuple[CandidateId, ...]
    wrong: tuple[CandidateId, ...]
    seconds: float
    screen: str | None = None

    @property
    def shown(self) -> Mapping[str, Any]:
        """What was on screen of every image."""
        return {"image": "thumbnail", **({"screen": self.screen} if self.screen else {})}


@dataclass(frozen=True)
class TakeBack:
    """A request to take back the answered page of that token."""

    token: str


def check(answer: Accept) -> None:
    """Refuse a page that can never be stored.

    Raises:
        InvalidInputError: an image is twice on the page, or something in it cannot be kept.
    """
    on_screen = [*answer.accepted, *answer.wrong]
    if not on_screen or len(set(on_screen)) < len(on_screen):
        raise InvalidInputError("a page needs images, each of them once: reload the page")
    if len(on_screen) > MOST:
        raise InvalidInputError(f"a page has {MOST} images at most: reload the page")
    if not 0 < len(answer.token) <= 60 or not answer.token.isprintable():
        raise InvalidInputError("a page needs a token of 1 to 60 visible characters")
    if any(abs(each) > LARGEST_ID for each in (*on_screen, answer.class_id)):
        raise InvalidInputError("no image and no class has such a number: reload the page")
    check_json("what was on screen", answer.screen, LONGEST_SHOWN)


def accept(
    tx: Transaction,
    project_id: ProjectId,
    annotator_id: AnnotatorId,
    answer: Accept,
    shown: Mapping[CandidateId, Mapping[str, Any]],
) -> GridPage:
    """Store a page: a label for every accepted image, a mark on every wrong one, all or nothing.

    The same page sent once more returns what is stored. An image that others have answered since gets a further vote.
    A wrong image has no label: it goes back to the queue of the deck. The answer has passed `check`; `shown` is what
    was on screen of each accepted candidate.

    Raises:
        ConflictError: the page was taken back, or belongs to somebody else.
        InvalidInputError: an image is not one of this project and predicted class.
        NotFoundError: there is no such annotator or candidate.
    """
    annotators.lock(tx, annotator_id)
    if (known := grid.by_token(tx, answer.token)) is not None:
        return _same(known, annotator_id)
    on_page = labels.lock_candidates(tx, {*answer.accepted, *answer.wrong})
    round_ = _round(tx, project_id, on_page, answer.class_id)
    seconds = kept_seconds(answer.seconds)
    page = GridPage(PageId(0), round_.id, annotator_id, answer.class_id, answer.token, seconds, datetime.now(UTC))
    for one in on_page:
        if one.id in answer.accepted:
            labels.submit(tx, _label(round_, one, page, len(on_page), shown[one.id]))
    grid.release(tx, annotator_id, answer.wrong)
    cells = [Cell(one.id, one.probabilities[answer.class_id], one.id in answer.accepted) for one in on_page]
    stored = grid.add(tx, page, cells)
    rounds.settle(tx, round_)
    return stored


def take_back(tx: Transaction, project: Project, annotator_id: AnnotatorId, token: str) -> GridPage:
    """Withdraw every label of a page, and reserve its images that are free for this annotator; idempotent.

    Raises:
        NotFoundError: this annotator answered no such page of the project.
        ConflictError: the round is closed: its model has learned from the page.
    """
    now = datetime.now(UTC)
    annotators.lock(tx, annotator_id)
    page = grid.by_token(tx, token)
    if page is None or page.annotator_id != annotator_id or rounds.by_id(tx, page.round_id).project_id != project.id:
        raise NotFoundError("there is no such page of yours to take back")
    if page.withdrawn_at is not None:
        return page
    cells = grid.cells(tx, page.id)
    on_page = [cell.candidate_id for cell in cells]
    labels.lock_candidates(tx, on_page)
    round_ = rounds.lock(tx, page.round_id)
    if round_.state is RoundState.CLOSED:
        raise ConflictError("the round is closed: its model has learned from this page, which stays")
    for label in labels.of_tokens(tx, [_token(token, cell.candidate_id) for cell in cells if cell.accepted]):
        labels.withdraw(tx, label.id, now)
    queue.take(tx, annotator_id, on_page, now + project.settings.lease, now, uuid4().hex)
    rounds.unsettle(tx, round_)
    return grid.withdraw(tx, page.id, now)


def _same(known: GridPage, annotator_id: AnnotatorId) -> GridPage:
    if known.annotator_id != annotator_id:
        raise ConflictError("this token belongs to a page of somebody else: reload the page")
    if known.withdrawn_at is not None:
        raise ConflictError("this page was taken back: answer the new one")
    return known


def _round(tx: Transaction, project_id: ProjectId, on_page: Collection[Candidate], class_id: ClassId) -> Round:
    """The one round of these candidates, locked.

    Raises:
        InvalidInputError: they are of several rounds, another predicted class, or another project.
    """
    if len({one.round_id for one in on_page}) > 1 or any(one.predicted_class_id != class_id for one in on_page):
        raise InvalidInputError("the images of a page are of one round and one predicted class: reload the page")
    round_ = rounds.lock(tx, next(iter(on_page)).round_id)
    if round_.project_id != project_id:
        raise InvalidInputError("this page is of another project: reload it")
    return round_


def _label(round_: Round, candidate: Candidate, page: GridPage, size: int, on_screen: Mapping[str, Any]) -> NewLabel:
    """An equal share of the page's time; the suggestion that was on screen is on record."""
    shown: dict[str, Any] = {
        "grid": page.token,
        "images": size,
        "suggestion": page.class_id,
        "probability": candidate.probabilities[page.class_id],
        **on_screen,
    }
    return NewLabel(
        project_id=round_.project_id,
        item_id=candidate.item_id,
        candidate_id=candidate.id,
        round_id=round_.id,
        annotator_id=page.annotator_id,
        verdict=Verdict.CLASS,
        class_id=page.class_id,
        at=page.at,
        seconds=page.seconds / size,
        token=_token(page.token, candidate.id),
        shown=shown,
    )


def _token(page: str, candidate_id: CandidateId) -> str:
    return f"{page}:{candidate_id}"
