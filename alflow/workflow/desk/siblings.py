"""Several images of one thing, as a patient or a video, shown beside the one that is to be labelled.

Of their answers a person sees their own and no others: what others said would sway, and tell who answered differently.
An image of the test split stands beside such ones only, so that a check looks like any other image.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from alflow.domain.images import Item
from alflow.ids import AnnotatorId, ItemId, ProjectId
from alflow.store.database import Transaction
from alflow.store.desk import siblings
from alflow.store.desk.siblings import Sibling

AROUND: Final = 6
"""Images of the group on either side."""


@dataclass(frozen=True)
class Group:
    """The images of a group around one of them, which is among them, in the order of their addresses."""

    name: str
    images: tuple[Sibling, ...]


def groups_of(
    tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId, shown: Iterable[Item]
) -> Mapping[ItemId, Group]:
    """The group of each of these images that has others beside it."""
    names = {item.id: item.group for item in shown if item.group}
    found = defaultdict[ItemId, list[Sibling]](list)
    if names:
        for one in siblings.siblings(tx, project_id, annotator_id, list(names), AROUND):
            found[one.of].append(one)
    return {of: Group(str(names[of]), tuple(images)) for of, images in found.items() if len(images) > 1}
