"""The reserve behind a round: the strategy's next picks, for people to go on with while the next round is prepared.

It is handed on from round to round, so that nothing is asked twice and nobody loses the image on their screen: what
the next round plans as well becomes its candidate, with the leases and answers that came while it was planned; what
else somebody has open, or answered meanwhile, goes to the reserve of that round; what nobody saw goes. So of a closed
round only that is left which was answered before the next one was planned.

The images of the grid's pages through the pool (origin GRID) lie behind a round too, and are handed on alike.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, bindparam, delete, func, select, update

from alflow.domain.answers import Verdict
from alflow.domain.rounds import Origin
from alflow.ids import AnnotatorId, CandidateId, ItemId, ProjectId, RoundId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rounds import candidates
from alflow.store.rounds.candidates import NewCandidate
from alflow.store.rows import chunks, is_queued


class Extra(NamedTuple):
    """An answered image behind a round: the strategy's score, 0 where it gave none, and when it had all its answers."""

    score: float
    at: datetime


def lock(tx: Transaction, project_id: ProjectId, *, unsettled: bool = False) -> dict[ItemId, CandidateId]:
    """What lies behind the project's rounds, by item; nobody answers or leases any of it until the transaction ends.

    If asked, of what still lacks answers only.
    """
    table, round_ = tables.candidate, tables.round_
    of_project = select(round_.c.id).where(round_.c.project_id == project_id)
    mine = (table.c.round_id.in_(of_project), ~is_queued(table))
    rows = select(table.c.item_id, table.c.id).where(*mine)
    rows = rows.where(table.c.answers < table.c.votes_needed) if unsettled else rows
    return dict(tx.execute(rows.order_by(table.c.id).with_for_update()).tuples().all())


def hand_on(
    tx: Transaction, project_id: ProjectId, round_id: RoundId, planned: Sequence[NewCandidate], pool: Collection[ItemId]
) -> list[NewCandidate]:
    """Give a new round what it plans and what is in use of the reserve before it; returns what it still has to add.

    Who answers on a page of the grid knows the prediction. So an image that was accepted on one while the plan was made
    is no control, whatever the plan says, and one that is on a page leaves it: what remains of a random slice is still
    a random slice of what remains of the pool.

    Args:
        tx: the transaction, before the round has any candidate.
        project_id: whose reserve.
        round_id: the new round.
        planned: its candidates and its own reserve.
        pool: what it was planned from. What was answered before that is left where it is.
    """
    reserve = lock(tx, project_id)
    left = {item: reserve[item] for item in set(reserve).intersection(pool)}
    controls = {left[one.item_id] for one in planned if one.item_id in left and one.origin is Origin.CONTROL}
    known = _accepted_on_a_page(tx, controls)
    same = {left[one.item_id]: one for one in planned if one.item_id in left and left[one.item_id] not in known}
    take(tx, round_id, same)
    _leave_pages(tx, controls - known)
    rest = sorted(left.keys() - {one.item_id for one in same.values()})
    used = _in_use(tx, [left[item] for item in rest])
    behind = max((one.rank for one in planned), default=-1) + 1
    _move(tx, round_id, {candidate_id: {"rank": behind + place} for place, candidate_id in enumerate(sorted(used))})
    for chunk in chunks([left[item] for item in rest if left[item] not in used]):
        tx.execute(delete(tables.candidate).where(tables.candidate.c.id.in_(chunk)))
    return [one for one in planned if one.item_id not in left]


def take(tx: Transaction, round_id: RoundId, wanted: Mapping[CandidateId, NewCandidate]) -> None:
    """Make locked candidates of a reserve what a round wants them to be; leases and answers stay with them."""
    _move(tx, round_id, {key: candidates.row_of(round_id, one) for key, one in wanted.items()})


def counts(tx: Transaction, project_id: ProjectId) -> dict[RoundId, int]:
    """Round id -> how many images its reserve has; of closed rounds, those that were answered."""
    table, round_ = tables.candidate, tables.round_
    rows = select(table.c.round_id, func.count()).join(round_, round_.c.id == table.c.round_id)
    mine = (round_.c.project_id == project_id, table.c.origin == Origin.RESERVE)
    return dict(tx.execute(rows.where(*mine).group_by(table.c.round_id)).tuples().all())


def labels_in_sight(tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId, now: datetime) -> int:
    """How many images of the project have a class by somebody's answer, or lie behind a round and others have open."""
    table, lease, label, round_ = tables.candidate, tables.lease, tables.label, tables.round_
    named = (label.c.project_id == project_id, label.c.withdrawn_at.is_(None), label.c.verdict == Verdict.CLASS)
    others = (lease.c.annotator_id != annotator_id, lease.c.until > now, ~is_queued(table))
    held = select(func.count(table.c.id.distinct())).join(lease, lease.c.candidate_id == table.c.id)
    held = held.join(round_, round_.c.id == table.c.round_id)
    held = held.where(round_.c.project_id == project_id, *others, table.c.answers == 0)
    classes = select(func.count(label.c.item_id.distinct())).where(*named)
    return int(tx.execute(select(classes.scalar_subquery() + held.scalar_subquery())).scalar_one())


def answered(tx: Transaction, project_id: ProjectId) -> list[Extra]:
    """What lies behind the project's rounds and has all its answers, in the order in which it had them."""
    table, label, round_ = tables.candidate, tables.label, tables.round_
    at = func.max(label.c.at)
    rows = select(func.coalesce(table.c.score, 0.0), at).join_from(table, round_)
    rows = rows.join(label, (label.c.candidate_id == table.c.id) & label.c.withdrawn_at.is_(None))
    mine = (round_.c.project_id == project_id, ~is_queued(table))
    rows = rows.where(*mine, table.c.answers >= table.c.votes_needed).group_by(table.c.id, table.c.score)
    return [Extra(*row) for row in tx.execute(rows.order_by(at)).tuples()]


def _accepted_on_a_page(tx: Transaction, candidate_ids: Collection[CandidateId]) -> set[CandidateId]:
    if not candidate_ids:
        return set()
    cell, page = tables.grid_cell, tables.grid_page
    rows = select(cell.c.candidate_id).join(page, page.c.id == cell.c.grid_page_id)
    rows = rows.where(cell.c.candidate_id.in_(candidate_ids), cell.c.accepted, page.c.withdrawn_at.is_(None))
    return set(tx.execute(rows).scalars())


def _leave_pages(tx: Transaction, candidate_ids: Collection[CandidateId]) -> None:
    if not candidate_ids:
        return
    table = tables.lease
    tx.execute(delete(table).where(table.c.candidate_id.in_(candidate_ids), table.c.page.is_not(None)))


def _in_use(tx: Transaction, candidate_ids: Sequence[CandidateId]) -> set[CandidateId]:
    """Those that somebody leased, answered or marked, ever: a browser without a connection may still have an answer."""
    found: set[CandidateId] = set()
    for chunk in chunks(candidate_ids):
        for column in (tables.lease.c.candidate_id, tables.label.c.candidate_id, tables.grid_cell.c.candidate_id):
            found.update(CandidateId(one) for one in tx.execute(select(column).where(column.in_(chunk))).scalars())
    return found


def _move(tx: Transaction, round_id: RoundId, values: Mapping[CandidateId, Mapping[str, object]]) -> None:
    """Move candidates to a round, with their answers, and change them so."""
    if not values:
        return
    table, label = tables.candidate, tables.label
    changes = {key: {"round_id": round_id, **each} for key, each in values.items()}
    names: dict[str, BindParameter[Any]] = {name: bindparam(f"to_{name}") for name in next(iter(changes.values()))}
    rows = [{"moved": key} | {f"to_{name}": value for name, value in each.items()} for key, each in changes.items()]
    tx.execute(update(table).where(table.c.id == bindparam("moved")).values(names), rows)
    for chunk in chunks(list(values)):
        theirs = (label.c.candidate_id.in_(chunk), label.c.round_id != round_id)
        tx.execute(update(label).where(*theirs).values(round_id=round_id))
