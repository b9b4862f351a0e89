"""What people set aside: a queue each for items that were skipped, unsure, of no class, or bad images.

An item is in the queue of a verdict while an answer with that verdict stands, no answer names a class, and no reviewer
has settled it, whatever the state of its round. It is shown to one person at a time, who may be the one that set it
aside. The first that were set aside come first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    LABEL_STYLE_TABLENAME_PLUS_COL,
    ColumnElement,
    ScalarSelect,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
)

from alflow.domain.answers import Label, Verdict
from alflow.domain.images import Item
from alflow.domain.rounds import Candidate
from alflow.ids import AnnotatorId, CandidateId, ItemId, ProjectId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rounds.candidates import candidate_of
from alflow.store.rows import is_answer, part

KINDS = (Verdict.SKIP, Verdict.UNSURE, Verdict.NONE, Verdict.BAD)


def counts(tx: Transaction, project_id: ProjectId) -> Mapping[Verdict, int]:
    """How many items are in each queue; zero where there are none."""
    label = tables.label
    rows = (
        select(label.c.verdict, func.count(label.c.candidate_id.distinct()))
        .where(label.c.project_id == project_id, label.c.verdict != Verdict.CLASS, label.c.withdrawn_at.is_(None))
        .where(~_named(label.c.candidate_id), ~_settled(label.c.item_id))
        .group_by(label.c.verdict)
    )
    return dict.fromkeys(KINDS, 0) | {Verdict(kind): n for kind, n in tx.execute(rows).tuples()}


@dataclass(frozen=True)
class Remark:
    """An answer with words, or one that says that something is wrong with the item or the classes."""

    item: Item
    annotator: str
    label: Label


def remarks(tx: Transaction, project_id: ProjectId, limit: int) -> list[Remark]:
    """Comments, proposed classes and flagged images, newest first; what was taken back is left out."""
    label, item, annotator = tables.label, tables.item, tables.annotator
    worth_reading = or_(label.c.verdict.in_([Verdict.NONE, Verdict.BAD]), label.c.comment != "")
    rows = (
        select(label, item, annotator.c.name.label("annotator_name"))
        .join(item, item.c.id == label.c.item_id)
        .join(annotator, annotator.c.id == label.c.annotator_id)
        .where(label.c.project_id == project_id, label.c.withdrawn_at.is_(None), worth_reading, is_answer(label))
        .order_by(label.c.id.desc())
        .limit(limit)
        .set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
    )
    return [
        Remark(Item(**part(row, item)), row["annotator_name"], Label(**part(row, label)))
        for row in tx.execute(rows).mappings()
    ]


def lease(
    tx: Transaction,
    project_id: ProjectId,
    annotator_id: AnnotatorId,
    kind: Verdict,
    count: int,
    until: datetime,
    now: datetime,
) -> list[tuple[Candidate, Item]]:
    """Reserve up to `count` items of that queue until then, in the order in which they were set aside.

    All else that this annotator holds of the queue is given back.

    The caller holds the annotator's lock (`annotators.lock`).
    """
    candidate, table = tables.candidate, tables.lease
    in_queue = _in_queue(project_id, kind)
    free = select(candidate.c.id).where(in_queue, ~_held_by_others(annotator_id, now)).order_by(_set_aside_by(kind))
    ids = list(tx.execute(free.limit(count).with_for_update(key_share=True, skip_locked=True)).scalars())
    mine = table.c.annotator_id == annotator_id
    tx.execute(delete(table).where(mine, table.c.candidate_id.in_(select(candidate.c.id).where(in_queue))))
    values = (candidate.c.id, literal(annotator_id), literal(until, table.c.until.type))
    still = select(*values).where(
        candidate.c.id.in_(ids), ~_held_by_others(annotator_id, now)
    )  # now that we hold the locks
    tx.execute(insert(table).from_select(["candidate_id", "annotator_id", "until"], still))
    return _held(tx, annotator_id, kind, ids)


def _held(
    tx: Transaction, annotator_id: AnnotatorId, kind: Verdict, ids: Sequence[CandidateId]
) -> list[tuple[Candidate, Item]]:
    candidate, item, table = tables.candidate, tables.item, tables.lease
    rows = (
        select(candidate, item)
        .join(table, table.c.candidate_id == candidate.c.id)
        .join(item, item.c.id == candidate.c.item_id)
        .where(candidate.c.id.in_(ids), table.c.annotator_id == annotator_id)
        .order_by(_set_aside_by(kind))
        .set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
    )
    return [(candidate_of(part(row, candidate)), Item(**part(row, item))) for row in tx.execute(rows).mappings()]


def _in_queue(project_id: ProjectId, kind: Verdict) -> ColumnElement[bool]:
    label = tables.label
    said = select(label.c.candidate_id).where(
        label.c.project_id == project_id, label.c.verdict == kind, label.c.withdrawn_at.is_(None)
    )
    candidate = tables.candidate
    return candidate.c.id.in_(said) & ~_named(candidate.c.id) & ~_settled(candidate.c.item_id)


def _named(candidate_id: ColumnElement[CandidateId]) -> ColumnElement[bool]:
    other = tables.label.alias("other")
    stands = (other.c.candidate_id == candidate_id, other.c.withdrawn_at.is_(None))
    return select(other.c.id).where(*stands, other.c.verdict == Verdict.CLASS).exists()


def _settled(item_id: ColumnElement[ItemId]) -> ColumnElement[bool]:
    table = tables.adjudication
    return select(table.c.id).where(table.c.item_id == item_id, table.c.withdrawn_at.is_(None)).exists()


def _held_by_others(annotator_id: AnnotatorId, now: datetime) -> ColumnElement[bool]:
    table = tables.lease
    living = (table.c.candidate_id == tables.candidate.c.id, table.c.until > now)
    return select(table.c.until).where(*living, table.c.annotator_id != annotator_id).exists()


def _set_aside_by(kind: Verdict) -> ScalarSelect[int]:
    """The newest answer that set it aside."""
    label = tables.label
    said = (label.c.candidate_id == tables.candidate.c.id, label.c.verdict == kind, label.c.withdrawn_at.is_(None))
    return select(func.max(label.c.id)).where(*said).scalar_subquery()
