"""Answers and who gave them. The leases are in `store.queue`.

Who writes locks in one order: annotator, candidate, round. The annotator's lock makes the tabs of one person take
turns; the candidate's keeps its count of answers and its leases in step; the round's lets exactly one answer be the
last. On SQLite the whole transaction is that lock.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, ColumnElement, case, delete, func, insert, select, update

from alflow.agreement import majority
from alflow.domain import Annotator, Candidate, Item, Label, Origin, Verdict
from alflow.errors import NotFoundError
from alflow.store import adjudications, tables
from alflow.store.database import Transaction
from alflow.store.rounds import candidate_of
from alflow.store.rows import part, upsert

_AGAINST = {Verdict.NONE.value: -1, Verdict.BAD.value: -2}  # votes for no class at all


@dataclass(frozen=True)
class NewLabel:
    """An answer before it is stored; the fields are those of `alflow.domain.Label`."""

    project_id: int
    item_id: int
    candidate_id: int | None
    round_id: int | None
    annotator_id: int
    verdict: Verdict
    class_id: int | None
    at: datetime
    seconds: float
    token: str
    shown: Mapping[str, Any]
    comment: str = ""
    proposed_class: str = ""


@dataclass(frozen=True)
class Provenance:
    """One answer with everything that led to it; `posterior` is the hash that the round was acquired with."""

    item_id: int
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


def get_or_create(tx: Transaction, name: str) -> Annotator:
    """The annotator of that name, made when new."""
    tx.execute(upsert(tx, tables.annotator).values(name=name).on_conflict_do_nothing(index_elements=["name"]))
    return Annotator(**tx.execute(select(tables.annotator).where(tables.annotator.c.name == name)).mappings().one())


def annotators(tx: Transaction) -> list[Annotator]:
    """Everyone who ever signed in, by name."""
    return [
        Annotator(**row) for row in tx.execute(select(tables.annotator).order_by(tables.annotator.c.name)).mappings()
    ]


def lock_annotator(tx: Transaction, annotator_id: int) -> Annotator:
    """Let one person's requests take turns until the end of the transaction.

    Raises:
        NotFoundError: there is no such annotator.
    """
    rows = select(tables.annotator).where(tables.annotator.c.id == annotator_id).with_for_update(key_share=True)
    found = tx.execute(rows).mappings().one_or_none()
    if found is None:
        raise NotFoundError(f"no annotator has the id {annotator_id}: sign in again")
    return Annotator(**found)


def lock_candidate(tx: Transaction, candidate_id: int) -> Candidate:
    """Hold a candidate's answers and leases still until the end of the transaction.

    Raises:
        NotFoundError: there is no such candidate.
    """
    table = tables.candidate
    rows = select(table).where(table.c.id == candidate_id).with_for_update(key_share=True)
    found = tx.execute(rows).mappings().one_or_none()
    if found is None:
        raise NotFoundError(f"no candidate has the id {candidate_id}: reload the page")
    return candidate_of(found)


def by_token(tx: Transaction, token: str) -> Label | None:
    """The answer that carried this token, withdrawn or not."""
    found = tx.execute(select(tables.label).where(tables.label.c.token == token)).mappings().one_or_none()
    return None if found is None else Label(**found)


def by_id(tx: Transaction, label_id: int) -> Label:
    """The answer of that id, withdrawn or not.

    Raises:
        NotFoundError: there is none.
    """
    found = tx.execute(select(tables.label).where(tables.label.c.id == label_id)).mappings().one_or_none()
    if found is None:
        raise NotFoundError(f"no label has the id {label_id}: see `alflow labels history`")
    return Label(**found)


def submit(tx: Transaction, new: NewLabel) -> Label:
    """Store an answer in place of this annotator's earlier one about the candidate, and give the lease back.

    The earlier answer stays, withdrawn at the moment of the new one. The caller holds the candidate's lock.
    """
    label, lease = tables.label, tables.lease
    mine = (label.c.candidate_id == new.candidate_id, label.c.annotator_id == new.annotator_id)
    replaced = {"withdrawn_at": new.at, "withdrawn_by": new.annotator_id}
    tx.execute(update(label).where(*mine, label.c.withdrawn_at.is_(None)).values(replaced))
    row = asdict(new) | {"shown": dict(new.shown)}
    made = Label(**tx.execute(insert(label).values(row).returning(label)).mappings().one())
    if new.candidate_id is not None:
        held = (lease.c.candidate_id == new.candidate_id, lease.c.annotator_id == new.annotator_id)
        tx.execute(delete(lease).where(*held))
        _count_answers(tx, new.candidate_id)
    return made


def withdraw(tx: Transaction, label_id: int, at: datetime, by: int | None = None, why: str | None = None) -> Label:
    """Take an answer back; it stays, marked with who did it (by default who gave it) and why.

    The caller holds the candidate's lock.
    """
    who = tables.label.c.annotator_id if by is None else by
    mark = {"withdrawn_at": at, "withdrawn_by": who, "withdrawn_why": why}
    changed = update(tables.label).where(tables.label.c.id == label_id).values(mark)
    label = Label(**tx.execute(changed.returning(tables.label)).mappings().one())
    if label.candidate_id is not None:
        _count_answers(tx, label.candidate_id)
    return label


def of_round(tx: Transaction, round_id: int, *, withdrawn: bool = False) -> list[Label]:
    """The round's answers, oldest first; with the withdrawn ones if asked."""
    return _labels(tx, tables.label.c.round_id == round_id, withdrawn=withdrawn)


def of_project(tx: Transaction, project_id: int, *, withdrawn: bool = False) -> list[Label]:
    """The project's answers, oldest first; with the withdrawn ones if asked."""
    return _labels(tx, tables.label.c.project_id == project_id, withdrawn=withdrawn)


def of_item(tx: Transaction, item_id: int, *, withdrawn: bool = False) -> list[Label]:
    """The answers about an item, oldest first; with the withdrawn ones if asked."""
    return _labels(tx, tables.label.c.item_id == item_id, withdrawn=withdrawn)


def count_of(tx: Transaction, round_id: int, annotator_id: int) -> int:
    """How many standing answers an annotator gave in a round."""
    label = tables.label
    mine = (label.c.round_id == round_id, label.c.annotator_id == annotator_id, label.c.withdrawn_at.is_(None))
    return tx.execute(select(func.count()).where(*mine)).scalar_one()


def last_of(
    tx: Transaction, project_id: int, annotator_id: int, count: int
) -> list[tuple[Label, Item, datetime | None]]:
    """An annotator's last answers that stand, newest first, each with its item and when its round was closed."""
    label, item, round_ = tables.label, tables.item, tables.round_
    rows = (
        select(label, item, round_.c.closed_at.label("round_closed_at"))
        .join(item, item.c.id == label.c.item_id)
        .outerjoin(round_, round_.c.id == label.c.round_id)
        .where(label.c.project_id == project_id, label.c.annotator_id == annotator_id, label.c.withdrawn_at.is_(None))
        .order_by(label.c.id.desc())
        .limit(count)
        .set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
    )
    return [
        (Label(**part(row, label)), Item(**part(row, item)), row["round_closed_at"])
        for row in tx.execute(rows).mappings()
    ]


def settled(tx: Transaction, project_id: int) -> dict[int, int]:
    """Item id -> its class: what a reviewer settled, else what most of its answers name once it has all it needs.

    That no class fits and that the image is bad are votes too; skips and unsure answers are none. An item without a
    majority for a class has no settled label, nor has one that a reviewer left without.
    """
    label, candidate = tables.label, tables.candidate
    votes = (
        select(label.c.item_id, func.coalesce(label.c.class_id, case(_AGAINST, value=label.c.verdict)))
        .outerjoin(candidate, candidate.c.id == label.c.candidate_id)
        .where(
            label.c.project_id == project_id,
            label.c.withdrawn_at.is_(None),
            label.c.verdict.not_in([Verdict.SKIP, Verdict.UNSURE]),
            candidate.c.id.is_(None) | (candidate.c.answers >= candidate.c.votes_needed),
        )
        .order_by(label.c.item_id)
    )
    per_item: defaultdict[int, list[int]] = defaultdict(list)
    for item_id, vote in tx.execute(votes).tuples():
        per_item[item_id].append(vote)
    found = {item_id: majority(given) for item_id, given in per_item.items()}
    found |= {item_id: one.class_id for item_id, one in adjudications.standing(tx, project_id).items()}
    return {item_id: winner for item_id, winner in found.items() if winner is not None and winner > 0}


def provenance(tx: Transaction, project_id: int) -> list[Provenance]:
    """Every answer of the project, withdrawn ones included, with what led to it; oldest first."""
    label, item, round_, candidate = tables.label, tables.item, tables.round_, tables.candidate
    rows = (
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
        )
        .join(item, item.c.id == label.c.item_id)
        .join(tables.annotator, tables.annotator.c.id == label.c.annotator_id)
        .outerjoin(tables.class_label, tables.class_label.c.id == label.c.class_id)
        .outerjoin(round_, round_.c.id == label.c.round_id)
        .outerjoin(candidate, candidate.c.id == label.c.candidate_id)
        .where(label.c.project_id == project_id)
        .order_by(label.c.id)
    )
    return [Provenance(**row) for row in tx.execute(rows).mappings()]


def _count_answers(tx: Transaction, candidate_id: int) -> None:
    """How many stand; as many as are needed, at least, once somebody flagged the image as bad."""
    label, table = tables.label, tables.candidate
    stand = (label.c.candidate_id == candidate_id, label.c.withdrawn_at.is_(None))
    given = select(func.count()).where(*stand).scalar_subquery()
    bad = select(label.c.id).where(*stand, label.c.verdict == Verdict.BAD).exists()
    answers = case((bad & (given < table.c.votes_needed), table.c.votes_needed), else_=given)
    tx.execute(update(table).where(table.c.id == candidate_id).values(answers=answers))


def _labels(tx: Transaction, where: ColumnElement[bool], *, withdrawn: bool) -> list[Label]:
    rows = select(tables.label).where(where).order_by(tables.label.c.id)
    if not withdrawn:
        rows = rows.where(tables.label.c.withdrawn_at.is_(None))
    return [Label(**row) for row in tx.execute(rows).mappings()]
