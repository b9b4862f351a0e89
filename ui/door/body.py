"""Reading the body of a request, with limits and checks of types."""

import json
import re
from typing import Any, Final, NoReturn

import anyio
from starlette.requests import Request

from alflow.errors import InvalidInputError, TryLaterError
from alflow.workflow.desk.submission import LARGEST_ID

_DEEPEST: Final = 64
_SECONDS: Final = 60.0  # for a megabyte over a bad network
_MARKS: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]')  # texts are skipped

NEEDED: Final = object()
"""A field without a default."""


async def received(request: Request, most: int, what: str) -> bytes:
    """The body; one of more than `most` bytes is not read to its end, and not at all if its length says so.

    Raises:
        InvalidInputError: `what` is larger.
        TryLaterError: it takes too long to arrive.
    """
    claimed = request.headers.get("content-length", "")
    if not claimed.isdecimal() or int(claimed) <= most:
        body = bytearray()
        try:
            with anyio.fail_after(_SECONDS):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > most:
                        break
                else:
                    return bytes(body)
        except TimeoutError as error:
            raise TryLaterError(f"{what} did not arrive within {_SECONDS:.0f} seconds: send it again", 1.0) from error
    raise InvalidInputError(f"{what} is larger than {most:,} bytes")


def whole_number(said: str, most_digits: int) -> int | None:
    """A number as a form or an address gives it; None where it is none, or has more digits."""
    return int(said) if said.isascii() and said.isdecimal() and len(said) <= most_digits else None


def parsed(body: bytes, what: str) -> dict[str, Any]:
    """The one JSON object that was sent.

    Raises:
        InvalidInputError: `what` is not a JSON object, or names a field twice.
    """
    try:
        text = body.decode()
        _check_depth(text)
        found = json.loads(text, parse_constant=_no_number, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(
            f"{what} must be JSON in UTF-8, not nested too deeply, with every field once"
        ) from error
    if not isinstance(found, dict):
        raise InvalidInputError(f"{what} must be one JSON object")
    return found


def field(sent: Any, name: str, kind: type | tuple[type, ...], otherwise: Any = NEEDED) -> Any:
    """The field of this name, if it is of this kind; `true` is not a number.

    Raises:
        InvalidInputError: it is missing without a default, of another kind, or a number that no row has.
    """
    value = sent.get(name) if isinstance(sent, dict) else None
    if value is None and otherwise is not NEEDED:
        return otherwise
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise InvalidInputError(f"the request has no usable {name!r}")
    if isinstance(value, int) and float not in kinds and abs(value) > LARGEST_ID:
        raise InvalidInputError(f"the request has no usable {name!r}: the number is too large")
    return value


def seconds(sent: Any) -> float:
    """How long something was on screen, in seconds.

    Raises:
        InvalidInputError: it is not a number.
    """
    value = field(sent, "seconds", (int, float))
    try:
        return float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return float("inf") if value > 0 else float("-inf")


def _check_depth(text: str) -> None:
    """Refuse by a number of ours: how deep Python itself goes depends on what else was imported.

    Raises:
        ValueError: brackets are nested more deeply.
    """
    depth = 0
    for mark in _MARKS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(mark[0], 0)
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a field is there twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
