"""The grid: pages of one predicted class, reserved and answered as a whole.

A page takes candidates of one origin: of the strategy, of the reserve behind the round, or of the grid; the last are
images of the rest of the pool (`alflow.store.desk.pool_pages`). The control slice is answered without knowing what the
model predicts. An image that somebody marked as wrong comes on no further page, as long as that page stands; it is left
to the deck.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, ColumnElement, delete, func, insert, or_, select, update

from alflow.domain.answers import GridPage
from alflow.domain.images import Item
from alflow.domain.rounds import Candidate, Origin
from alflow.ids import AnnotatorId, CandidateId, ClassId, PageId, ProjectId, RoundId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.desk import queue
from alflow.store.rounds.candidates import candidate_of
from alflow.store.rows import is_queued, part


class Cell(NamedTuple):
    """An image of an answered page: the class's probability when it was asked, and whether it was accepted."""

    candidate_id: CandidateId
    probability: float
    accepted: bool


def waiting(
    tx: Transaction, round_id: RoundId, annotator_id: AnnotatorId, now: datetime, origin: Origin = Origin.STRATEGY
) -> dict[ClassId, int]:
    """Predicted class -> candidates that this annotator could be shown, those already held for a page included."""
    candidate = tables.candidate
    open_ = or_(queue.free(annotator_id, now), is_held(annotator_id, now)) & _fit(round_id, origin)
    rows = select(candidate.c.predicted_class_id, func.count()).where(open_).group_by(candidate.c.predicted_class_id)
    return dict(tx.execute(rows).tuples().all())


def held(
    tx: Transaction,
    round_id: RoundId,
    annotator_id: AnnotatorId,
    class_id: ClassId,
    now: datetime,
    origin: Origin = Origin.STRATEGY,
    kind: str = "",
) -> str | None:
    """The page that is reserved for this annotator; pages of other classes, origins and kinds are released.

    The kind is what its token begins with.
    """
    candidate, lease = tables.candidate, tables.lease
    mine = (lease.c.annotator_id == annotator_id, lease.c.page.is_not(None))
    fits = select(candidate.c.id).where(
        _fit(round_id, origin),
        candidate.c.predicted_class_id == class_id,
        candidate.c.answers < candidate.c.votes_needed,
    )
    other = ~lease.c.page.startswith(kind, autoescape=True)
    tx.execute(delete(lease).where(*mine, or_(lease.c.until <= now, lease.c.candidate_id.not_in(fits), other)))
    return tx.execute(select(lease.c.page).where(*mine).limit(1)).scalar_one_or_none()


def surest(
    tx: Transaction,
    round_id: RoundId,
    annotator_id: AnnotatorId,
    class_id: ClassId,
    count: int,
    now: datetime,
    origin: Origin = Origin.STRATEGY,
) -> list[tuple[CandidateId, float]]:
    """Free candidates of a predicted class with its probability, the highest first; locked for this transaction."""
    candidate = tables.candidate
    probability = _probability(class_id)
    rows = (
        select(candidate.c.id, probability)
        .where(_fit(round_id, origin), candidate.c.predicted_class_id == class_id, queue.free(annotator_id, now))
        .order_by(probability.desc(), candidate.c.rank)
        .limit(count)
        .with_for_update(key_share=True, skip_locked=True)
    )
    return [(candidate_id, float(value)) for candidate_id, value in tx.execute(rows).tuples()]


def renew(tx: Transaction, annotator_id: AnnotatorId, page: str, until: datetime) -> None:
    """Keep a page reserved until then."""
    lease = tables.lease
    tx.execute(update(lease).where(lease.c.page == page, lease.c.annotator_id == annotator_id).values(until=until))


def on_page(tx: Transaction, annotator_id: AnnotatorId, page: str) -> list[tuple[Candidate, Item]]:
    """What is reserved under this token, the least sure first."""
    candidate, item, lease = tables.candidate, tables.item, tables.lease
    rows = (
        select(candidate, item)
        .join(lease, lease.c.candidate_id == candidate.c.id)
        .join(item, item.c.id == candidate.c.item_id)
        .where(lease.c.page == page, lease.c.annotator_id == annotator_id)
        .order_by(candidate.c.rank)
        .set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
    )
    pairs = [(candidate_of(part(row, candidate)), Item(**part(row, item))) for row in tx.execute(rows).mappings()]
    return sorted(pairs, key=lambda pair: pair[0].probabilities[pair[0].predicted_class_id])


def release_pages(tx: Transaction, annotator_id: AnnotatorId) -> None:
    """Release whatever is on a page that is reserved for this annotator."""
    lease = tables.lease
    tx.execute(delete(lease).where(lease.c.annotator_id == annotator_id, lease.c.page.is_not(None)))


def release(tx: Transaction, annotator_id: AnnotatorId, candidate_ids: Sequence[CandidateId]) -> None:
    """Release leases of this annotator."""
    lease = tables.lease
    tx.execute(delete(lease).where(lease.c.annotator_id == annotator_id, lease.c.candidate_id.in_(candidate_ids)))


def n_on_pages(tx: Transaction, round_id: RoundId, now: datetime) -> int:
    """How many images that the round waits for are on somebody's page at this moment."""
    candidate, lease = tables.candidate, tables.lease
    open_ = (candidate.c.round_id == round_id, is_queued(candidate), lease.c.page.is_not(None), lease.c.until > now)
    rows = select(func.count(candidate.c.id.distinct())).join(lease, lease.c.candidate_id == candidate.c.id)
    return tx.execute(rows.where(*open_)).scalar_one()


def add(tx: Transaction, page: GridPage, cells: Sequence[Cell]) -> GridPage:
    """Store an answered page (its `id` is given here) and what was on it."""
    row = {name: value for name, value in vars(page).items() if name != "id"}
    made = GridPage(**tx.execute(insert(tables.grid_page).values(row).returning(tables.grid_page)).mappings().one())
    tx.execute(insert(tables.grid_cell), [{"grid_page_id": made.id, **cell._asdict()} for cell in cells])
    return made


def by_token(tx: Transaction, token: str) -> GridPage | None:
    """The answered page of this token, undone or not."""
    row = tx.execute(select(tables.grid_page).where(tables.grid_page.c.token == token)).mappings().one_or_none()
    return None if row is None else GridPage(**row)


def last(tx: Transaction, round_id: RoundId, annotator_id: AnnotatorId) -> tuple[GridPage, bool] | None:
    """The newest page of this annotator in the round that is not undone, and whether its images are of the grid."""
    table, cell, candidate = tables.grid_page, tables.grid_cell, tables.candidate
    mine = (table.c.round_id == round_id, table.c.annotator_id == annotator_id, table.c.withdrawn_at.is_(None))
    of_grid = select(cell.c.candidate_id).join(candidate, candidate.c.id == cell.c.candidate_id)
    of_grid = of_grid.where(cell.c.grid_page_id == table.c.id, candidate.c.origin == Origin.GRID)
    rows = select(table, of_grid.exists().label("of_grid")).where(*mine).order_by(table.c.id.desc()).limit(1)
    row = tx.execute(rows).mappings().one_or_none()
    return None if row is None else (GridPage(**{column.name: row[column.name] for column in table.c}), row["of_grid"])


def cells(tx: Transaction, page_id: PageId) -> list[Cell]:
    """What was on an answered page, by candidate."""
    table = tables.grid_cell
    rows = select(table.c.candidate_id, table.c.probability, table.c.accepted).where(table.c.grid_page_id == page_id)
    return [Cell(*row) for row in tx.execute(rows.order_by(table.c.candidate_id)).tuples()]


def withdraw(tx: Transaction, page_id: PageId, at: datetime) -> GridPage:
    """Mark a page as undone; its labels are the caller's to withdraw."""
    table = tables.grid_page
    changed = update(table).where(table.c.id == page_id).values(withdrawn_at=at).returning(table)
    return GridPage(**tx.execute(changed).mappings().one())


def errors(tx: Transaction, project_id: ProjectId) -> tuple[int, float]:
    """Over the pages that stand: images marked as wrong, and how many that should have been, sum of 1 - probability."""
    cell, page, round_ = tables.grid_cell, tables.grid_page, tables.round_
    rows = (
        select(func.count().filter(~cell.c.accepted), func.coalesce(func.sum(1 - cell.c.probability), 0.0))
        .join(page, page.c.id == cell.c.grid_page_id)
        .join(round_, round_.c.id == page.c.round_id)
        .where(round_.c.project_id == project_id, page.c.withdrawn_at.is_(None))
    )
    wrong, expected = tx.execute(rows).tuples().one()
    return wrong, float(expected)


def _probability(class_id: ClassId) -> ColumnElement[float]:
    probability: ColumnElement[float] = tables.candidate.c.probabilities[str(class_id)].as_float()
    return probability


def marked() -> ColumnElement[bool]:
    """Whether a candidate is marked as wrong on a page that stands."""
    candidate, cell, page = tables.candidate, tables.grid_cell, tables.grid_page
    return (
        select(cell.c.candidate_id)
        .join(page, page.c.id == cell.c.grid_page_id)
        .where(cell.c.candidate_id == candidate.c.id, ~cell.c.accepted, page.c.withdrawn_at.is_(None))
        .exists()
    )


def _fit(round_id: RoundId, origin: Origin) -> ColumnElement[bool]:
    """For a page of this round: of that origin, and not marked. Those of the grid may lie behind an earlier round."""
    candidate, round_ = tables.candidate, tables.round_
    project = select(round_.c.project_id).where(round_.c.id == round_id).scalar_subquery()
    of_project = candidate.c.round_id.in_(select(round_.c.id).where(round_.c.project_id == project))
    here = of_project if origin is Origin.GRID else candidate.c.round_id == round_id
    return here & (candidate.c.origin == origin) & ~marked()


def is_held(annotator_id: AnnotatorId, now: datetime) -> ColumnElement[bool]:
    """Whether a candidate is on a page that is reserved for this annotator."""
    candidate, lease = tables.candidate, tables.lease
    mine = (lease.c.annotator_id == annotator_id, lease.c.page.is_not(None), lease.c.until > now)
    unsettled = candidate.c.answers < candidate.c.votes_needed
    return unsettled & select(lease.c.until).where(lease.c.candidate_id == candidate.c.id, *mine).exists()
