"""The grid: many images of one predicted class at once; mark the wrong ones, accept the rest.

Pages take the surest images first, and as many as hold about one expected error: each is wrong with 1 - p, where p is
the prediction when the round was opened, times what the pages answered so far say about those probabilities.
On a page the least sure come first, where eyes are freshest. Once the round has nothing left for somebody, pages take
the reserve behind it. Pages through the rest of the pool are in `alflow.workflow.answers.pool_grid`.

These are the steps of `alflow.workflow.desk.grid_exchange`; the answered pages are in `grid_answers`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import Final, NamedTuple
from uuid import uuid4

from alflow.domain.answers import GridPage
from alflow.domain.images import Item
from alflow.domain.projects import Project
from alflow.domain.rounds import Candidate, Origin, Round, RoundState
from alflow.ids import AnnotatorId, CandidateId, ClassId, ProjectId
from alflow.store.database import Transaction
from alflow.store.desk import grid, queue
from alflow.store.desk.grid import Cell
from alflow.workflow.desk.queue import allowed_extra

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

    `expected_errors` is how many are expected to be of another class. No round waits for those that come `extra`.
    """

    token: str
    class_id: ClassId
    entries: tuple[GridEntry, ...]
    expected_errors: float
    leased_until: datetime
    extra: bool = False


@dataclass(frozen=True)
class LastPage:
    """An answered page, what was on it, and whether it was one through the pool."""

    page: GridPage
    cells: Sequence[Cell]
    of_pool: bool


class Offer(NamedTuple):
    """What an annotator could be shown, predicted class -> images, the page that is reserved, and words about both."""

    waiting: Mapping[ClassId, int]
    page: OpenPage | None
    words: str = ""


class Kind(NamedTuple):
    """The origin of a page's candidates, and what its token begins with."""

    origin: Origin
    beginning: str = ""


Pages = Callable[[Transaction, Project, Round | None, AnnotatorId, ClassId | None], Offer]
"""Where pages come from: the newest round, who asks, and the class that is wanted -> what is offered."""


def of_round(
    tx: Transaction, project: Project, round_: Round | None, annotator_id: AnnotatorId, wanted: ClassId | None
) -> Offer:
    """Pages of the open round, then of the reserve behind it; the caller holds the annotator's lock."""
    now, origin, most = datetime.now(UTC), Origin.STRATEGY, MOST
    waiting: Mapping[ClassId, int] = {}
    if round_ is not None and round_.state is RoundState.OPEN:
        waiting = grid.waiting(tx, round_.id, annotator_id, now)
    if round_ is not None and not waiting:
        most = min(MOST, allowed_extra(tx, project, round_, annotator_id, now))
        origin = Origin.RESERVE
        waiting = grid.waiting(tx, round_.id, annotator_id, now, origin) if most > 0 else {}
    class_id = wanted if wanted in waiting else max(waiting, key=waiting.__getitem__, default=None)
    if round_ is None or class_id is None:
        return Offer(waiting, None)

    def surest(factor: float) -> Sequence[CandidateId]:
        found = grid.surest(tx, round_.id, annotator_id, class_id, most, now, origin)
        size = page_size([probability for _, probability in found], factor)
        return [candidate_id for candidate_id, _ in found[:size]]

    return Offer(waiting, reserved_page(tx, project, round_, annotator_id, class_id, Kind(origin), surest))


def reserved_page(
    tx: Transaction,
    project: Project,
    round_: Round,
    annotator_id: AnnotatorId,
    class_id: ClassId,
    kind: Kind,
    choose: Callable[[float], Sequence[CandidateId]],
) -> OpenPage | None:
    """The page that is reserved for this annotator, renewed, or a new one; None when the class has none to show.

    Args:
        tx: the transaction; the caller holds the annotator's lock.
        project: whose page.
        round_: its newest round.
        annotator_id: for whom.
        class_id: the class.
        kind: of page; one that is reserved of another kind is given back.
        choose: which candidates a new page takes, where so many times as many images are wrong as their probabilities
            say.
    """
    now = datetime.now(UTC)
    until = now + project.settings.lease
    factor = _factor(tx, project.id)
    token = grid.held(tx, round_.id, annotator_id, class_id, now, *kind)
    if token is None:
        token = kind.beginning + uuid4().hex
        queue.take(tx, annotator_id, list(choose(factor)), until, now, token)
    grid.renew(tx, annotator_id, token, until)
    reserved = grid.on_page(tx, annotator_id, token)
    entries = tuple(GridEntry(one, item, one.probabilities[class_id]) for one, item in reserved)
    expected = factor * sum(1 - entry.probability for entry in entries)
    return OpenPage(token, class_id, entries, expected, until, not kind.origin.queued) if entries else None


def page_size(probabilities: Sequence[float], factor: float) -> int:
    """How many of these images, the surest first, hold `EXPECTED_ERRORS`; `FEWEST` and `MOST` are the bounds."""
    expected = accumulate(factor * (1 - probability) for probability in probabilities)
    size = sum(errors < EXPECTED_ERRORS + 1e-9 for errors in expected)
    return min(len(probabilities), max(FEWEST, min(size, MOST)))


def last_page(tx: Transaction, round_: Round | None, annotator_id: AnnotatorId) -> LastPage | None:
    """This annotator's newest page in the round that stands; None once a model has learned from it."""
    found = None if round_ is None else grid.last(tx, round_.id, annotator_id)
    if round_ is None or found is None or is_learned(found[0], round_):
        return None
    page, of_pool = found
    return LastPage(page, grid.cells(tx, page.id), of_pool)


def is_learned(page: GridPage, round_: Round) -> bool:
    """Whether the fit of the round has the answers of this page."""
    return round_.learned_until is not None and page.at <= round_.learned_until


def _factor(tx: Transaction, project_id: ProjectId) -> float:
    """How many times as many images were wrong as their probabilities said; one pseudo-error pulls it towards 1."""
    wrong, expected = grid.errors(tx, project_id)
    return (1 + wrong) / (1 + expected)
