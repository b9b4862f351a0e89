"""Images of one thing: those beside an image in its group, and what one person said of them."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import and_, func, select

from alflow.domain.images import Split
from alflow.ids import AnnotatorId, ClassId, ItemId, ProjectId
from alflow.store import tables
from alflow.store.database import Transaction


class Sibling(NamedTuple):
    """An image beside another one or that itself; `class_id` is what this person said of it, if it is a class."""

    of: ItemId
    item_id: ItemId
    class_id: ClassId | None


def siblings(
    tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId, item_ids: Sequence[ItemId], around: int
) -> list[Sibling]:
    """For each of these images that is in a group: itself, and as many on either side, by their addresses.

    What other people said of them stays out, and so do images on the other side of the test split.
    """
    item, label = tables.item, tables.label
    is_test = item.c.split == Split.TEST
    wanted = select(item.c.group).where(item.c.project_id == project_id, item.c.id.in_(item_ids))
    place = func.row_number().over(partition_by=[item.c.group, is_test], order_by=[item.c.uri, item.c.id])
    columns = (item.c.id, item.c.group, is_test.label("is_test"), place.label("place"))
    mine = (item.c.project_id == project_id, item.c.group.in_(wanted.where(item.c.group.is_not(None))))
    own, other = (select(*columns).where(*mine).subquery(name) for name in ("own", "other"))
    near = and_(
        own.c.group == other.c.group,
        own.c.is_test == other.c.is_test,
        other.c.place.between(own.c.place - around, own.c.place + around),
    )
    said = and_(label.c.item_id == other.c.id, label.c.annotator_id == annotator_id, label.c.withdrawn_at.is_(None))
    rows = (
        select(own.c.id, other.c.id, func.max(label.c.class_id))
        .join(other, near)
        .outerjoin(label, said)
        .where(own.c.id.in_(item_ids))
        .group_by(own.c.id, other.c.id, other.c.place)
        .order_by(own.c.id, other.c.place)
    )
    return [Sibling(*row) for row in tx.execute(rows).tuples()]
