"""An answer as a file gives it, before anybody knows which image, class and person it means."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from alflow.domain.answers import Verdict
from alflow.errors import InvalidInputError


@dataclass(frozen=True)
class Given:
    """One answer.

    Attributes:
        place: where in the file, for messages: `task 3`, `line 7`.
        image: its address or name; a path may be cut at the front.
        label: the class in the file's words; empty unless the verdict is one.
        annotator: empty where the file does not say.
        at: None where the file does not say.
        content_hash: SHA-256 of the original, or empty.
        copy_hash: SHA-256 of what is the original or a copy of it, or empty; the name counts where it is of none.
    """

    place: str
    image: str
    label: str
    annotator: str = ""
    at: datetime | None = None
    seconds: float = 0.0
    verdict: Verdict = Verdict.CLASS
    content_hash: str = ""
    comment: str = ""
    proposed_class: str = ""
    copy_hash: str = ""


@dataclass(frozen=True)
class Unusable:
    """Something that is meant as an answer and cannot be used."""

    place: str
    reason: str


@dataclass(frozen=True)
class Skipped:
    """Something of another kind, which is counted by that kind."""

    kind: str


Found = Given | Unusable | Skipped


def json_of(data: bytes) -> Any:
    """The file as JSON.

    Raises:
        InvalidInputError: it is none.
    """
    try:
        return json.loads(text_of(data))
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"it is no JSON: {error}") from error


def text_of(data: bytes) -> str:
    """The file as text.

    Raises:
        InvalidInputError: it is not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError("it is not UTF-8 text: save the file as UTF-8") from error


def time_of(value: Any) -> datetime | None:
    """The moment that a field names, in UTC where it names no zone; None for an empty one.

    Raises:
        InvalidInputError: it is no ISO 8601 time.
    """
    if value is None or value == "":
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInputError(f"its time {str(value)[:60]!r} is not written as 2026-01-31T12:00:00Z") from error


def seconds_of(value: Any) -> float:
    """A duration; zero where there is none."""
    try:
        return float(value or 0.0)
    except (TypeError, ValueError):
        return 0.0


def verdict_of(value: Any) -> Verdict:
    """The verdict of that name.

    Raises:
        InvalidInputError: there is none.
    """
    try:
        return Verdict(value)
    except ValueError as error:
        raise InvalidInputError(
            f"there is no verdict {str(value)[:60]!r}: choose one of {', '.join(Verdict)}"
        ) from error


def word(values: Mapping[str, Any], name: str) -> str:
    """A text field; empty where it is missing.

    Raises:
        InvalidInputError: it is something else.
    """
    value = values.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInputError(f"its {name!r} is no text")
    return value
