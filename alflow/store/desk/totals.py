"""Figures of a project for a monitor: counts, which no page needs in this form."""

from dataclasses import dataclass

from sqlalchemy import func, select

from alflow.domain.rounds import RoundState
from alflow.ids import ProjectId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import is_queued


@dataclass(frozen=True)
class Totals:
    """Figures of a project.

    Attributes:
        answers: given so far, those that were withdrawn among them: it never falls.
        votes_missing: in the queue of the open round.
        rounds: in each state.
    """

    answers: int
    votes_missing: int
    rounds: dict[RoundState, int]


def of_project(tx: Transaction, project_id: ProjectId) -> Totals:
    """Count them."""
    round_, candidate, label = tables.round_, tables.candidate, tables.label
    answers = select(func.count()).select_from(label).where(label.c.project_id == project_id)
    by_state = select(round_.c.state, func.count()).where(round_.c.project_id == project_id).group_by(round_.c.state)
    missing = (
        select(func.coalesce(func.sum(candidate.c.votes_needed - candidate.c.answers), 0))
        .join_from(candidate, round_)
        .where(round_.c.project_id == project_id, round_.c.state == RoundState.OPEN)
        .where(candidate.c.answers < candidate.c.votes_needed, is_queued(candidate))
    )
    states = dict.fromkeys(RoundState, 0) | {RoundState(state): n for state, n in tx.execute(by_state).tuples()}
    return Totals(tx.execute(answers).scalar_one(), int(tx.execute(missing).scalar_one()), states)
