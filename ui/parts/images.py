"""Where a browser gets an image."""

from typing import Literal


def image_address(project_id: int, item_id: int, kind: Literal["thumbnail", "rendition"]) -> str:
    """The address of an item's image on this server; `ui.door.access.ROUTES` says who gets it."""
    return f"/images/{project_id}/{item_id}/{kind}"
