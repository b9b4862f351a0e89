"""Rounds and their states."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from alflow.domain.messages import Event
from alflow.domain.rounds import Round, RoundState
from alflow.errors import ConflictError, NotFoundError
from alflow.ids import ProjectId, RoundId
from alflow.store import outbox, tables
from alflow.store.database import Transaction
from alflow.store.rows import is_queued, locked


def open_(
    tx: Transaction,
    project_id: ProjectId,
    *,
    strategy: str,
    budget: int,
    seed: int,
    configuration: Mapping[str, Any],
    hashes: Mapping[str, str],
) -> Round:
    """Open the project's next round, still without candidates; numbers count from 1.

    Raises:
        ConflictError: the last round is not closed yet.
    """
    newest = last(tx, project_id)
    row = {
        "project_id": project_id,
        "number": 1 if newest is None else newest.number + 1,
        "state": RoundState.OPEN,
        "strategy": strategy,
        "budget": budget,
        "seed": seed,
        "configuration": dict(configuration),
        "hashes": dict(hashes),
        "opened_at": datetime.now(UTC),
    }
    try:
        with tx.begin_nested():
            made = tx.execute(insert(tables.round_).values(row).returning(tables.round_)).mappings().one()
    except IntegrityError as error:  # the index of unclosed rounds; it also decides between two concurrent calls
        raise ConflictError("the project has a round that is not closed: close it before opening the next") from error
    return Round(**made)


def by_id(tx: Transaction, round_id: RoundId) -> Round:
    """The round of that id.

    Raises:
        NotFoundError: there is none.
    """
    return _one(tx, _by_id(), f"no round has the id {round_id}", {"wanted": round_id})


def by_number(tx: Transaction, project_id: ProjectId, number: int) -> Round:
    """The project's round of that number (the first is 1).

    Raises:
        NotFoundError: there is none.
    """
    table = tables.round_
    rows = select(table).where(table.c.project_id == project_id, table.c.number == number)
    return _one(tx, rows, f"the project has no round {number}")


def current(tx: Transaction, project_id: ProjectId) -> Round | None:
    """The round that is OPEN or LABELLED, if there is one."""
    found = tx.execute(_unclosed(), {"project": project_id}).mappings().one_or_none()
    return None if found is None else Round(**found)


def last(tx: Transaction, project_id: ProjectId) -> Round | None:
    """The newest round, whatever its state."""
    found = tx.execute(_newest(), {"project": project_id}).mappings().one_or_none()
    return None if found is None else Round(**found)


def all_(tx: Transaction, project_id: ProjectId) -> list[Round]:
    """The project's rounds by number."""
    table = tables.round_
    rows = tx.execute(select(table).where(table.c.project_id == project_id).order_by(table.c.number)).mappings()
    return [Round(**row) for row in rows]


def answered(tx: Transaction, round_id: RoundId) -> tuple[int, int]:
    """How many candidates of its queue have all their answers, and how many there are."""
    table = tables.candidate
    settled = func.count().filter(table.c.answers >= table.c.votes_needed)
    queued = (table.c.round_id == round_id, is_queued(table))
    done, total = tx.execute(select(settled, func.count()).where(*queued)).tuples().one()
    return done, total


def lock(tx: Transaction, round_id: RoundId) -> Round:
    """The round, which nobody else changes until the end of the transaction.

    Raises:
        NotFoundError: there is no such round.
    """
    return Round(**locked(tx, tables.round_, round_id, f"no round has the id {round_id}"))


def settle(tx: Transaction, round_: Round) -> Round:
    """After an answer: an OPEN round whose queue is answered becomes LABELLED, which is told.

    The caller holds the round's lock.

    In a LABELLED round `labelled_at` moves, so that nobody closes it on what was fitted before this answer. One that
    was reopened stays OPEN.
    """
    if round_.held:
        return round_
    if round_.state is RoundState.CLOSED or (round_.state is RoundState.OPEN and not _is_answered(tx, round_.id)):
        return round_
    if round_.state is RoundState.OPEN:
        tell(tx, round_, Event.QUEUE_EMPTY, f"All images of round {round_.number} are answered.")
    return _change(tx, round_.id, state=RoundState.LABELLED, labelled_at=datetime.now(UTC))


def unsettle(tx: Transaction, round_: Round) -> Round:
    """After an undo: a LABELLED round that misses an answer is OPEN again, or else its `labelled_at` moves.

    The caller holds the round's lock.
    """
    if round_.state is not RoundState.LABELLED:
        return round_
    if _is_answered(tx, round_.id):
        return _change(tx, round_.id, labelled_at=datetime.now(UTC))
    return _change(tx, round_.id, state=RoundState.OPEN, labelled_at=None)


def set_state(tx: Transaction, round_id: RoundId, state: RoundState, *, labelled_at: datetime | None = None) -> Round:
    """Move the round one step, OPEN -> LABELLED (by decision, its queue unanswered) -> CLOSED; idempotent.

    Args:
        tx: the transaction.
        round_id: the round.
        state: where to.
        labelled_at: for CLOSED: `Round.labelled_at` as it was when the answers were read; an answer or an undo since
            then changes it, and a round is not closed on what was fitted to other answers.

    Raises:
        NotFoundError: there is no such round.
        ConflictError: no step leads there, or answers came since `labelled_at`.
    """
    round_, now = lock(tx, round_id), datetime.now(UTC)
    if round_.state is state:
        return round_
    if labelled_at is not None and labelled_at != round_.labelled_at:
        raise ConflictError(f"answers of round {round_.number} changed in the meantime: close it once more")
    if (round_.state, state) == (RoundState.OPEN, RoundState.LABELLED):
        return _change(tx, round_id, state=state, labelled_at=now)
    if (round_.state, state) == (RoundState.LABELLED, RoundState.CLOSED):
        return _change(tx, round_id, state=state, closed_at=now)
    raise ConflictError(f"round {round_.number} is {round_.state}: it cannot become {state}")


def add_hashes(tx: Transaction, round_id: RoundId, hashes: Mapping[str, str]) -> Round:
    """Add hashes of what the round made (its fit, for example); existing names are replaced.

    Raises:
        NotFoundError: there is no such round.
    """
    return _change(tx, round_id, hashes={**lock(tx, round_id).hashes, **hashes})


def note_stop(tx: Transaction, round_: Round, why: str | None) -> Round:
    """Keep with a round why no other follows it, or that one does."""
    configuration = {name: value for name, value in round_.configuration.items() if name != "stopped"}
    return _change(tx, round_.id, configuration=configuration | ({"stopped": why} if why else {}))


def tell(tx: Transaction, round_: Round, event: Event, words: str) -> None:
    """Tell once what happens to a round."""
    outbox.tell(tx, round_.project_id, event, words, subject=round_.id, round_=round_.number)


def _one(tx: Transaction, rows: Select[Any], otherwise: str, which: Mapping[str, int] | None = None) -> Round:
    found = tx.execute(rows, which).mappings().one_or_none()
    if found is None:
        raise NotFoundError(otherwise)
    return Round(**found)


def _is_answered(tx: Transaction, round_id: RoundId) -> bool:
    return tx.execute(_unsettled(), {"round_id": round_id}).first() is None


@cache
def _unclosed() -> Select[Any]:
    table = tables.round_
    return select(table).where(table.c.project_id == bindparam("project"), table.c.state != RoundState.CLOSED)


@cache
def _newest() -> Select[Any]:
    table = tables.round_
    return select(table).where(table.c.project_id == bindparam("project")).order_by(table.c.number.desc()).limit(1)


@cache
def _by_id() -> Select[Any]:
    return select(tables.round_).where(tables.round_.c.id == bindparam("wanted"))


@cache
def _unsettled() -> Select[Any]:
    table = tables.candidate
    needy = (table.c.round_id == bindparam("round_id"), table.c.answers < table.c.votes_needed)
    return select(table.c.id).where(*needy, is_queued(table)).order_by(table.c.rank).limit(1)


def _change(tx: Transaction, round_id: RoundId, **values: Any) -> Round:
    changed = update(tables.round_).where(tables.round_.c.id == round_id).values(values)
    return Round(**tx.execute(changed.returning(tables.round_)).mappings().one())
