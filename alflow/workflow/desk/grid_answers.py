"""Answered pages of the grid: each is stored as a whole and taken back as a whole.

These are steps of `alflow.workflow.desk.grid_exchange`, each of them the work of one transaction.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from alflow.domain.answers import GridPage, Verdict
from alflow.domain.projects import Project
from alflow.domain.rounds import Candidate, Origin, Round
from alflow.errors import ConflictError, InvalidInputError, NotFoundError
from alflow.ids import AnnotatorId, CandidateId, ClassId, PageId, ProjectId
from alflow.store.database import Transaction
from alflow.store.desk import grid, labels, queue
from alflow.store.desk.grid import Cell
from alflow.store.desk.labels import NewLabel
from alflow.store.people import annotators
from alflow.store.rounds import rounds
from alflow.text import check_json
from alflow.workflow.desk.grid import is_learned
from alflow.workflow.desk.submission import LARGEST_ID, LONGEST_SHOWN, kept_seconds

LARGEST_PAGE: Final = 300
"""Images on a page through the pool; so many thumbnails somebody can look through."""


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
    if len(on_screen) > LARGEST_PAGE:
        raise InvalidInputError(f"a page has {LARGEST_PAGE} images at most: reload the page")
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
    A wrong image has no label: it goes back to the queue of the deck, or stays in the pool for rounds to come. What a
    new round has drawn as a control since the page was shown is left to its queue, where nobody sees a prediction. The
    answer has passed `check`; `shown` is what was on screen of each accepted candidate.

    Raises:
        ConflictError: the page was taken back, or belongs to somebody else, or a round asks about all of it now.
        InvalidInputError: an image is not one of this project and predicted class.
        NotFoundError: there is no such annotator or candidate.
    """
    annotators.lock(tx, annotator_id)
    if (known := grid.by_token(tx, answer.token)) is not None:
        return _same(known, annotator_id)
    every = labels.lock_candidates(tx, {*answer.accepted, *answer.wrong})
    _check_predicted(every, answer.class_id)
    on_page = [one for one in every if one.origin is not Origin.CONTROL]
    if not on_page:
        raise ConflictError("a new round asks about these images: they come on the Label page")
    of = _rounds(tx, project_id, every)
    seconds = kept_seconds(answer.seconds)
    page = GridPage(PageId(0), of[-1].id, annotator_id, answer.class_id, answer.token, seconds, datetime.now(UTC))
    for one in on_page:
        if one.id in answer.accepted:
            labels.submit(tx, _label(project_id, one, page, len(every), shown[one.id]))
    grid.release(tx, annotator_id, [one.id for one in every])
    cells = [Cell(one.id, one.probabilities[answer.class_id], one.id in answer.accepted) for one in on_page]
    stored = grid.add(tx, page, cells)
    waited_for = {one.round_id for one in on_page if one.origin.queued}
    for round_ in of:
        if round_.id in waited_for:
            rounds.settle(tx, round_)
    return stored


def take_back(tx: Transaction, project: Project, annotator_id: AnnotatorId, token: str) -> GridPage:
    """Withdraw every label of a page, and reserve its images that are free for this annotator; idempotent.

    Raises:
        NotFoundError: this annotator answered no such page of the project.
        ConflictError: the round is closed, and its model has learned from the page.
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
    behind = {one.round_id for one in labels.lock_candidates(tx, on_page)}
    affected = [rounds.lock(tx, round_id) for round_id in sorted({page.round_id, *behind})]
    if any(is_learned(page, round_) for round_ in affected):
        raise ConflictError("the round is closed: its model has learned from this page, which stays")
    for label in labels.of_tokens(tx, [_token(token, cell.candidate_id) for cell in cells if cell.accepted]):
        labels.withdraw(tx, label.id, now)
    again = uuid4().hex  # of the same kind, with which every token begins
    grid.release_pages(tx, annotator_id)  # one page at a time: this one is to be shown
    queue.take(tx, annotator_id, on_page, now + project.settings.lease, now, token[: -len(again)] + again)
    for round_ in affected:
        rounds.unsettle(tx, round_)
    return grid.withdraw(tx, page.id, now)


def _same(known: GridPage, annotator_id: AnnotatorId) -> GridPage:
    if known.annotator_id != annotator_id:
        raise ConflictError("this token belongs to a page of somebody else: reload the page")
    if known.withdrawn_at is not None:
        raise ConflictError("this page was taken back: answer the new one")
    return known


def _check_predicted(on_page: Collection[Candidate], class_id: ClassId) -> None:
    """Refuse a page of several predicted classes.

    Raises:
        InvalidInputError: it is one.
    """
    if any(one.predicted_class_id != class_id for one in on_page):
        raise InvalidInputError("the images of a page are of one predicted class: reload the page")


def _rounds(tx: Transaction, project_id: ProjectId, on_page: Collection[Candidate]) -> list[Round]:
    """The rounds of these candidates, locked: one, unless the next was opened while the page was on screen.

    Raises:
        InvalidInputError: they are of another project.
    """
    found = [rounds.lock(tx, round_id) for round_id in sorted({one.round_id for one in on_page})]
    if any(round_.project_id != project_id for round_ in found):
        raise InvalidInputError("this page is of another project: reload it")
    return found


def _label(
    project_id: ProjectId, candidate: Candidate, page: GridPage, size: int, on_screen: Mapping[str, Any]
) -> NewLabel:
    """An equal share of the page's time; the suggestion that was on screen is on record."""
    shown: dict[str, Any] = {
        "grid": page.token,
        "images": size,
        "suggestion": page.class_id,
        "probability": candidate.probabilities[page.class_id],
        **on_screen,
    }
    return NewLabel(
        project_id=project_id,
        item_id=candidate.item_id,
        candidate_id=candidate.id,
        round_id=candidate.round_id,
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
