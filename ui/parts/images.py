"""The address of an image."""

from typing import Literal

from alflow.ids import ItemId, ProjectId


def image_address(project_id: ProjectId, item_id: ItemId, kind: Literal["thumbnail", "rendition"]) -> str:
    """The address of an item's image on this server; `ui.door.access.ROUTES` says who gets it."""
    return f"/images/{project_id}/{item_id}/{kind}"
