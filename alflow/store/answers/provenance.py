"""The provenance of each answer of a project, for the export."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, select, true

from alflow.domain.answers import Verdict
from alflow.domain.rounds import Origin
from alflow.ids import ItemId, LabelId, ProjectId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import chunks, is_answer

_PAGE: Final = 1_000  # rows in memory at once


@dataclass(frozen=True)
class Provenance:
    """One answer with everything that led to it; `posterior` is the hash that the round was acquired with.

    `likewise` says that it follows the answer about a near copy.
    """

    item_id: ItemId
    uri: str
    content_hash: str
    class_name: str | None
    annotator: str
    at: datetime
    seconds: float
    round_number: int | None
    strategy: str | None
    origin: Origin | None
    rank: int | None
    score: float | None
    posterior: str | None
    verdict: Verdict
    withdrawn_at: datetime | None
    comment: str
    proposed_class: str
    likewise: bool


_FIELDS: Final = tuple(field.name for field in fields(Provenance))


@dataclass(frozen=True)
class Wanted:
    """Which answers a page is of; what is None does not matter."""

    item_id: ItemId | None = None
    annotator: str | None = None
    class_name: str | None = None
    verdict: Verdict | None = None
    withdrawn: bool | None = None


def page(
    tx: Transaction, project_id: ProjectId, wanted: Wanted, after: LabelId | None, limit: int
) -> list[tuple[LabelId, Provenance]]:
    """The first of the answers that are wanted, by id; the next page starts `after` the last id of this one."""
    label = tables.label
    which = (label.c.project_id == project_id) & (label.c.id > (after or 0))
    named = (
        (label.c.item_id, wanted.item_id),
        (tables.annotator.c.name, wanted.annotator),
        (tables.class_label.c.name, wanted.class_name),
        (label.c.verdict, wanted.verdict),
    )
    for column, value in named:
        which &= true() if value is None else column == value
    if wanted.withdrawn is not None:
        which &= label.c.withdrawn_at.is_not(None) if wanted.withdrawn else label.c.withdrawn_at.is_(None)
    rows = tx.execute(_answers(which).add_columns(label.c.id.label("label_id")).limit(limit)).mappings()
    return [(row["label_id"], Provenance(**{name: row[name] for name in _FIELDS})) for row in rows]


def of_project(tx: Transaction, project_id: ProjectId) -> Iterator[Provenance]:
    """Every answer of the project, withdrawn ones included, with what led to it; oldest first, a page at a time."""
    answers = _answers(tables.label.c.project_id == project_id)
    for row in tx.execute(answers, execution_options={"yield_per": _PAGE}).mappings():
        yield Provenance(**row)


def standing(tx: Transaction, item_ids: Sequence[ItemId]) -> list[Provenance]:
    """The answers about these items that were not withdrawn, with what led to them; oldest first."""
    label, found = tables.label, list[Provenance]()
    for chunk in chunks(item_ids):
        rows = _answers(label.c.item_id.in_(chunk) & label.c.withdrawn_at.is_(None))
        found += [Provenance(**row) for row in tx.execute(rows).mappings()]
    return found


def _answers(which: ColumnElement[bool]) -> Select[Any]:
    label, item, round_, candidate = tables.label, tables.item, tables.round_, tables.candidate
    return (
        select(
            label.c.item_id,
            item.c.uri,
            item.c.content_hash,
            tables.class_label.c.name.label("class_name"),
            tables.annotator.c.name.label("annotator"),
            label.c.at,
            label.c.seconds,
            round_.c.number.label("round_number"),
            round_.c.strategy,
            candidate.c.origin,
            candidate.c.rank,
            candidate.c.score,
            round_.c.hashes["posterior"].as_string().label("posterior"),
            label.c.verdict,
            label.c.withdrawn_at,
            label.c.comment,
            label.c.proposed_class,
            label.c.follows.is_not(None).label("likewise"),
        )
        .join(item, item.c.id == label.c.item_id)
        .join(tables.annotator, tables.annotator.c.id == label.c.annotator_id)
        .outerjoin(tables.class_label, tables.class_label.c.id == label.c.class_id)
        .outerjoin(round_, round_.c.id == label.c.round_id)
        .outerjoin(candidate, candidate.c.id == label.c.candidate_id)
        .where(which, is_answer(label))
        .order_by(label.c.id)
    )
