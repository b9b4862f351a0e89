"""Near copies of an image that is answered, and the answers that follow the one about it."""

from collections.abc import Collection, Sequence

from sqlalchemy import func, select

from alflow.domain.images import Split
from alflow.domain.rounds import RoundState
from alflow.ids import CandidateId, ItemId, LabelId, ProjectId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import is_queued


def copies(tx: Transaction, candidate_id: CandidateId) -> list[ItemId]:
    """Near copies of a candidate's image in the pool, as they were when its round opened, the most alike first."""
    table = tables.reasons
    found = tx.execute(
        select(table.c.details["copies"]).where(table.c.candidate_id == candidate_id)
    ).scalar_one_or_none()
    return [ItemId(item_id) for item_id, _ in found or ()]


def free(tx: Transaction, project_id: ProjectId, item_ids: Sequence[ItemId]) -> list[ItemId]:
    """Those of these images of the pool of which nobody has said anything, and which no round asks about or did.

    So none is of a random slice, whether it is answered or not. Of the reserve those of the open round count.
    """
    item, candidate, round_, label = tables.item, tables.candidate, tables.round_, tables.label
    answered = select(label.c.id).where(label.c.item_id == item.c.id, label.c.withdrawn_at.is_(None))
    asked = (
        select(candidate.c.id)
        .join(round_, round_.c.id == candidate.c.round_id)
        .where(candidate.c.item_id == item.c.id, is_queued(candidate) | (round_.c.state != RoundState.CLOSED))
    )
    rows = select(item.c.id).where(item.c.project_id == project_id, item.c.split == Split.POOL)
    rows = rows.where(item.c.id.in_(item_ids), ~answered.exists(), ~asked.exists())
    found = set(tx.execute(rows).scalars())
    return [item_id for item_id in item_ids if item_id in found]


def followers(tx: Transaction, label_ids: Collection[LabelId]) -> dict[LabelId, int]:
    """Answer -> how many answers that stand follow it, where there are some."""
    label = tables.label
    rows = select(label.c.follows, func.count()).where(label.c.follows.in_(label_ids), label.c.withdrawn_at.is_(None))
    return dict(tx.execute(rows.group_by(label.c.follows)).tuples().all())
