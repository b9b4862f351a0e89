"""What something costs the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event


@contextmanager
def counted() -> Iterator[dict[str, int]]:
    """Transactions and statements of all databases while the block runs."""
    ran = {"transactions": 0, "statements": 0}

    def begun(_: Any) -> None:
        ran["transactions"] += 1

    def said(_: Any, __: Any, statement: str, *___: Any) -> None:
        ran["statements"] += not statement.startswith("BEGIN")

    event.listen(Engine, "begin", begun)
    event.listen(Engine, "before_cursor_execute", said)
    try:
        yield ran
    finally:
        event.remove(Engine, "begin", begun)
        event.remove(Engine, "before_cursor_execute", said)
