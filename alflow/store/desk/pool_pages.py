"""The grid's pages through the pool: what they leave out, the candidates they are made of, and how the last ones went.

An image becomes a candidate of origin GRID when it comes on somebody's page. It lies behind the newest round, and is
handed on to the next one unless it was answered (`alflow.store.rounds.reserve`); one that nobody saw goes then.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import bindparam, func, or_, select, update

from alflow.domain.rounds import Origin
from alflow.ids import AnnotatorId, CandidateId, ClassId, ItemId, ProjectId, RoundId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.desk import grid, queue
from alflow.store.rounds import candidates
from alflow.store.rounds.candidates import NewCandidate
from alflow.store.rows import chunks, is_answer, upsert

_BELIEVED = ("predicted_class_id", "probabilities", "epistemic", "aleatoric", "votes_needed")


class Corrected(NamedTuple):
    """Answered pages of one class, the images on them, and how many of these were marked as wrong."""

    pages: int
    images: int
    wrong: int


def taken(tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId, now: datetime) -> NDArray[np.int64]:
    """Ids of the items that no page through the pool may show to this annotator now.

    That is what a round asks or asked about, its reserve, what has an answer, what is on somebody else's page, and what
    was marked as wrong. It grows with the labels, not with the pool.
    """
    candidate, label, round_ = tables.candidate, tables.label, tables.round_
    left = (candidate.c.origin == Origin.GRID) & (candidate.c.answers == 0) & ~grid.marked()
    mine = left & or_(queue.free(annotator_id, now), grid.is_held(annotator_id, now))
    asked = select(candidate.c.item_id).join(round_, round_.c.id == candidate.c.round_id)
    asked = asked.where(round_.c.project_id == project_id, ~mine)
    answered = select(label.c.item_id).where(
        label.c.project_id == project_id, label.c.withdrawn_at.is_(None), is_answer(label)
    )
    found = [np.array(tx.execute(rows).scalars().all(), dtype=np.int64) for rows in (asked, answered)]
    return np.unique(np.concatenate(found))


def offer(
    tx: Transaction, project_id: ProjectId, round_id: RoundId, new: Sequence[NewCandidate]
) -> dict[ItemId, CandidateId]:
    """Item id -> its candidate, for those that may come on a page: made here, or left from an earlier one.

    Those that somebody else holds at this moment, or that a round asks about since, are left out. The caller holds the
    lock of the annotator and that of the project; this takes that of the round.
    """
    table, round_, found = tables.candidate, tables.round_, dict[ItemId, CandidateId]()
    of_project = select(round_.c.id).where(round_.c.project_id == project_id)
    left = (table.c.round_id.in_(of_project), table.c.origin == Origin.GRID, table.c.answers == 0)
    for chunk in chunks([one.item_id for one in new]):
        rows = select(table.c.item_id, table.c.id).where(*left, table.c.item_id.in_(chunk)).order_by(table.c.id)
        found |= dict(tx.execute(rows.with_for_update(key_share=True, skip_locked=True)).tuples().all())
    if found:
        names = {name: bindparam(f"to_{name}", type_=table.c[name].type) for name in _BELIEVED}
        values = [candidates.row_of(round_id, one) | {"row": found[one.item_id]} for one in new if one.item_id in found]
        changes = [{"row": each["row"], **{f"to_{name}": each[name] for name in _BELIEVED}} for each in values]
        tx.execute(update(table).where(table.c.id == bindparam("row")).values(names), changes)
    return found | _added(tx, round_id, [one for one in new if one.item_id not in found])


def corrected(tx: Transaction, project_id: ProjectId, class_id: ClassId, count: int) -> Corrected:
    """Of the last pages of a class through the pool, by anybody, that stand."""
    cell, page, round_, candidate = tables.grid_cell, tables.grid_page, tables.round_, tables.candidate
    of_pool = select(cell.c.grid_page_id).join(candidate, candidate.c.id == cell.c.candidate_id)
    of_pool = of_pool.where(cell.c.grid_page_id == page.c.id, candidate.c.origin == Origin.GRID)
    last = (
        select(page.c.id)
        .join(round_, round_.c.id == page.c.round_id)
        .where(round_.c.project_id == project_id, page.c.class_id == class_id, page.c.withdrawn_at.is_(None))
        .where(of_pool.exists())
        .order_by(page.c.id.desc())
        .limit(count)
        .subquery()
    )
    wrong = func.count().filter(~cell.c.accepted)
    rows = select(func.count(cell.c.grid_page_id.distinct()), func.count(cell.c.grid_page_id), wrong)
    return Corrected(*tx.execute(rows.where(cell.c.grid_page_id.in_(select(last.c.id)))).tuples().one())


def _added(tx: Transaction, round_id: RoundId, new: Sequence[NewCandidate]) -> dict[ItemId, CandidateId]:
    table, found = tables.candidate, dict[ItemId, CandidateId]()
    if not new:
        return found
    tx.execute(select(tables.round_.c.id).where(tables.round_.c.id == round_id).with_for_update(key_share=True))
    first = candidates.next_rank(tx, round_id)
    rows = [candidates.row_of(round_id, one) | {"rank": first + place} for place, one in enumerate(new)]
    statement = upsert(tx, table).on_conflict_do_nothing(index_elements=["round_id", "item_id"])
    for chunk in chunks(rows):
        made = tx.execute(statement.returning(table.c.item_id, table.c.id), list(chunk))
        found |= dict(made.tuples().all())
    return found
