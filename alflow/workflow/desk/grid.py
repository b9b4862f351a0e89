"""The grid: many images of one predicted class at once; mark the wrong ones, accept the rest.

Pages take the surest images first, and as many as hold about one expected error: each is wrong with 1 - p, p the
posterior predictive when it was asked, times what the pages answered so far say about those probabilities. On a page
the least sure come first, where eyes are freshest. A page is one transaction, and one to take back.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any, Final
from uuid import uuid4

from alflow.domain import Candidate, GridPage, Item, Label, Round, RoundState, Verdict
from alflow.errors import ConflictError, InvalidInputError, NotFoundError
from alflow.store.database import Transaction
from alflow.store.desk import grid, labels, queue
from alflow.store.desk.grid import Cell
from alflow.store.desk.labels import NewLabel
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.text import check_json
from alflow.workflow.desk import screens
from alflow.workflow.desk.label import LARGEST_ID, LONGEST_SHOWN, kept_seconds
from alflow.workspace import Workspace

FEWEST, MOST = 6, 48
"""Images on a page, where there are so many."""

EXPECTED_ERRORS: Final = 1.0
"""Of a page; see `page_size`."""


@dataclass(frozen=True)
class GridEntry:
    """An image on a page, and the probability of the page's class."""

    candidate: Candidate
    item: Item
    probability: float


@dataclass(frozen=True)
class OpenPage:
    """Images that are reserved for an annotator until `leased_until`, the least sure first.

    `expected_errors` is how many are expected to be of another class.
    """

    token: str
    class_id: int
    entries: tuple[GridEntry, ...]
    expected_errors: float
    leased_until: datetime


@dataclass(frozen=True)
class PageAnswer:
    """An answered page as the browser sends it.

    Attributes:
        token: of the page on screen; sent again with every retry.
        class_id: the predicted class it was headed with.
        accepted: candidates that were on screen and are of this class.
        wrong: candidates that were on screen and are not.
        seconds: how long the page was on screen.
        screen: hash of what the page shows to all, for the record (see `alflow.workflow.desk.screens`).
    """

    token: str
    class_id: int
    accepted: tuple[int, ...]
    wrong: tuple[int, ...]
    seconds: float
    screen: str | None = None


def classes_waiting(workspace: Workspace, project_id: int, annotator_id: int) -> Mapping[int, int]:
    """Predicted class -> images of the open round that this annotator could be shown; empty without an open round."""
    with workspace.database.read() as tx:
        round_ = rounds.current(tx, project_id)
        if round_ is None or round_.state is not RoundState.OPEN:
            return {}
        return grid.waiting(tx, round_.id, annotator_id, datetime.now(UTC))


def next_page(workspace: Workspace, project_id: int, annotator_id: int, class_id: int) -> OpenPage | None:
    """The page that is reserved for this annotator, renewed, or a new one; None when the class has none to show.

    Call it again while the page lives: leases last `ProjectSettings.lease_minutes`.

    Raises:
        NotFoundError: there is no such project or annotator.
    """
    now = datetime.now(UTC)
    with workspace.database.begin() as tx:
        until = now + projects.by_id(tx, project_id).settings.lease
        annotators.lock(tx, annotator_id)
        round_ = rounds.current(tx, project_id)
        if round_ is None or round_.state is not RoundState.OPEN:
            return None
        factor = _factor(tx, project_id)
        token = grid.held(tx, round_.id, annotator_id, class_id, now)
        if token is None:
            token = uuid4().hex
            found = grid.surest(tx, round_.id, annotator_id, class_id, MOST, now)
            size = page_size([probability for _, probability in found], factor)
            queue.take(tx, [candidate_id for candidate_id, _ in found[:size]], annotator_id, until, now, token)
        grid.renew(tx, token, annotator_id, until)
        reserved = grid.on_page(tx, token, annotator_id)
    entries = tuple(GridEntry(one, item, one.probabilities[class_id]) for one, item in reserved)
    expected = factor * sum(1 - entry.probability for entry in entries)
    return OpenPage(token, class_id, entries, expected, until) if entries else None


def page_size(probabilities: Sequence[float], factor: float) -> int:
    """How many of these images, the surest first, hold `EXPECTED_ERRORS`; `FEWEST` and `MOST` are the bounds."""
    expected = accumulate(factor * (1 - probability) for probability in probabilities)
    size = sum(errors < EXPECTED_ERRORS + 1e-9 for errors in expected)
    return min(len(probabilities), max(FEWEST, min(size, MOST)))


def accept(workspace: Workspace, project_id: int, annotator_id: int, answer: PageAnswer) -> GridPage:
    """Store a page: a label for every accepted image, a mark on every wrong one, all or nothing.

    The same page again returns what is stored. What others answered meanwhile gets a further vote. A wrong image has no
    label: it goes back to the queue of the deck.

    Raises:
        ConflictError: the page was taken back, or belongs to somebody else.
        InvalidInputError: an image is twice on the page, or not one of this project and predicted class.
        NotFoundError: there is no such annotator or candidate.
    """
    _check(answer)
    now = datetime.now(UTC)
    on_screen = {"image": "thumbnail", **({"screen": answer.screen} if answer.screen else {})}
    shown = screens.with_renditions(workspace, dict.fromkeys(answer.accepted, on_screen))
    with workspace.database.begin() as tx:
        annotators.lock(tx, annotator_id)
        if (known := grid.by_token(tx, answer.token)) is not None:
            return _same(known, annotator_id)
        on_page = [labels.lock_candidate(tx, one) for one in sorted({*answer.accepted, *answer.wrong})]
        round_ = _round(tx, project_id, on_page, answer.class_id)
        seconds = kept_seconds(answer.seconds)
        page = GridPage(0, round_.id, annotator_id, answer.class_id, answer.token, seconds, now)
        for one in on_page:
            if one.id in answer.accepted:
                labels.submit(tx, _label(round_, one, page, len(on_page), shown[one.id]))
        grid.release(tx, annotator_id, answer.wrong)
        stored = grid.add(tx, page, _cells(on_page, answer))
        rounds.settle(tx, round_)
        return stored


def take_back(workspace: Workspace, project_id: int, annotator_id: int, token: str) -> GridPage:
    """Withdraw every label of a page and reserve what is still free of it for this annotator again; idempotent.

    Raises:
        NotFoundError: this annotator answered no such page of the project.
        ConflictError: the round is closed: its model has learned from the page.
    """
    now = datetime.now(UTC)
    with workspace.database.begin() as tx:
        annotators.lock(tx, annotator_id)
        page = grid.by_token(tx, token)
        if (
            page is None
            or page.annotator_id != annotator_id
            or rounds.by_id(tx, page.round_id).project_id != project_id
        ):
            raise NotFoundError("there is no such page of yours to take back")
        if page.withdrawn_at is not None:
            return page
        cells = grid.cells(tx, page.id)
        for cell in cells:
            labels.lock_candidate(tx, cell.candidate_id)
        round_ = rounds.lock(tx, page.round_id)
        if round_.state is RoundState.CLOSED:
            raise ConflictError("the round is closed: its model has learned from this page, which stays")
        for label in _standing(tx, token, [cell.candidate_id for cell in cells if cell.accepted]):
            labels.withdraw(tx, label.id, now)
        until = now + projects.by_id(tx, project_id).settings.lease
        queue.take(tx, [cell.candidate_id for cell in cells], annotator_id, until, now, uuid4().hex)
        rounds.unsettle(tx, round_)
        return grid.withdraw(tx, page.id, now)


def last_page(workspace: Workspace, project_id: int, annotator_id: int) -> tuple[GridPage, tuple[Cell, ...]] | None:
    """This annotator's newest page in the open round that stands, and what was on it."""
    with workspace.database.read() as tx:
        round_ = rounds.current(tx, project_id)
        page = None if round_ is None else grid.last(tx, round_.id, annotator_id)
        return None if page is None else (page, tuple(grid.cells(tx, page.id)))


def _factor(tx: Transaction, project_id: int) -> float:
    """How many times as many images were wrong as their probabilities said; one pseudo-error pulls it towards 1."""
    wrong, expected = grid.errors(tx, project_id)
    return (1 + wrong) / (1 + expected)


def _check(answer: PageAnswer) -> None:
    shown = [*answer.accepted, *answer.wrong]
    if not shown or len(set(shown)) < len(shown):
        raise InvalidInputError("a page needs images, each of them once: reload the page")
    if len(shown) > MOST:
        raise InvalidInputError(f"a page has {MOST} images at most: reload the page")
    if not 0 < len(answer.token) <= 60 or not answer.token.isprintable():
        raise InvalidInputError("a page needs a token of 1 to 60 visible characters")
    if any(abs(each) > LARGEST_ID for each in (*shown, answer.class_id)):
        raise InvalidInputError("no image and no class has such a number: reload the page")
    check_json("what was on screen", answer.screen, LONGEST_SHOWN)


def _same(known: GridPage, annotator_id: int) -> GridPage:
    if known.annotator_id != annotator_id:
        raise ConflictError("this token belongs to a page of somebody else: reload the page")
    if known.withdrawn_at is not None:
        raise ConflictError("this page was taken back: answer the new one")
    return known


def _round(tx: Transaction, project_id: int, on_page: Collection[Candidate], class_id: int) -> Round:
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


def _cells(on_page: Collection[Candidate], answer: PageAnswer) -> list[Cell]:
    return [Cell(one.id, one.probabilities[answer.class_id], one.id in answer.accepted) for one in on_page]


def _standing(tx: Transaction, token: str, accepted: Sequence[int]) -> list[Label]:
    found = [labels.by_token(tx, _token(token, one)) for one in accepted]
    return [label for label in found if label is not None and label.withdrawn_at is None]


def _token(page: str, candidate_id: int) -> str:
    return f"{page}:{candidate_id}"
