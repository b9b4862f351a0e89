"""Small pictures side by side, each with a line below it."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from alflow.domain.projects import Project
from alflow.ids import ItemId
from alflow.text import visible
from alflow.ui.parts.images import image_address


def strip(project: Project, pictures: Sequence[tuple[ItemId, str]]) -> None:
    """Show images with their captions."""
    st.html(f'<div class="strip">{"".join(_figure(project, item, said) for item, said in pictures)}</div>')


def _figure(project: Project, item_id: ItemId, said: str) -> str:
    source = image_address(project.id, item_id, "thumbnail")
    words = escape(visible(said))
    image = f'<img src="{source}" alt="Image {item_id}" loading="lazy">'
    return f"<figure>{image}<figcaption>{words}</figcaption></figure>"
