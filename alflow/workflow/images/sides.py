"""Groups of images stay on one side of the test split: else a model is judged by images of what it has learnt from."""

from collections.abc import Sequence
from datetime import UTC, datetime

from alflow.domain.images import Rejection, Split
from alflow.ids import ProjectId
from alflow.store.database import Transaction
from alflow.store.images import items
from alflow.workflow.images.ledger import Taken
from alflow.workflow.images.strict import other_side


def on_one_side(tx: Transaction, project_id: ProjectId, taken: Sequence[Taken]) -> tuple[list[Taken], list[Rejection]]:
    """The files that may come in, and those whose group has images on the other side, in the project or before them.

    An image that the project has stays in its split. Of a group that was never there the first file tells the side.
    """
    known = {one.content_hash: one for one in items.by_hashes(tx, project_id, {one.item.content_hash for one in taken})}
    sides = items.sides(tx, project_id, sorted({one.item.group for one in taken if one.item.group}))
    fine, refused = list[Taken](), list[Rejection]()
    for one in taken:
        kept = known.get(one.item.content_hash)
        is_test = (one.item.split if kept is None else kept.split) is Split.TEST
        if one.item.group is None or sides.setdefault(one.item.group, is_test) is is_test:
            fine.append(one)
            continue
        reason = other_side(one.item.group, is_test=is_test)
        refused.append(Rejection(one.item.uri, reason, datetime.now(UTC)))
    return fine, refused
