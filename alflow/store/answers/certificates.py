"""Rows of certificates and of what was accepted with them. Nothing is overwritten: a withdrawn one stays."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, exists, insert, select, true, update

from alflow.domain.certificates import Accepted, Certificate, Part
from alflow.errors import ConflictError, NotFoundError
from alflow.ids import AnnotatorId, CertificateId, ClassId, ItemId, ProjectId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import chunks


@dataclass(frozen=True)
class NewCertificate:
    """A certificate before it is stored; the fields are those of `alflow.domain.certificates.Certificate`."""

    project_id: ProjectId
    round_number: int
    model: str
    bound: float
    delta: float
    per_class: bool
    parts: tuple[Part, ...]
    n_slice: int
    n_left: int
    n_accepted: int
    drift: float
    annotator_id: AnnotatorId
    at: datetime


def add(tx: Transaction, new: NewCertificate, labels: Mapping[ItemId, tuple[ClassId, float]]) -> Certificate:
    """Store a certificate and what is accepted with it: item -> class and probability. None other may stand."""
    row = asdict(new) | {"parts": [asdict(part) for part in new.parts]}
    made = _certificate(
        tx.execute(insert(tables.certificate).values(row).returning(tables.certificate)).mappings().one()
    )
    rows = [
        {"certificate_id": made.id, "item_id": item, "class_id": class_id, "probability": probability}
        for item, (class_id, probability) in labels.items()
    ]
    for chunk in chunks(rows):
        tx.execute(insert(tables.accepted), list(chunk))
    return made


def standing(tx: Transaction, project_id: ProjectId) -> Certificate | None:
    """The project's certificate that stands."""
    table = tables.certificate
    found = tx.execute(select(table).where(table.c.project_id == project_id, table.c.withdrawn_at.is_(None))).mappings()
    row = found.one_or_none()
    return None if row is None else _certificate(row)


def all_(tx: Transaction, project_id: ProjectId) -> list[Certificate]:
    """The project's certificates, newest first."""
    table = tables.certificate
    rows = select(table).where(table.c.project_id == project_id).order_by(table.c.id.desc())
    return [_certificate(row) for row in tx.execute(rows).mappings()]


def withdraw(tx: Transaction, by: AnnotatorId, certificate: Certificate, why: str, at: datetime) -> Certificate:
    """Withdraw one, and with it everything that was accepted.

    Raises:
        ConflictError: it is withdrawn already.
        NotFoundError: it is gone.
    """
    table = tables.certificate
    mine = (table.c.id == certificate.id, table.c.project_id == certificate.project_id)
    values = {"withdrawn_at": at, "withdrawn_by": by, "withdrawn_why": why}
    changed = update(table).where(*mine, table.c.withdrawn_at.is_(None)).values(values).returning(table)
    row = tx.execute(changed).mappings().one_or_none()
    if row is not None:
        return _certificate(row)
    if tx.execute(select(table.c.id).where(*mine)).first() is None:
        raise NotFoundError(f"the project has no certificate {certificate.id}")
    raise ConflictError(f"certificate {certificate.id} is withdrawn already")


def labels_of(
    tx: Transaction, certificate_id: CertificateId, item_ids: Sequence[ItemId] | None = None
) -> dict[ItemId, Accepted]:
    """Everything that was accepted with a certificate, whatever became of it; of these items, or all."""
    mine = tables.accepted.c.certificate_id == certificate_id
    if item_ids is None:
        return _accepted(tx, mine)
    found: dict[ItemId, Accepted] = {}
    for chunk in chunks(item_ids):
        found |= _accepted(tx, mine & tables.accepted.c.item_id.in_(chunk))
    return found


def accepted(
    tx: Transaction, project_id: ProjectId, item_ids: Sequence[ItemId] | None = None
) -> dict[ItemId, Accepted]:
    """What stands by the model's word alone: no person has answered or decided about these items.

    With `item_ids`, a few thousand at most, of these only.
    """
    table, certificate = tables.accepted, tables.certificate
    label, decision = tables.label, tables.adjudication
    answered = exists().where(label.c.item_id == table.c.item_id, label.c.withdrawn_at.is_(None))
    decided = exists().where(decision.c.item_id == table.c.item_id, decision.c.withdrawn_at.is_(None))
    newest = select(certificate.c.id).where(
        certificate.c.project_id == project_id, certificate.c.withdrawn_at.is_(None)
    )
    wanted = true() if item_ids is None else table.c.item_id.in_(item_ids)
    return _accepted(tx, table.c.certificate_id.in_(newest) & wanted & ~answered & ~decided)


def _accepted(tx: Transaction, which: ColumnElement[bool]) -> dict[ItemId, Accepted]:
    table = tables.accepted
    columns = (table.c.item_id, table.c.certificate_id, table.c.class_id, table.c.probability)
    rows = tx.execute(select(*columns).where(which).order_by(table.c.item_id)).tuples()
    return {item_id: Accepted(*rest) for item_id, *rest in rows}


def _certificate(row: RowMapping) -> Certificate:
    return Certificate(**{**row, "parts": tuple(Part(**part) for part in row["parts"])})
