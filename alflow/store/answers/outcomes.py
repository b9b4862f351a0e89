"""Which class each item has, by the answers that count and by what reviewers settled."""

from sqlalchemy import select

from alflow.domain.answers import Verdict
from alflow.ids import ClassId, ItemId, ProjectId
from alflow.settling import settled_classes
from alflow.store import tables
from alflow.store.answers import adjudications
from alflow.store.database import Transaction


def settled(tx: Transaction, project_id: ProjectId) -> dict[ItemId, ClassId]:
    """Item id -> its class (`alflow.settling`); the votes about an item count once it has all that it needs."""
    label, candidate = tables.label, tables.candidate
    votes = (
        select(label.c.item_id, label.c.class_id, label.c.verdict)
        .outerjoin(candidate, candidate.c.id == label.c.candidate_id)
        .where(
            label.c.project_id == project_id,
            label.c.withdrawn_at.is_(None),
            label.c.verdict.not_in([verdict for verdict in Verdict if verdict.abstains]),
            candidate.c.id.is_(None) | (candidate.c.answers >= candidate.c.votes_needed),
        )
        .order_by(label.c.item_id)
    )
    given = ((item_id, class_id or verdict) for item_id, class_id, verdict in tx.execute(votes).tuples())
    decisions = {item_id: one.class_id for item_id, one in adjudications.standing(tx, project_id).items()}
    return settled_classes(given, decisions)
