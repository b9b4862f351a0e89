"""All pixels of an image, for zooming: made from its source when first requested, and stored.

To decode a large picture takes a second and hundreds of megabytes; what was made once is read like any rendition.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from alflow.domain.images import Item
from alflow.errors import InvalidInputError, NotFoundError, UnavailableError
from alflow.ids import ItemId, ProjectId
from alflow.store.images import items
from alflow.vlm.images import read_image, rendition
from alflow.workflow.images.pool import SIDES, original, picture_paths, rendition_bytes
from alflow.workspace import Workspace

WHOLE_SIDE: Final = 4096
"""Longest side in pixels."""


@dataclass(frozen=True)
class Whole:
    """A JPEG; `lasting` where it is the whole image, not its rendition in place of a source that is away."""

    content: bytes
    lasting: bool


def kept_whole(workspace: Workspace, project_id: ProjectId, item_id: ItemId) -> Whole | None:
    """What need not be made: the one from before, or the rendition of an image that is no larger; else None.

    Raises:
        NotFoundError: the project has no such item, or its rendition is gone.
    """
    item = _item(workspace, project_id, item_id)
    if max(item.width, item.height) <= SIDES["rendition"]:
        return Whole(rendition_bytes(workspace, project_id, item_id, "rendition"), lasting=True)
    try:
        return Whole(workspace.artifacts.read_bytes(_path(item)), lasting=True)
    except (NotFoundError, InvalidInputError):  # a damaged one is made anew
        return None


def make_whole(workspace: Workspace, project_id: ProjectId, item_id: ItemId) -> Whole:
    """The longer side has at most `WHOLE_SIDE` pixels; the kept rendition where the source is gone or changed.

    The source is read again, and believed only if it still has the bytes that were imported.

    Raises:
        NotFoundError: the project has no such item, or both its source and its rendition are gone.
    """
    if (kept := kept_whole(workspace, project_id, item_id)) is not None:
        return kept
    item = _item(workspace, project_id, item_id)
    try:
        content = rendition(read_image(original(item), longest=WHOLE_SIDE), WHOLE_SIDE, quality=90)
    except (InvalidInputError, UnavailableError):
        return Whole(rendition_bytes(workspace, project_id, item_id, "rendition"), lasting=False)
    with suppress(UnavailableError):  # a full disk is no reason to show nothing
        content = workspace.artifacts.write_bytes(_path(item), content)
    return Whole(content, lasting=True)


def all_paths(content_hash: str) -> list[str]:
    """Where all that is made of an image to be shown is kept, if it is."""
    return [*picture_paths(content_hash), _path_of(content_hash)]


def _item(workspace: Workspace, project_id: ProjectId, item_id: ItemId) -> Item:
    with workspace.database.read() as tx:
        (item,) = items.by_ids(tx, [item_id])
    if item.project_id != project_id:
        raise NotFoundError(f"no item of this project has the id {item_id}")
    return item


def _path(item: Item) -> str:
    return _path_of(item.content_hash)


def _path_of(content_hash: str) -> str:
    return f"wholes/{content_hash[:2]}/{content_hash}.jpg"
