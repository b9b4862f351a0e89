"""Requests for another vote on items that have all the answers they needed."""

from collections.abc import Sequence
from dataclasses import fields

from sqlalchemy import func, select, update

from alflow.domain.rounds import Candidate, Round
from alflow.ids import ItemId, ProjectId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rounds import candidates, rounds
from alflow.store.rounds.candidates import NewCandidate
from alflow.store.rows import chunks


def newest_candidates(tx: Transaction, project_id: ProjectId) -> dict[ItemId, Candidate]:
    """Item id -> its candidate in the last round that asked about it."""
    return {one.item_id: one for each in rounds.all_(tx, project_id) for one in candidates.of_round(tx, each.id)}


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
        raised += tx.execute(update(table).where(*answered).values(votes_needed=table.c.answers + 1)).rowcount
    first = tx.execute(
        select(func.coalesce(func.max(table.c.rank), -1) + 1).where(table.c.round_id == round_.id)
    ).scalar_one()
    joining = [
        _candidate(one, first + place) for place, one in enumerate(one for one in asked if one.item_id not in known)
    ]
    candidates.add(tx, round_.id, joining)
    return raised + len(joining)


def _candidate(one: Candidate, rank: int) -> NewCandidate:
    kept = {each.name: getattr(one, each.name) for each in fields(NewCandidate)}
    return NewCandidate(**kept | {"rank": rank, "votes_needed": 1})
