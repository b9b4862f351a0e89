"""Deleting a project: every row that belongs to it, in whatever table, those first that refer to others.

Which rows those are is read from the tables: they name the project, or go with a row that belongs to it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Table, delete, func, select, tuple_, update

from alflow.domain.projects import ProjectState
from alflow.ids import ProjectId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import CHUNK, upsert

_ADMITS: Final = (tables.membership, tables.invitation)
_KNOWN: Final = {
    "answers with their history": tables.label,
    "rounds": tables.round_,
    "decisions of reviewers": tables.adjudication,
    "certificates": tables.certificate,
    "slices": tables.slice_,
    "back-tests": tables.backtest,
    "watched sources": tables.watch,
    "channels of messages": tables.channel,
    "roles of people": tables.membership,
}


@dataclass(frozen=True)
class Deletion:
    """A project that somebody deleted, and when."""

    id: ProjectId
    at: datetime


def begin(tx: Transaction, project_id: ProjectId, now: datetime) -> None:
    """From now on nobody finds the project, and nobody has a role in it."""
    table = tables.project
    tx.execute(update(table).where(table.c.id == project_id).values(state=ProjectState.DELETED))
    deletion = upsert(tx, tables.deleted_project).values(id=project_id, at=now)
    tx.execute(deletion.on_conflict_do_nothing(index_elements=["id"]))
    for admits in _ADMITS:
        tx.execute(delete(admits).where(admits.c.project_id == project_id))


def begun(tx: Transaction) -> list[Deletion]:
    """The projects of which something may be left, the oldest deletion first."""
    table = tables.deleted_project
    return [Deletion(**row) for row in tx.execute(select(table).order_by(table.c.at, table.c.id)).mappings()]


def begun_by_name(tx: Transaction, name: str) -> ProjectId | None:
    """The project of that name whose deletion has begun, while its row is there."""
    table = tables.project
    wanted = (table.c.name == name, table.c.state == ProjectState.DELETED)
    return tx.execute(select(table.c.id).where(*wanted)).scalar_one_or_none()


def is_there(tx: Transaction, project_id: ProjectId) -> bool:
    """Whether there is a row of the project still, whatever its state."""
    return tx.execute(select(tables.project.c.id).where(tables.project.c.id == project_id)).first() is not None


def lock(tx: Transaction, project_id: ProjectId) -> bool:
    """Whether the row of the project is there; then nobody else adds to it until the transaction ends."""
    rows = select(tables.project.c.id).where(tables.project.c.id == project_id).with_for_update()
    return tx.execute(rows).first() is not None


def posteriors(tx: Transaction, project_id: ProjectId) -> set[str]:
    """The posteriors that this project alone has used, now or for a round."""
    project, round_ = tables.project, tables.round_
    used = [(one, name) for one, name in tx.execute(select(project.c.id, project.c.posterior)).tuples()]
    rounds = tx.execute(select(round_.c.project_id, round_.c.hashes)).tuples()
    used += [(one, hashes.get("posterior")) for one, hashes in rounds]
    return {name for one, name in used if name and one == project_id} - {n for one, n in used if one != project_id}


def remove_some(tx: Transaction, project_id: ProjectId, place: int = 0, most: int = CHUNK) -> tuple[int, int]:
    """Remove rows of the project, so many at most; the row of the project itself stays.

    Args:
        tx: the transaction.
        project_id: whose rows.
        place: among the tables, where to begin.
        most: rows.

    Returns:
        How many are gone, and the place to go on.
    """
    left = most
    for here, (table, owned) in enumerate(_owned(project_id)[place:], start=place):
        keys = list(table.primary_key.columns)
        key = keys[0] if len(keys) == 1 else tuple_(*keys)
        which = select(*keys).where(owned).limit(left)
        if any(one.column.table is table for one in table.foreign_keys):
            which = which.order_by(*(one.desc() for one in keys))  # what refers to others of its table came after them
        left -= tx.execute(delete(table).where(key.in_(which))).rowcount
        place = here
        if not left:
            break
    return most - left, place


def remove_last(tx: Transaction, project_id: ProjectId) -> None:
    """Remove the row of a project to which no other belongs, and the history of its labels."""
    tx.execute(delete(tables.project).where(tables.project.c.id == project_id))
    tx.execute(delete(tables.label_history).where(tables.label_history.c.project_id == project_id))


def forget(tx: Transaction, project_id: ProjectId) -> None:
    """Nothing can be left of this project any more."""
    tx.execute(delete(tables.deleted_project).where(tables.deleted_project.c.id == project_id))


def counts(tx: Transaction, project_id: ProjectId) -> dict[str, int]:
    """How many rows of a kind that people know belong to the project; kinds without any are left out."""
    found = {
        what: tx.execute(select(func.count()).where(table.c.project_id == project_id)).scalar_one()
        for what, table in _KNOWN.items()
    }
    return {what: n for what, n in found.items() if n}


def _owned(project_id: ProjectId) -> list[tuple[Table, ColumnElement[bool]]]:
    every = ((table, _of_project(table, project_id)) for table in reversed(tables.metadata.sorted_tables))
    return [(table, owned) for table, owned in every if owned is not None]


def _of_project(table: Table, project_id: ProjectId) -> ColumnElement[bool] | None:
    """Which rows of a table belong to the project; None where none can."""
    if "project_id" in table.c and table.c.project_id.foreign_keys:
        return table.c.project_id == project_id
    # Of two ways to a project the one that does not lead over its images, which are many.
    for constraint in sorted(table.foreign_key_constraints, key=lambda one: one.referred_table is tables.item):
        key, *more = constraint.elements
        if more or key.ondelete != "CASCADE" or key.column.table is table:
            continue
        if (owned := _of_project(key.column.table, project_id)) is not None:
            return key.parent.in_(select(key.column).where(owned))
    return None
