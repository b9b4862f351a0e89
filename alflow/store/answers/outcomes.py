"""Which class each item has, by the answers that count and by what reviewers settled."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, String, func, select, true, type_coerce

from alflow.domain.answers import Verdict
from alflow.ids import ClassId, ItemId, ProjectId
from alflow.settling import settled_classes
from alflow.store import tables
from alflow.store.answers import adjudications
from alflow.store.database import Transaction
from alflow.store.rows import stands


def settled(tx: Transaction, project_id: ProjectId, item_ids: Sequence[ItemId] | None = None) -> dict[ItemId, ClassId]:
    """Item id -> its class (`alflow.settling`); the votes about an item count once it has all that it needs.

    With `item_ids`, a few thousand at most, of these items only.
    """
    return _settled(tx, project_id, item_ids, true() if item_ids is None else tables.label.c.item_id.in_(item_ids))


def evidence(tx: Transaction, project_id: ProjectId, at: datetime | None = None) -> dict[ItemId, ClassId]:
    """The same by answers of their own alone: what follows the answer about a near copy tells a fit nothing new.

    With `at`, as it was at that moment, by what is stored now: images then asked for fewer votes may be missing.
    """
    return _settled(tx, project_id, None, tables.label.c.follows.is_(None), at)


def _settled(
    tx: Transaction,
    project_id: ProjectId,
    item_ids: Sequence[ItemId] | None,
    wanted: ColumnElement[bool],
    at: datetime | None = None,
) -> dict[ItemId, ClassId]:
    label, candidate = tables.label, tables.candidate
    answers: ColumnElement[int] = candidate.c.answers
    if at is not None:
        other = label.alias()
        counted = select(func.count()).where(other.c.candidate_id == candidate.c.id, stands(other, at))
        answers = counted.scalar_subquery()
    votes = (
        select(label.c.item_id, label.c.class_id, type_coerce(label.c.verdict, String))
        .outerjoin(candidate, candidate.c.id == label.c.candidate_id)
        .where(
            label.c.project_id == project_id,
            wanted,
            stands(label, at),
            label.c.verdict.not_in([verdict for verdict in Verdict if verdict.abstains]),
            candidate.c.id.is_(None) | (answers >= candidate.c.votes_needed),
        )
        .order_by(label.c.item_id)
    )
    given = ((item_id, class_id or verdict) for item_id, class_id, verdict in tx.execute(votes).tuples())
    decisions = {item_id: one.class_id for item_id, one in adjudications.standing(tx, project_id, item_ids, at).items()}
    return settled_classes(given, decisions)
