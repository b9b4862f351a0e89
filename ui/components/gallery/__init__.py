"""Candidates as cards: the image, what the model believed, why it was asked, and what people answered."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TypedDict

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

HERE = Path(__file__).parent


class Bar(TypedDict):
    """A class and its probability."""

    name: str
    value: float


class Card(TypedDict):
    """One candidate, as text ready to show."""

    image: str
    rank: int
    origin: str
    believed: list[Bar]
    facts: list[tuple[str, str]]
    answers: list[str]
    verdict: str  # "agrees", "differs", "open" or "skipped": the answer against the most probable class


def gallery(cards: Sequence[Card], key: str) -> None:
    """Show cards in a grid that follows the width of the page."""
    _component()(data={"cards": list(cards)}, key=key)


@cache
def _component() -> ComponentRenderer:
    """Registered at its first use, when Streamlit's runtime is there."""
    css, js = ((HERE / name).read_text(encoding="utf-8") for name in ("gallery.css", "gallery.js"))
    return st.components.v2.component("alflow_gallery", html='<div class="cards"></div>', css=css, js=js)
