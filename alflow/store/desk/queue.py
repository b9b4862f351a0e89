"""The queue of an open round: who may see which candidate, and until when.

A candidate is free for an annotator while it needs more answers than it has answers and leases together, and while this
annotator has neither reserved nor answered it. So one that needs two votes goes to two people at once, and one that
needs one to a single person. A lease that has ended does not count. Leases with a `page` belong to the grid
(`alflow.store.desk.grid`): the deck neither shows nor renews them.

The reserve (`alflow.store.rounds.reserve`) is a queue of its own: what is unsettled of that behind the round, and what
was begun of those before or on a page of the grid, which comes first: it has answers, and still lacks votes.

The statements below are built once (see `alflow.store.desk.labels`). Their parameters are `who`, `round`, `candidates`
(ids), `now`, `till`, `page` and `count`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
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
from alflow.domain.rounds import Candidate, Origin
from alflow.ids import AnnotatorId, CandidateId, ProjectId, RoundId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rounds.candidates import candidate_of
from alflow.store.rows import is_queued, part

_TRIES = 3  # of taking free candidates while others take them too


class Part(Enum):
    """What somebody wants: of the round's own queue, of its reserve, or of what was begun behind any round."""

    QUEUE = "queue"
    RESERVE = "reserve"
    BEGUN = "begun"


@dataclass(frozen=True)
class Wanted:
    """What somebody wants to have reserved.

    Attributes:
        round_id: of whose queue.
        annotator_id: for whom; the caller holds their lock (`annotators.lock`).
        count: how many candidates at most.
        until: how long they stay reserved.
        now: leases that end until then count no more.
        showing: the candidate that is on screen, which is kept before all others.
        part: of the round, or what is behind it.
    """

    round_id: RoundId
    annotator_id: AnnotatorId
    count: int
    until: datetime
    now: datetime
    showing: CandidateId | None = None
    part: Part = Part.QUEUE


def lease(tx: Transaction, wanted: Wanted) -> list[tuple[Candidate, Item]]:
    """Reserve candidates in rank order: those already held, then free ones. Leases beyond that are released at once.

    The caller checked that people may answer them now.
    """
    tx.execute(_let_lapse(), {"who": wanted.annotator_id, "now": wanted.now})
    held = _held(tx, wanted)
    reserved = _renew(tx, wanted, held[: wanted.count], held[wanted.count :])
    for _ in range(_TRIES):
        if len(reserved) == wanted.count:
            break
        tried, taken = _take(tx, wanted, wanted.count - len(reserved))
        reserved += taken
        if not tried:
            break
    return _images(tx, reserved)


def keep(tx: Transaction, wanted: Wanted) -> list[tuple[Candidate, Item]]:
    """Reserve nothing new, keep what is on screen if it is held, and release all else."""
    held = _held(tx, wanted)
    on_screen = [one for one in held if one == wanted.showing]
    return _images(tx, _renew(tx, wanted, on_screen, [one for one in held if one != wanted.showing]))


def release(tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId) -> None:
    """Release all leases of the annotator in the project except pages of the grid; the caller holds their lock."""
    candidate, round_, table = tables.candidate, tables.round_, tables.lease
    of_project = select(candidate.c.id).join(round_, round_.c.id == candidate.c.round_id)
    of_project = of_project.where(round_.c.project_id == project_id, candidate.c.id == table.c.candidate_id)
    mine = (table.c.annotator_id == annotator_id, table.c.page.is_(None))
    tx.execute(delete(table).where(*mine, of_project.exists()))


def votes_missing(tx: Transaction, round_id: RoundId, most: int, part: Part = Part.QUEUE) -> int:
    """How many answers this part of a round still needs, counted in rank order up to `most`."""
    missing: int = tx.execute(_votes_missing(part), {"round": round_id, "count": most}).scalar_one()
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


def _held(tx: Transaction, wanted: Wanted) -> list[CandidateId]:
    """What this annotator holds already, what is on screen first."""
    which = {"round": wanted.round_id, "who": wanted.annotator_id, "showing": wanted.showing}
    return list(tx.execute(_still_mine(wanted.part), which).scalars())


def _renew(tx: Transaction, wanted: Wanted, kept: list[CandidateId], rest: list[CandidateId]) -> list[CandidateId]:
    """Renew some leases and release others; returns what is kept."""
    if rest:
        tx.execute(_give_back(), {"who": wanted.annotator_id, "candidates": rest})
    if kept:
        tx.execute(_prolong(), {"who": wanted.annotator_id, "candidates": kept, "till": wanted.until})
    return kept


def _take(tx: Transaction, wanted: Wanted, count: int) -> tuple[int, list[CandidateId]]:
    """Lease the next free candidates: how many looked free, which were.

    Two statements, because in PostgreSQL's READ COMMITTED each sees a snapshot of its own: the first locks rows that
    looked free, the second checks the locked rows and takes those that are free.
    """
    which = {"round": wanted.round_id, "who": wanted.annotator_id, "count": count, "now": wanted.now}
    ids = list(tx.execute(_lock_free(wanted.part), which).scalars())
    return len(ids), take(tx, wanted.annotator_id, ids, wanted.until, wanted.now) if ids else []


def _images(tx: Transaction, reserved: list[CandidateId]) -> list[tuple[Candidate, Item]]:
    """The candidates in rank order, with their images."""
    rows = tx.execute(_in_rank_order(), {"candidates": reserved}).mappings()
    return [(candidate_of(part(row, tables.candidate)), Item(**part(row, tables.item))) for row in rows]


@cache
def _let_lapse() -> Delete:
    table = tables.lease
    return delete(table).where(table.c.annotator_id == bindparam("who"), table.c.until <= bindparam("now"))


@cache
def _votes_missing(part: Part) -> Select[Any]:
    table = tables.candidate
    needs = (table.c.votes_needed - table.c.answers).label("needs")
    unsettled = select(needs).where(_of(part), table.c.answers < table.c.votes_needed)
    few = unsettled.order_by(table.c.rank).limit(bindparam("count")).subquery()
    return select(func.coalesce(func.sum(few.c.needs), 0))


@cache
def _still_mine(part: Part) -> Select[Any]:
    candidate, table = tables.candidate, tables.lease
    return (
        select(candidate.c.id)
        .join(table, table.c.candidate_id == candidate.c.id)
        .where(_of(part), candidate.c.answers < candidate.c.votes_needed)
        .where(table.c.annotator_id == bindparam("who"), table.c.page.is_(None))
        .order_by(candidate.c.id != bindparam("showing"), candidate.c.round_id, candidate.c.rank)
    )


@cache
def _in_rank_order() -> Select[Any]:
    candidate, item = tables.candidate, tables.item
    these = candidate.c.id.in_(bindparam("candidates", expanding=True))
    rows = select(candidate, item).join(item, item.c.id == candidate.c.item_id).where(these)
    return rows.order_by(candidate.c.round_id, candidate.c.rank).set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)


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
def _lock_free(part: Part) -> Select[Any]:
    table = tables.candidate
    looks_free = select(table.c.id).where(_of(part), _free())
    first = looks_free.order_by(table.c.round_id, table.c.rank).limit(bindparam("count"))
    return first.with_for_update(key_share=True, skip_locked=True)


@cache
def _lease_free() -> ReturningInsert[Any]:
    candidate, table = tables.candidate, tables.lease
    names = {"annotator_id": "who", "until": "till", "page": "page"}
    values = (bindparam(name, type_=table.c[column].type) for column, name in names.items())
    these = candidate.c.id.in_(bindparam("candidates", expanding=True))
    wanted = select(candidate.c.id, *values).where(these, _free())
    return insert(table).from_select(["candidate_id", *names], wanted).returning(table.c.candidate_id)


def _of(part: Part) -> ColumnElement[bool]:
    candidate, round_ = tables.candidate, tables.round_
    here = candidate.c.round_id == bindparam("round")
    if part is Part.QUEUE:
        return here & is_queued(candidate)
    project = select(round_.c.project_id).where(round_.c.id == bindparam("round")).scalar_subquery()
    of_project = candidate.c.round_id.in_(select(round_.c.id).where(round_.c.project_id == project))
    begun = candidate.c.answers > 0
    wanted = begun if part is Part.BEGUN else begun | (candidate.c.origin == Origin.RESERVE) & here
    return of_project & ~is_queued(candidate) & wanted


def _free() -> ColumnElement[bool]:
    return free(bindparam("who"), bindparam("now"))
