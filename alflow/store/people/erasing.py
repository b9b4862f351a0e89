"""Erasing what is known of a person: their answers stay, under a pseudonym.

`label_history` is not touched: it names people by their number only, and nobody may change it. What somebody wrote
(comments, notes, reasons) is treated separately: it may hold names, but belongs to the work.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, Table, and_, delete, func, or_, select, update

from alflow.ids import AnnotatorId, ProjectId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.people.people import login_of

TABLES: Final = (
    "annotator",
    "account",
    "membership",
    "api_token",
    "invitation",
    "session",
    "sign_in_limit",
    "presence",
    "lease",
    "own_desk",
)
"""Those that lose rows or values."""

REMARKS: Final = ("label", "adjudication", "candidate", "certificate")
"""Those that hold what people write."""


def pseudonym(tx: Transaction, annotator_id: AnnotatorId) -> str:
    """A unique name that identifies nobody."""
    table = tables.annotator
    others = tx.execute(select(table.c.name).where(table.c.id != annotator_id)).scalars()
    taken, name, number = {login_of(each) for each in others}, f"person-{annotator_id}", 1
    while name in taken:
        number += 1
        name = f"person-{annotator_id}-{number}"
    return name


def erase(tx: Transaction, annotator_id: AnnotatorId, name: str) -> int:
    """Delete the account and all else that admits the person, and rename the annotator; returns how many invitations.

    Deleted are invitations for the person's address, and unused ones that the person made.
    """
    account, invitation = tables.account, tables.invitation
    address = select(account.c.email).where(account.c.annotator_id == annotator_id).scalar_subquery()
    mine = or_(invitation.c.email == address, invitation.c.annotator_id == annotator_id)
    made = and_(invitation.c.invited_by == annotator_id, invitation.c.accepted_at.is_(None))
    gone = tx.execute(delete(invitation).where(or_(mine, made))).rowcount
    desk = (tables.lease, tables.presence, tables.own_desk)
    for table in (tables.session, *desk, tables.seen_hint, tables.membership, account):
        tx.execute(delete(table).where(table.c.annotator_id == annotator_id))
    tx.execute(update(tables.annotator).where(tables.annotator.c.id == annotator_id).values(name=name))
    return gone


def answers(tx: Transaction, annotator_id: AnnotatorId) -> int:
    """How many answers somebody gave, withdrawn ones included."""
    table = tables.label
    return tx.execute(select(func.count()).where(table.c.annotator_id == annotator_id)).scalar_one()


def answered_by(tx: Transaction, project_id: ProjectId) -> set[AnnotatorId]:
    """Who has answered in a project."""
    table = tables.label
    return set(tx.execute(select(table.c.annotator_id).where(table.c.project_id == project_id).distinct()).scalars())


def answered_in(tx: Transaction, annotator_id: AnnotatorId) -> list[ProjectId]:
    """The projects in which somebody has answered."""
    table = tables.label
    return list(tx.execute(select(table.c.project_id).where(table.c.annotator_id == annotator_id).distinct()).scalars())


def remarks(tx: Transaction, annotator_id: AnnotatorId) -> int:
    """How many comments, notes and reasons somebody wrote."""
    return sum(
        tx.execute(select(func.count()).select_from(table).where(written)).scalar_one()
        for table, written, _ in _remarks(annotator_id)
    )


def blank_remarks(tx: Transaction, annotator_id: AnnotatorId) -> None:
    """Empty what somebody wrote; of labels the history keeps what they said before."""
    for table, written, empty in _remarks(annotator_id):
        tx.execute(update(table).where(written).values(empty))


def _remarks(annotator_id: AnnotatorId) -> list[tuple[Table, ColumnElement[bool], dict[str, Any]]]:
    """Table, rows on which the person wrote something, and what stands there without it."""
    label, adjudication, candidate = tables.label, tables.adjudication, tables.candidate
    certificate = tables.certificate
    return [
        (label, and_(label.c.annotator_id == annotator_id, label.c.comment != ""), {"comment": ""}),
        (label, and_(label.c.withdrawn_by == annotator_id, label.c.withdrawn_why != ""), {"withdrawn_why": ""}),
        (adjudication, and_(adjudication.c.annotator_id == annotator_id, adjudication.c.note != ""), {"note": ""}),
        (candidate, and_(candidate.c.chosen_by == annotator_id, candidate.c.reason != ""), {"reason": ""}),
        (
            certificate,
            and_(certificate.c.withdrawn_by == annotator_id, certificate.c.withdrawn_why != ""),
            {"withdrawn_why": ""},
        ),
    ]
