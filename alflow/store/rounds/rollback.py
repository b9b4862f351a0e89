"""Take a round back a step: open a closed one again, or drop an open one. No row of `label` is deleted.

The caller locks candidates, then the round, as everybody who answers does.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, delete, func, select, update

from alflow.domain.rounds import Round, RoundState
from alflow.ids import ProjectId, RoundId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import is_asked, is_queued


class Dropped(NamedTuple):
    """How many images a dropped round asks about no more, and how many stay with it because their answers stand."""

    removed: int
    kept: int


def lock_candidates(tx: Transaction, round_id: RoundId) -> None:
    """Nobody answers or reserves an image of the round until the end of the transaction."""
    table = tables.candidate
    tx.execute(select(table.c.id).where(table.c.round_id == round_id).order_by(table.c.id).with_for_update()).all()


def reopen(tx: Transaction, round_: Round, hashes: Mapping[str, str], configuration: Mapping[str, Any]) -> Round:
    """Make a closed round OPEN; its evaluations and what its labels were worth go, as the next close makes them anew.

    Args:
        tx: the transaction, which holds the round's lock.
        round_: the round.
        hashes: as they were before it was closed.
        configuration: as it is from now on.
    """
    evaluation, slice_, of_slice = tables.evaluation, tables.slice_, tables.slice_evaluation
    number = round_.number
    tx.execute(
        delete(evaluation).where(evaluation.c.project_id == round_.project_id, evaluation.c.round_number == number)
    )
    mine = select(slice_.c.id).where(slice_.c.project_id == round_.project_id)
    tx.execute(delete(of_slice).where(of_slice.c.slice_id.in_(mine), of_slice.c.round_number == number))
    asked = select(tables.candidate.c.id).where(tables.candidate.c.round_id == round_.id)
    tx.execute(update(tables.reasons).where(tables.reasons.c.candidate_id.in_(asked)).values(realised=None))
    values = {"state": RoundState.OPEN, "closed_at": None, "labelled_at": None}
    return _change(tx, round_.id, values | {"hashes": dict(hashes), "configuration": dict(configuration)})


def drop(tx: Transaction, round_: Round, configuration: Mapping[str, Any], at: datetime) -> Dropped:
    """Remove the candidates without an answer that stands; without any left, the round goes, else it is CLOSED.

    Withdrawn answers to what is removed stay, of no round.
    """
    candidate, label = tables.candidate, tables.label
    gone = (candidate.c.round_id == round_.id, ~_stands())
    ids = select(candidate.c.id).where(*gone)
    tx.execute(update(label).where(label.c.candidate_id.in_(ids)).values(candidate_id=None, round_id=None))
    tx.execute(delete(candidate).where(*gone, ~is_queued(candidate)))
    removed = tx.execute(delete(candidate).where(*gone)).rowcount
    kept = tx.execute(select(func.count()).where(candidate.c.round_id == round_.id)).scalar_one()
    if kept:
        values = {"state": RoundState.CLOSED, "labelled_at": round_.labelled_at or at, "closed_at": at}
        _change(tx, round_.id, values | {"configuration": dict(configuration)})
    else:
        tx.execute(delete(tables.round_).where(tables.round_.c.id == round_.id))
    return Dropped(removed, kept)


def counts(tx: Transaction, round_id: RoundId) -> tuple[int, int]:
    """How many images the round asked about, and how many of them have an answer that stands."""
    table = tables.candidate
    rows = select(func.count(), func.count().filter(_stands())).where(table.c.round_id == round_id, is_asked(table))
    total, answered = tx.execute(rows).tuples().one()
    return total, answered


def certificate_of(tx: Transaction, project_id: ProjectId, number: int) -> int | None:
    """Id of the certificate that stands by the model after the round of that number."""
    table = tables.certificate
    mine = (table.c.project_id == project_id, table.c.round_number == number, table.c.withdrawn_at.is_(None))
    return tx.execute(select(table.c.id).where(*mine)).scalar_one_or_none()


def _stands() -> ColumnElement[bool]:
    label = tables.label
    return (
        select(label.c.id).where(label.c.candidate_id == tables.candidate.c.id, label.c.withdrawn_at.is_(None)).exists()
    )


def _change(tx: Transaction, round_id: RoundId, values: Mapping[str, Any]) -> Round:
    changed = update(tables.round_).where(tables.round_.c.id == round_id).values(values)
    return Round(**tx.execute(changed.returning(tables.round_)).mappings().one())
