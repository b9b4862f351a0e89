"""Candidates as cards: the image, the prediction, why it was chosen, and the answers."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

from alflow.ui.components import modules


class Bar(TypedDict):
    """A class and its probability."""

    name: str
    value: float


class Picture(TypedDict):
    """Another image that the reasons name."""

    image: str
    name: str
    caption: str


class Told(TypedDict):
    """The reasons for a candidate, as text and pictures ready to show."""

    sentences: list[str]
    answers: list[tuple[str, str, str]]  # class, probability, what this answer would tell
    about: str
    informs: list[Picture]
    alike: str
    copies: list[Picture]
    places: list[tuple[str, str]]  # strategy, place


class Card(TypedDict):
    """One candidate, as text ready to show."""

    image: str
    rank: int
    origin: str
    believed: list[Bar]
    facts: list[tuple[str, str]]
    answers: list[str]
    verdict: str  # "agrees", "differs", "open" or "skipped": the answer compared with the most probable class
    told: NotRequired[Told | None]  # what the opened card says


def gallery(cards: Sequence[Card], key: str) -> None:
    """Show cards in a grid that follows the width of the page."""
    modules.component("gallery", "gallery.js")(data={"cards": list(cards)}, key=key)
