"""How long work tells that it goes on: `progress(done, total)`; total is None while it is not known."""

from collections.abc import Callable

Progress = Callable[[int, int | None], None]

Detail = Callable[[str], None]
"""Takes what is done now, in words."""


def silent(done: int, total: int | None) -> None:
    """The default: say nothing."""


def untold(words: str) -> None:
    """The same for details."""
