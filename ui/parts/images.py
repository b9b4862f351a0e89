"""The address of an image."""

from typing import Literal

from alflow.ids import ItemId, ProjectId
from alflow.ui.door.prefix import below


def image_address(project_id: ProjectId, item_id: ItemId, kind: Literal["thumbnail", "rendition"]) -> str:
    """The address of an item's image, for a page; `alflow.ui.door.access.ROUTES` says who gets it."""
    return below(f"/images/{project_id}/{item_id}/{kind}")
