"""Which class each item has, by the answers that count and by what reviewers settled."""

from collections.abc import Sequence

from sqlalchemy import select, true

from alflow.domain.answers import Verdict
from alflow.ids import ClassId, ItemId, ProjectId
from alflow.settling import settled_classes
from alflow.store import tables
from alflow.store.answers import adjudications
from alflow.store.database import Transaction


def settled(tx: Transaction, project_id: ProjectId, item_ids: Sequence[ItemId] | None = None) -> dict[ItemId, ClassId]:
    """Item id -> its class (`alflow.settling`); the votes about an item count once it has all that it needs.

    With `item_ids`, a few thousand at most, of these items only.
    """
    label, candidate = tables.label, tables.candidate
    wanted = true() if item_ids is None else label.c.item_id.in_(item_ids)
    votes = (
        select(label.c.item_id, label.c.class_id, label.c.verdict)
        .outerjoin(candidate, candidate.c.id == label.c.candidate_id)
        .where(
            label.c.project_id == project_id,
            wanted,
            label.c.withdrawn_at.is_(None),
            label.c.verdict.not_in([verdict for verdict in Verdict if verdict.abstains]),
            candidate.c.id.is_(None) | (candidate.c.answers >= candidate.c.votes_needed),
        )
        .order_by(label.c.item_id)
    )
    given = ((item_id, class_id or verdict) for item_id, class_id, verdict in tx.execute(votes).tuples())
    decisions = {item_id: one.class_id for item_id, one in adjudications.standing(tx, project_id, item_ids).items()}
    return settled_classes(given, decisions)
