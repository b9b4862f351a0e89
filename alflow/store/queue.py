"""The queue of an open round: who may see which candidate, and until when.

A candidate is free for an annotator while it needs more answers than it has answers and living leases together, and
while this annotator neither holds nor answered it. So one that needs two votes goes to two people at once, and one
that needs one to a single person. An expired lease is no lease. Leases that carry a `page` are those of the grid
(`store.grid`): the deck neither shows nor renews them.
"""

from datetime import datetime

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, ColumnElement, delete, func, insert, literal, select, update

from alflow.domain import Candidate, Item
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rounds import candidate_of
from alflow.store.rows import part

_TRIES = 3  # of taking free candidates while others take them too


def lease(
    tx: Transaction,
    round_id: int,
    annotator_id: int,
    count: int,
    until: datetime,
    now: datetime,
    showing: int | None = None,
) -> list[tuple[Candidate, Item]]:
    """Reserve up to `count` candidates until then, in rank order: those already held, then free ones.

    What is held beyond `count` goes back at once; the candidate that is on screen (`showing`) is kept first. The caller
    holds the annotator's lock (`labels.lock_annotator`) and looked that the round is open.
    """
    table = tables.lease
    tx.execute(delete(table).where(table.c.annotator_id == annotator_id, table.c.until <= now))
    reserved = _renew(tx, round_id, annotator_id, count, until, showing)
    for _ in range(_TRIES):
        if reserved == count:
            break
        tried, taken = _take(tx, round_id, annotator_id, count - reserved, until, now)
        reserved += taken
        if not tried:
            break
    return held(tx, round_id, annotator_id, count, now)


def held(tx: Transaction, round_id: int, annotator_id: int, count: int, now: datetime) -> list[tuple[Candidate, Item]]:
    """What the annotator has a living lease on and still is to be answered, in rank order."""
    candidate, item, table = tables.candidate, tables.item, tables.lease
    rows = (
        select(candidate, item)
        .join(table, table.c.candidate_id == candidate.c.id)
        .join(item, item.c.id == candidate.c.item_id)
        .where(candidate.c.round_id == round_id, candidate.c.answers < candidate.c.votes_needed)
        .where(table.c.annotator_id == annotator_id, table.c.until > now, table.c.page.is_(None))
        .order_by(candidate.c.rank)
        .limit(count)
        .set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
    )
    return [(candidate_of(part(row, candidate)), Item(**part(row, item))) for row in tx.execute(rows).mappings()]


def release(tx: Transaction, project_id: int, annotator_id: int) -> None:
    """Give back all that the annotator holds in the project, but for pages of the grid; the caller holds their lock."""
    candidate, round_, table = tables.candidate, tables.round_, tables.lease
    of_project = select(candidate.c.id).join(round_, round_.c.id == candidate.c.round_id)
    of_project = of_project.where(round_.c.project_id == project_id)
    mine = (table.c.annotator_id == annotator_id, table.c.page.is_(None))
    tx.execute(delete(table).where(*mine, table.c.candidate_id.in_(of_project)))


def votes_missing(tx: Transaction, round_id: int, most: int) -> int:
    """How many answers the round still needs, counted in rank order until `most` are found."""
    table = tables.candidate
    needs = (table.c.votes_needed - table.c.answers).label("needs")
    unsettled = select(needs).where(table.c.round_id == round_id, table.c.answers < table.c.votes_needed)
    few = unsettled.limit(most).subquery()
    missing: int = tx.execute(select(func.coalesce(func.sum(few.c.needs), 0))).scalar_one()
    return min(most, missing)


def reserve(tx: Transaction, candidate_id: int, annotator_id: int, until: datetime, now: datetime) -> bool:
    """Lease one candidate if it is free; the caller holds its lock and the annotator's."""
    return take(tx, [candidate_id], annotator_id, until, now) == 1


def take(
    tx: Transaction,
    candidate_ids: list[int],
    annotator_id: int,
    until: datetime,
    now: datetime,
    page: str | None = None,
) -> int:
    """Lease those of these candidates that are free, for a page of the grid if one is named, and return how many.

    The caller holds their locks and the annotator's.
    """
    candidate, table = tables.candidate, tables.lease
    values = (
        candidate.c.id,
        literal(annotator_id),
        literal(until, table.c.until.type),
        literal(page, table.c.page.type),
    )
    wanted = select(*values).where(candidate.c.id.in_(candidate_ids), free(annotator_id, now))
    columns = ["candidate_id", "annotator_id", "until", "page"]
    taken = insert(table).from_select(columns, wanted).returning(table.c.candidate_id)
    return len(tx.execute(taken).all())


def free(annotator_id: int, now: datetime) -> ColumnElement[bool]:
    """Whether a candidate is free for this annotator, as a condition on the table of candidates."""
    candidate, lease_, label = tables.candidate, tables.lease, tables.label
    living = (lease_.c.candidate_id == candidate.c.id, lease_.c.until > now)
    leases = select(func.count()).where(*living).scalar_subquery()
    holds = select(lease_.c.until).where(*living, lease_.c.annotator_id == annotator_id).exists()
    stands = (label.c.item_id == candidate.c.item_id, label.c.withdrawn_at.is_(None))  # in whatever round
    answered = select(label.c.id).where(*stands, label.c.annotator_id == annotator_id).exists()
    needs = candidate.c.answers < candidate.c.votes_needed  # as it stands in the index of what is unsettled
    return needs & (candidate.c.answers + leases < candidate.c.votes_needed) & ~holds & ~answered


def _renew(tx: Transaction, round_id: int, annotator_id: int, count: int, until: datetime, showing: int | None) -> int:
    """Renew what will be shown, give back the rest, and return how many are kept."""
    candidate, table = tables.candidate, tables.lease
    mine = (
        select(candidate.c.id)
        .join(table, table.c.candidate_id == candidate.c.id)
        .where(candidate.c.round_id == round_id, candidate.c.answers < candidate.c.votes_needed)
        .where(table.c.annotator_id == annotator_id, table.c.page.is_(None))
        .order_by(candidate.c.id != showing, candidate.c.rank)
    )
    ids = list(tx.execute(mine).scalars())
    kept, rest = ids[:count], ids[count:]
    if rest:
        tx.execute(delete(table).where(table.c.annotator_id == annotator_id, table.c.candidate_id.in_(rest)))
    if kept:
        still = (table.c.annotator_id == annotator_id, table.c.candidate_id.in_(kept))
        tx.execute(update(table).where(*still).values(until=until))
    return len(kept)


def _take(
    tx: Transaction, round_id: int, annotator_id: int, count: int, until: datetime, now: datetime
) -> tuple[int, int]:
    """Lease the next free candidates: how many looked free, how many were.

    Two statements, because PostgreSQL's READ COMMITTED shows each its own moment: the first locks rows that looked
    free, the second, holding them, looks again and takes those that are.
    """
    table = tables.candidate
    looks_free = select(table.c.id).where(table.c.round_id == round_id, free(annotator_id, now))
    locked = looks_free.order_by(table.c.rank).limit(count).with_for_update(key_share=True, skip_locked=True)
    ids = list(tx.execute(locked).scalars())
    return len(ids), take(tx, ids, annotator_id, until, now) if ids else 0
