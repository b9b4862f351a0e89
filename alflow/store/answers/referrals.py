"""Labels that were sent to the reviewers, with who sent them and why.

A referral is an answer that abstains, UNSURE, of whoever sent the image, without a candidate and with the reason as its
comment: triggers write its history, and it can be withdrawn like any other. It is no vote; neither quality, cost nor
exports take it for an answer (`alflow.store.rows.is_answer`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from sqlalchemy import insert, select

from alflow.domain.answers import Label, Verdict
from alflow.ids import AnnotatorId, ItemId, ProjectId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import REFERRAL, chunks, is_answer


def is_referral(label: Label) -> bool:
    """Whether this answer is a referral."""
    return label.verdict is Verdict.UNSURE and label.candidate_id is None and label.token.startswith(REFERRAL)


def standing(tx: Transaction, project_id: ProjectId) -> dict[ItemId, Label]:
    """Item id -> its referral that stands, the first sent first; also of items that were settled since."""
    label = tables.label
    mine = (label.c.project_id == project_id, label.c.verdict != Verdict.CLASS, label.c.withdrawn_at.is_(None))
    rows = select(label).where(*mine, ~is_answer(label)).order_by(label.c.id.desc())
    found = [Label(**row) for row in tx.execute(rows).mappings()]
    return {one.item_id: one for one in reversed(found)}


def add(tx: Transaction, project_id: ProjectId, by: AnnotatorId, reasons: Mapping[ItemId, str], at: datetime) -> None:
    """Refer these items, in this order. The caller holds their locks and has found no referral that stands."""
    rows = [
        {
            "project_id": project_id,
            "item_id": item,
            "annotator_id": by,
            "verdict": Verdict.UNSURE,
            "at": at,
            "seconds": 0.0,
            "token": f"{REFERRAL}{uuid4()}",
            "shown": {},
            "comment": why,
        }
        for item, why in reasons.items()
    ]
    for chunk in chunks(rows, 1_000):
        tx.execute(insert(tables.label), list(chunk))


def lock_items(tx: Transaction, item_ids: Sequence[ItemId]) -> None:
    """Serialise what is decided about these items until the end of the transaction, in one order for everybody."""
    table = tables.item
    for chunk in chunks(sorted(item_ids)):
        tx.execute(select(table.c.id).where(table.c.id.in_(chunk)).order_by(table.c.id).with_for_update(key_share=True))
