"""Answers and who gave them. The leases are in `alflow.store.desk.queue`.

Every writer takes locks in one order: annotator, candidate, round. The annotator's lock makes the tabs of one person
wait for each other. The candidate's lock keeps its count of answers consistent with its leases. The round's lock makes
sure that exactly one answer is the last. On SQLite the whole transaction is that lock.

The statements of every answer are built once (`@cache`), here and in the files beside this one: to build a statement
takes several times as long as to run it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    LABEL_STYLE_TABLENAME_PLUS_COL,
    ColumnElement,
    Delete,
    Select,
    Table,
    Update,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from alflow.domain.answers import Label, Verdict
from alflow.domain.images import Item
from alflow.domain.messages import Event
from alflow.domain.rounds import Candidate
from alflow.errors import NotFoundError
from alflow.ids import AnnotatorId, CandidateId, ClassId, ItemId, LabelId, ProjectId, RoundId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rounds import rounds
from alflow.store.rounds.candidates import candidate_of
from alflow.store.rows import is_answer, locked, part

FURTHER: Final = ":"
"""What the tokens hold of all answers but the first that follow one answer; no browser's token of those has it."""


@dataclass(frozen=True)
class NewLabel:
    """An answer before it is stored; the fields are those of `alflow.domain.answers.Label`."""

    project_id: ProjectId
    item_id: ItemId
    candidate_id: CandidateId | None
    round_id: RoundId | None
    annotator_id: AnnotatorId
    verdict: Verdict
    class_id: ClassId | None
    at: datetime
    seconds: float
    token: str
    shown: Mapping[str, Any]
    comment: str = ""
    proposed_class: str = ""
    follows: LabelId | None = None


def lock_candidate(tx: Transaction, candidate_id: CandidateId) -> Candidate:
    """Lock a candidate's answers and leases until the end of the transaction.

    Raises:
        NotFoundError: there is no such candidate.
    """
    return candidate_of(locked(tx, tables.candidate, candidate_id, _missing(candidate_id)))


def lock_candidates(tx: Transaction, candidate_ids: Collection[CandidateId]) -> list[Candidate]:
    """The same for several, by id: everybody locks them in this order.

    Raises:
        NotFoundError: one of them does not exist.
    """
    table = tables.candidate
    rows = select(table).where(table.c.id.in_(candidate_ids)).order_by(table.c.id).with_for_update(key_share=True)
    held = [candidate_of(row) for row in tx.execute(rows).mappings()]
    if missing := set(candidate_ids) - {one.id for one in held}:
        raise NotFoundError(_missing(min(missing)))
    return held


def by_token(tx: Transaction, token: str) -> Label | None:
    """The answer that carried this token, withdrawn or not."""
    row = tx.execute(_of_token(), {"sent": token}).mappings().one_or_none()
    return None if row is None else Label(**row)


def of_tokens(tx: Transaction, tokens: Sequence[str]) -> list[Label]:
    """The standing answers that carried one of these tokens, oldest first."""
    return _labels(tx, tables.label.c.token.in_(tokens), withdrawn=False)


def by_id(tx: Transaction, label_id: LabelId) -> Label:
    """The answer of that id, withdrawn or not.

    Raises:
        NotFoundError: there is none.
    """
    row = tx.execute(select(tables.label).where(tables.label.c.id == label_id)).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"no label has the id {label_id}: see `alflow labels history`")
    return Label(**row)


def submit(tx: Transaction, new: NewLabel) -> Label:
    """Store an answer in place of this annotator's earlier one about the candidate, and give the lease back.

    The earlier answer stays, withdrawn at the moment of the new one, with what followed it. That votes differ is told.
    The caller holds the candidate's lock.
    """
    mine = {"candidate": new.candidate_id, "annotator": new.annotator_id}
    replaced = list(tx.execute(_replace(), {**mine, "now": new.at}).scalars())
    if replaced:
        withdraw_followers(tx, replaced, new.at, by=new.annotator_id)
    made = Label(**tx.execute(_add(), vars(new) | {"shown": dict(new.shown)}).mappings().one())
    if new.candidate_id is not None:
        tx.execute(_give_back(), mine)
        answers = tx.execute(_count_answers(), {"candidate": new.candidate_id}).scalar_one()
        if answers > 1 and new.round_id is not None and _is_disputed(tx, new.item_id):
            round_ = rounds.by_id(tx, new.round_id)
            rounds.tell(tx, round_, Event.DISPUTE, f"Votes about an image of round {round_.number} differ.")
    return made


def withdraw(
    tx: Transaction, label_id: LabelId, at: datetime, *, by: AnnotatorId | None = None, why: str | None = None
) -> Label:
    """Withdraw an answer and what follows it; they stay, marked with who did it (by default who gave them) and why.

    The caller holds the candidate's lock.
    """
    who = tables.label.c.annotator_id if by is None else by
    mark = {"withdrawn_at": at, "withdrawn_by": who, "withdrawn_why": why}
    changed = update(tables.label).where(tables.label.c.id == label_id).values(mark)
    label = Label(**tx.execute(changed.returning(tables.label)).mappings().one())
    if label.follows is None:
        withdraw_followers(tx, [label_id], at, by=label.annotator_id if by is None else by, why=why)
    if label.candidate_id is not None:
        tx.execute(_count_answers(), {"candidate": label.candidate_id})
    return label


def withdraw_followers(
    tx: Transaction, label_ids: Sequence[LabelId], at: datetime, *, by: AnnotatorId, why: str | None = None
) -> None:
    """Withdraw what follows these answers."""
    tx.execute(_withdraw_followers(), {"followed": label_ids, "now": at, "by": by, "why": why})


def of_round(tx: Transaction, round_id: RoundId, *, withdrawn: bool = False) -> list[Label]:
    """The round's answers, oldest first; with the withdrawn ones if asked."""
    return _labels(tx, tables.label.c.round_id == round_id, withdrawn=withdrawn)


def of_project(tx: Transaction, project_id: ProjectId, *, withdrawn: bool = False) -> list[Label]:
    """The project's answers, oldest first; if asked all rows, with withdrawn ones and what was sent to reviewers."""
    mine = tables.label.c.project_id == project_id
    return _labels(tx, mine if withdrawn else mine & is_answer(tables.label), withdrawn=withdrawn)


def of_item(tx: Transaction, item_id: ItemId, *, withdrawn: bool = False) -> list[Label]:
    """The answers about an item, oldest first; with the withdrawn ones if asked."""
    return _labels(tx, tables.label.c.item_id == item_id, withdrawn=withdrawn)


def last_of(
    tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId, count: int
) -> list[tuple[Label, Item, datetime | None]]:
    """An annotator's last answers that stand, newest first, each with its item and `Round.learned_until`.

    Of those that follow one answer, the first stands for all.
    """
    label, item, round_ = tables.label, tables.item, tables.round_
    one_for_all = label.c.follows.is_(None) | ~label.c.token.contains(FURTHER)
    closed = round_.c.closed_at.is_not(None)
    rows = (
        select(label, item, case((closed, func.coalesce(round_.c.labelled_at, round_.c.closed_at))).label("learned"))
        .join(item, item.c.id == label.c.item_id)
        .outerjoin(round_, round_.c.id == label.c.round_id)
        .where(label.c.project_id == project_id, label.c.annotator_id == annotator_id, label.c.withdrawn_at.is_(None))
        .where(one_for_all)
        .order_by(label.c.id.desc())
        .limit(count)
        .set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
    )
    return [(Label(**part(row, label)), Item(**part(row, item)), row["learned"]) for row in tx.execute(rows).mappings()]


def _missing(candidate_id: CandidateId) -> str:
    return f"no candidate has the id {candidate_id}, its round may have been dropped: go on with the next image"


@cache
def _of_token() -> Select[Any]:
    return select(tables.label).where(tables.label.c.token == bindparam("sent"))


@cache
def _replace() -> ReturningUpdate[Any]:
    label = tables.label
    earlier = update(label).where(*_mine(label), label.c.withdrawn_at.is_(None))
    earlier = earlier.values(withdrawn_at=bindparam("now"), withdrawn_by=bindparam("annotator"))
    return earlier.returning(label.c.id)


@cache
def _withdraw_followers() -> Update:
    label = tables.label
    theirs = label.c.follows.in_(bindparam("followed", expanding=True))
    mark = {"withdrawn_at": "now", "withdrawn_by": "by", "withdrawn_why": "why"}
    values = {column: bindparam(name, type_=label.c[column].type) for column, name in mark.items()}
    return update(label).where(theirs, label.c.withdrawn_at.is_(None)).values(values)


@cache
def _add() -> ReturningInsert[Any]:
    return insert(tables.label).returning(tables.label)


@cache
def _give_back() -> Delete:
    return delete(tables.lease).where(*_mine(tables.lease))


def _mine(table: Table) -> tuple[ColumnElement[bool], ...]:
    return table.c.candidate_id == bindparam("candidate"), table.c.annotator_id == bindparam("annotator")


@cache
def _count_answers() -> ReturningUpdate[Any]:
    """The number of standing answers; at least the number needed once somebody flagged the image as bad."""
    label, table = tables.label, tables.candidate
    stand = (label.c.candidate_id == bindparam("candidate"), label.c.withdrawn_at.is_(None))
    given = select(func.count()).where(*stand).scalar_subquery()
    bad = select(label.c.id).where(*stand, label.c.verdict == Verdict.BAD).exists()
    answers = case((bad & (given < table.c.votes_needed), table.c.votes_needed), else_=given)
    counted = update(table).where(table.c.id == bindparam("candidate")).values(answers=answers)
    return counted.returning(table.c.answers)


def _is_disputed(tx: Transaction, item_id: ItemId) -> bool:
    """Whether votes about an item differ, and no decision of a reviewer stands (see `answers.adjudicate`)."""
    return len(tx.execute(_different_votes(), {"item": item_id}).all()) > 1


@cache
def _different_votes() -> Select[Any]:
    label, decision = tables.label, tables.adjudication
    decided = select(decision.c.id).where(decision.c.item_id == bindparam("item"), decision.c.withdrawn_at.is_(None))
    votes = label.c.verdict.not_in([verdict for verdict in Verdict if verdict.abstains])
    stand = (label.c.item_id == bindparam("item"), label.c.withdrawn_at.is_(None), votes, ~decided.exists())
    return select(label.c.class_id, label.c.verdict).where(*stand).distinct().limit(2)


def _labels(tx: Transaction, where: ColumnElement[bool], *, withdrawn: bool) -> list[Label]:
    rows = select(tables.label).where(where).order_by(tables.label.c.id)
    if not withdrawn:
        rows = rows.where(tables.label.c.withdrawn_at.is_(None))
    return [Label(**row) for row in tx.execute(rows).mappings()]
