"""The queue of an open round: who may see which candidate, and until when.

A candidate is free for an annotator while it needs more answers than it has answers and leases together, and while this
annotator has neither reserved nor answered it. So one that needs two votes goes to two people at once, and one that
needs one to a single person. A lease that has ended does not count. Leases with a `page` belong to the grid
(`alflow.store.desk.grid`): the deck neither shows nor renews them.

The statements below are built once (see `alflow.store.desk.labels`). Their parameters are `who`, `round`, `candidates`
(ids), `now`, `till`, `page` and `count`.
"""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    LABEL_STYLE_TABLENAME_PLUS_COL,
    BindParameter,
    ColumnElement,
    Delete,
    Select,
    Update,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningInsert

from alflow.domain.images import Item
from alflow.domain.rounds import Candidate
from alflow.ids import AnnotatorId, CandidateId, ProjectId, RoundId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rounds.candidates import candidate_of
from alflow.store.rows import part

_TRIES = 3  # of taking free candidates while others take them too


def lease(
    tx: Transaction,
    round_id: RoundId,
    annotator_id: AnnotatorId,
    count: int,
    until: datetime,
    now: datetime,
    showing: CandidateId | None = None,
) -> list[tuple[Candidate, Item]]:
    """Reserve up to `count` candidates until then, in rank order: those already held, then free ones.

    Leases beyond `count` are released at once; the candidate that is on screen (`showing`) is kept first. The caller
    holds the annotator's lock (`annotators.lock`) and checked that the round is open.
    """
    tx.execute(_let_lapse(), {"who": annotator_id, "now": now})
    reserved = _renew(tx, round_id, annotator_id, count, until, showing)
    for _ in range(_TRIES):
        if len(reserved) == count:
            break
        tried, taken = _take(tx, round_id, annotator_id, count - len(reserved), until, now)
        reserved += taken
        if not tried:
            break
    rows = tx.execute(_in_rank_order(), {"candidates": reserved}).mappings()
    return [(candidate_of(part(row, tables.candidate)), Item(**part(row, tables.item))) for row in rows]


def release(tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId) -> None:
    """Release all leases of the annotator in the project except pages of the grid; the caller holds their lock."""
    candidate, round_, table = tables.candidate, tables.round_, tables.lease
    of_project = select(candidate.c.id).join(round_, round_.c.id == candidate.c.round_id)
    of_project = of_project.where(round_.c.project_id == project_id, candidate.c.id == table.c.candidate_id)
    mine = (table.c.annotator_id == annotator_id, table.c.page.is_(None))
    tx.execute(delete(table).where(*mine, of_project.exists()))


def votes_missing(tx: Transaction, round_id: RoundId, most: int) -> int:
    """How many answers the round still needs, counted in rank order up to `most`."""
    missing: int = tx.execute(_votes_missing(), {"round": round_id, "count": most}).scalar_one()
    return min(most, missing)


def reserve(
    tx: Transaction, annotator_id: AnnotatorId, candidate_id: CandidateId, until: datetime, now: datetime
) -> bool:
    """Lease one candidate if it is free; the caller holds its lock and the annotator's."""
    return take(tx, annotator_id, [candidate_id], until, now) == [candidate_id]


def take(
    tx: Transaction,
    annotator_id: AnnotatorId,
    candidate_ids: list[CandidateId],
    until: datetime,
    now: datetime,
    page: str | None = None,
) -> list[CandidateId]:
    """Lease those of these candidates that are free, for a page of the grid if one is named, and return which.

    The caller holds their locks and the annotator's.
    """
    lease_ = {"candidates": candidate_ids, "who": annotator_id, "till": until, "now": now, "page": page}
    return list(tx.execute(_lease_free(), lease_).scalars())


def free(
    annotator_id: AnnotatorId | BindParameter[AnnotatorId], now: datetime | BindParameter[datetime]
) -> ColumnElement[bool]:
    """Whether a candidate is free for this annotator, as a condition on the table of candidates.

    Uses counts although existence is the question: PostgreSQL would make joins of NOT EXISTS, over all that the
    annotator ever answered, and do so for every candidate before it takes the first.
    """
    candidate, lease_, label = tables.candidate, tables.lease, tables.label
    living = (lease_.c.candidate_id == candidate.c.id, lease_.c.until > now)
    leases = select(func.count()).where(*living).scalar_subquery()
    holds = select(func.count()).where(*living, lease_.c.annotator_id == annotator_id).scalar_subquery()
    stands = (label.c.item_id == candidate.c.item_id, label.c.withdrawn_at.is_(None))  # in whatever round
    answered = select(func.count()).where(*stands, label.c.annotator_id == annotator_id).scalar_subquery()
    needs = candidate.c.answers < candidate.c.votes_needed  # as it stands in the index of what is unsettled
    # What is in the way most often is looked at first: who works ahead of the others passes what they answered before.
    return needs & (answered == 0) & (holds == 0) & (candidate.c.answers + leases < candidate.c.votes_needed)


def _renew(
    tx: Transaction,
    round_id: RoundId,
    annotator_id: AnnotatorId,
    count: int,
    until: datetime,
    showing: CandidateId | None,
) -> list[CandidateId]:
    """Renew what will be shown, release the rest, and return what is kept."""
    ids = list(tx.execute(_still_mine(), {"round": round_id, "who": annotator_id, "showing": showing}).scalars())
    kept, rest = ids[:count], ids[count:]
    if rest:
        tx.execute(_give_back(), {"who": annotator_id, "candidates": rest})
    if kept:
        tx.execute(_prolong(), {"who": annotator_id, "candidates": kept, "till": until})
    return kept


def _take(
    tx: Transaction, round_id: RoundId, annotator_id: AnnotatorId, count: int, until: datetime, now: datetime
) -> tuple[int, list[CandidateId]]:
    """Lease the next free candidates: how many looked free, which were.

    Two statements, because in PostgreSQL's READ COMMITTED each sees a snapshot of its own: the first locks rows that
    looked free, the second checks the locked rows and takes those that are free.
    """
    wanted = {"round": round_id, "who": annotator_id, "count": count, "now": now}
    ids = list(tx.execute(_lock_free(), wanted).scalars())
    return len(ids), take(tx, annotator_id, ids, until, now) if ids else []


@cache
def _let_lapse() -> Delete:
    table = tables.lease
    return delete(table).where(table.c.annotator_id == bindparam("who"), table.c.until <= bindparam("now"))


@cache
def _votes_missing() -> Select[Any]:
    table = tables.candidate
    needs = (table.c.votes_needed - table.c.answers).label("needs")
    unsettled = select(needs).where(table.c.round_id == bindparam("round"), table.c.answers < table.c.votes_needed)
    few = unsettled.order_by(table.c.rank).limit(bindparam("count")).subquery()
    return select(func.coalesce(func.sum(few.c.needs), 0))


@cache
def _still_mine() -> Select[Any]:
    candidate, table = tables.candidate, tables.lease
    return (
        select(candidate.c.id)
        .join(table, table.c.candidate_id == candidate.c.id)
        .where(candidate.c.round_id == bindparam("round"), candidate.c.answers < candidate.c.votes_needed)
        .where(table.c.annotator_id == bindparam("who"), table.c.page.is_(None))
        .order_by(candidate.c.id != bindparam("showing"), candidate.c.rank)
    )


@cache
def _in_rank_order() -> Select[Any]:
    candidate, item = tables.candidate, tables.item
    these = candidate.c.id.in_(bindparam("candidates", expanding=True))
    rows = select(candidate, item).join(item, item.c.id == candidate.c.item_id).where(these)
    return rows.order_by(candidate.c.rank).set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)


@cache
def _give_back() -> Delete:
    return delete(tables.lease).where(*_of_these())


@cache
def _prolong() -> Update:
    return update(tables.lease).where(*_of_these()).values(until=bindparam("till"))


def _of_these() -> tuple[ColumnElement[bool], ...]:
    table = tables.lease
    return table.c.annotator_id == bindparam("who"), table.c.candidate_id.in_(bindparam("candidates", expanding=True))


@cache
def _lock_free() -> Select[Any]:
    table = tables.candidate
    looks_free = select(table.c.id).where(table.c.round_id == bindparam("round"), _free())
    first = looks_free.order_by(table.c.rank).limit(bindparam("count"))
    return first.with_for_update(key_share=True, skip_locked=True)


@cache
def _lease_free() -> ReturningInsert[Any]:
    candidate, table = tables.candidate, tables.lease
    names = {"annotator_id": "who", "until": "till", "page": "page"}
    values = (bindparam(name, type_=table.c[column].type) for column, name in names.items())
    these = candidate.c.id.in_(bindparam("candidates", expanding=True))
    wanted = select(candidate.c.id, *values).where(these, _free())
    return insert(table).from_select(["candidate_id", *names], wanted).returning(table.c.candidate_id)


def _free() -> ColumnElement[bool]:
    return free(bindparam("who"), bindparam("now"))
