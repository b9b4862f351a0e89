"""Requests for another vote on items that have all the answers they needed."""

from collections.abc import Sequence
from dataclasses import fields

from sqlalchemy import select, update

from alflow.domain.rounds import Candidate, Origin, Round
from alflow.ids import ItemId, ProjectId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rounds import candidates
from alflow.store.rounds.candidates import NewCandidate, candidate_of
from alflow.store.rows import chunks, is_queued


def newest_candidates(tx: Transaction, project_id: ProjectId, item_ids: Sequence[ItemId]) -> dict[ItemId, Candidate]:
    """Item id -> its candidate in the last round that asked about it, for those of these items that have one."""
    table, round_ = tables.candidate, tables.round_
    mine = select(table).join(round_, round_.c.id == table.c.round_id).where(round_.c.project_id == project_id)
    found: dict[ItemId, Candidate] = {}
    for chunk in chunks(item_ids):
        rows = mine.where(table.c.item_id.in_(chunk)).order_by(round_.c.number)
        found |= {row["item_id"]: candidate_of(row) for row in tx.execute(rows).mappings()}
    return found


def request_votes(tx: Transaction, round_: Round, asked: Sequence[Candidate]) -> int:
    """Require one more answer for each of these in this round, and return for how many.

    Those of earlier rounds join its queue with the beliefs of that time. One that still waits for an answer is left as
    it is. The caller holds the round's lock.
    """
    table = tables.candidate
    rows = select(table.c.item_id, table.c.id).where(table.c.round_id == round_.id)
    known = dict(tx.execute(rows).tuples().all())
    here = [known[one.item_id] for one in asked if one.item_id in known]
    raised = 0
    for chunk in chunks(here):
        answered = (table.c.id.in_(chunk), table.c.answers >= table.c.votes_needed)
        extra = update(table).where(*answered, ~is_queued(table))
        tx.execute(extra.values(origin=Origin.STRATEGY))  # the round waits for a vote that somebody asks for
        raised += tx.execute(update(table).where(*answered).values(votes_needed=table.c.answers + 1)).rowcount
    first = candidates.next_rank(tx, round_.id)
    joining = [
        _candidate(one, first + place) for place, one in enumerate(one for one in asked if one.item_id not in known)
    ]
    candidates.add(tx, round_.id, joining)
    return raised + len(joining)


def _candidate(one: Candidate, rank: int) -> NewCandidate:
    kept = {each.name: getattr(one, each.name) for each in fields(NewCandidate)}
    origin = one.origin if one.origin.queued else Origin.STRATEGY
    return NewCandidate(**kept | {"rank": rank, "votes_needed": 1, "origin": origin})
