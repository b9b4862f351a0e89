"""Candidates as cards: the image, the prediction, why it was chosen, and the answers."""

from collections.abc import Sequence
from typing import TypedDict

from ui.components import modules


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
    verdict: str  # "agrees", "differs", "open" or "skipped": the answer compared with the most probable class


def gallery(cards: Sequence[Card], key: str) -> None:
    """Show cards in a grid that follows the width of the page."""
    modules.component("gallery", "gallery.js")(data={"cards": list(cards)}, key=key)
