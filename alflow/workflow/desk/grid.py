"""The grid: many images of one predicted class at once; mark the wrong ones, accept the rest.

Pages take the surest images first, and as many as hold about one expected error: each is wrong with 1 - p, where p is
the prediction when the round was opened, times what the pages answered so far say about those probabilities.
On a page the least sure come first, where eyes are freshest.

These are the steps of `alflow.workflow.desk.grid_exchange`; the answered pages are in `grid_answers`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import Final
from uuid import uuid4

from alflow.domain.answers import GridPage
from alflow.domain.images import Item
from alflow.domain.projects import Project
from alflow.domain.rounds import Candidate, Round, RoundState
from alflow.ids import AnnotatorId, ClassId, ProjectId
from alflow.store.database import Transaction
from alflow.store.desk import grid, queue
from alflow.store.desk.grid import Cell

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
    class_id: ClassId
    entries: tuple[GridEntry, ...]
    expected_errors: float
    leased_until: datetime


@dataclass(frozen=True)
class LastPage:
    """An answered page, and what was on it."""

    page: GridPage
    cells: Sequence[Cell]


def classes_waiting(tx: Transaction, round_: Round | None, annotator_id: AnnotatorId) -> Mapping[ClassId, int]:
    """Predicted class -> images of the round that this annotator could be shown; empty unless the round is open."""
    if round_ is None or round_.state is not RoundState.OPEN:
        return {}
    return grid.waiting(tx, round_.id, annotator_id, datetime.now(UTC))


def next_page(
    tx: Transaction, project: Project, round_: Round, annotator_id: AnnotatorId, class_id: ClassId
) -> OpenPage | None:
    """The page that is reserved for this annotator, renewed, or a new one; None when the class has none to show.

    The round is the project's and open; the caller holds the annotator's lock.
    """
    now = datetime.now(UTC)
    until = now + project.settings.lease
    factor = _factor(tx, project.id)
    token = grid.held(tx, round_.id, annotator_id, class_id, now)
    if token is None:
        token = uuid4().hex
        surest = grid.surest(tx, round_.id, annotator_id, class_id, MOST, now)
        size = page_size([probability for _, probability in surest], factor)
        queue.take(tx, annotator_id, [candidate_id for candidate_id, _ in surest[:size]], until, now, token)
    grid.renew(tx, annotator_id, token, until)
    reserved = grid.on_page(tx, annotator_id, token)
    entries = tuple(GridEntry(one, item, one.probabilities[class_id]) for one, item in reserved)
    expected = factor * sum(1 - entry.probability for entry in entries)
    return OpenPage(token, class_id, entries, expected, until) if entries else None


def page_size(probabilities: Sequence[float], factor: float) -> int:
    """How many of these images, the surest first, hold `EXPECTED_ERRORS`; `FEWEST` and `MOST` are the bounds."""
    expected = accumulate(factor * (1 - probability) for probability in probabilities)
    size = sum(errors < EXPECTED_ERRORS + 1e-9 for errors in expected)
    return min(len(probabilities), max(FEWEST, min(size, MOST)))


def last_page(tx: Transaction, round_: Round | None, annotator_id: AnnotatorId) -> LastPage | None:
    """This annotator's newest page in the round that stands; None once the round is closed."""
    if round_ is None or round_.state is RoundState.CLOSED:
        return None
    page = grid.last(tx, round_.id, annotator_id)
    return None if page is None else LastPage(page, grid.cells(tx, page.id))


def _factor(tx: Transaction, project_id: ProjectId) -> float:
    """How many times as many images were wrong as their probabilities said; one pseudo-error pulls it towards 1."""
    wrong, expected = grid.errors(tx, project_id)
    return (1 + wrong) / (1 + expected)
