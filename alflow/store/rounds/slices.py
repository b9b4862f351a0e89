"""Slices of a project: which images are in each, and the metrics of each round's model on it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from sqlalchemy import Select, delete, func, insert, select, union_all
from sqlalchemy.exc import IntegrityError

from alflow.domain.rounds import Slice, SliceEvaluation
from alflow.errors import ConflictError, NotFoundError
from alflow.ids import AnnotatorId, ItemId, ProjectId, SliceId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import chunks, upsert


def add(tx: Transaction, project_id: ProjectId, by: AnnotatorId, name: str, item_ids: Sequence[ItemId]) -> Slice:
    """A new slice of these images, once each.

    Raises:
        ConflictError: the project has a slice of that name.
    """
    row = {"project_id": project_id, "name": name, "made_by": by, "made_at": datetime.now(UTC)}
    try:
        with tx.begin_nested():
            made = tx.execute(insert(tables.slice_).values(row).returning(tables.slice_)).mappings().one()
    except IntegrityError as error:
        raise ConflictError(f"there is already a slice called {name!r}: choose another name") from error
    for chunk in chunks(item_ids):
        tx.execute(insert(tables.slice_item), [{"slice_id": made["id"], "item_id": item_id} for item_id in chunk])
    return Slice(**made)


def find(tx: Transaction, project_id: ProjectId, name: str) -> Slice:
    """The project's slice of that name.

    Raises:
        NotFoundError: there is none; the message lists those that exist.
    """
    every = list_(tx, project_id)
    found = next((one for one in every if one.name == name), None)
    if found is None:
        names = ", ".join(repr(one.name) for one in every)
        raise NotFoundError(f"there is no slice {name!r}: {f'choose one of {names}' if names else 'there is none yet'}")
    return found


def remove(tx: Transaction, slice_id: SliceId) -> None:
    """Delete a slice and its evaluations; the images stay."""
    tx.execute(delete(tables.slice_).where(tables.slice_.c.id == slice_id))


def list_(tx: Transaction, project_id: ProjectId) -> list[Slice]:
    """The project's slices, by name."""
    table = tables.slice_
    rows = select(table).where(table.c.project_id == project_id).order_by(table.c.name)
    return [Slice(**row) for row in tx.execute(rows).mappings()]


def item_ids(tx: Transaction, project_id: ProjectId) -> dict[SliceId, list[ItemId]]:
    """The images of each slice of the project, by id."""
    table, item = tables.slice_, tables.slice_item
    rows = select(item.c.slice_id, item.c.item_id).join(table, table.c.id == item.c.slice_id)
    rows = rows.where(table.c.project_id == project_id).order_by(item.c.slice_id, item.c.item_id)
    found: dict[SliceId, list[ItemId]] = {one.id: [] for one in list_(tx, project_id)}
    for slice_id, item_id in tx.execute(rows).tuples():
        found[SliceId(slice_id)].append(ItemId(item_id))
    return found


def counts(tx: Transaction, project_id: ProjectId) -> dict[SliceId, int]:
    """How many images each slice has; one without any is left out."""
    table, item = tables.slice_, tables.slice_item
    rows = select(item.c.slice_id, func.count()).join(table, table.c.id == item.c.slice_id)
    rows = rows.where(table.c.project_id == project_id).group_by(item.c.slice_id)
    return {SliceId(slice_id): count for slice_id, count in tx.execute(rows).tuples()}


def evaluations(tx: Transaction, project_id: ProjectId) -> list[SliceEvaluation]:
    """Of every slice of the project, by slice and round."""
    table, made = tables.slice_, tables.slice_evaluation
    rows = select(made).join(table, table.c.id == made.c.slice_id).where(table.c.project_id == project_id)
    rows = rows.order_by(made.c.slice_id, made.c.round_number)
    return [
        SliceEvaluation(**{**row, "metrics": {name: tuple(three) for name, three in row["metrics"].items()}})
        for row in tx.execute(rows).mappings()
    ]


def keep(tx: Transaction, evaluation: SliceEvaluation) -> None:
    """Store an evaluation in place of an earlier one of the same slice and round; without a slice there is none."""
    if tx.execute(select(tables.slice_.c.id).where(tables.slice_.c.id == evaluation.slice_id)).first() is None:
        return
    row = asdict(evaluation) | {"metrics": _finite(evaluation.metrics)}
    keys = ["slice_id", "round_number"]
    statement = upsert(tx, tables.slice_evaluation).values(row)
    newer = {name: value for name, value in row.items() if name not in keys}
    tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=newer))


def first_heard(tx: Transaction, project_id: ProjectId) -> dict[ItemId, datetime]:
    """When the project first had an answer or a decision about an image, by the clock of whoever stored it.

    An answer that was brought from elsewhere has a time of its own, which says nothing of when it came. So the times
    are those of the history, which triggers write.
    """
    past, decided = tables.label_history, tables.adjudication
    heard: Select[tuple[int, datetime]] = select(past.c.item_id, past.c.at).where(past.c.project_id == project_id)
    settled: Select[tuple[int, datetime]] = select(decided.c.item_id, decided.c.at).where(
        decided.c.project_id == project_id
    )
    both = union_all(heard, settled).subquery()
    rows = select(both.c.item_id, func.min(both.c.at)).group_by(both.c.item_id)
    return {ItemId(item_id): at for item_id, at in tx.execute(rows).tuples()}


def _finite(metrics: Mapping[str, tuple[float, float, float]]) -> dict[str, list[float]]:
    """JSON has no word for NaN: a metric that does not exist is left out."""
    return {name: list(three) for name, three in metrics.items() if all(map(math.isfinite, three))}
