"""Why a program's request is refused: JSON of two lines, what is wrong and what to do about it."""

from collections.abc import Mapping
from math import ceil
from typing import Final

from starlette.responses import JSONResponse

from alflow.errors import (
    AlflowError,
    ConflictError,
    DeniedError,
    InvalidInputError,
    NotFoundError,
    TryLaterError,
    UnavailableError,
)

AGAIN: Final = "send the same again, after the seconds of Retry-After where they are given: nothing is stored twice"

REMEDIES: Final[Mapping[int, str]] = {
    401: "send `Authorization: Bearer TOKEN`; a token is made on the page /tokens, or by `alflow token add NAME`",
    403: "use a token of a wider scope, or ask an owner of the project for a higher role",
    404: "read the list that the number comes from again",
    405: "see /api/openapi.json for what is taken here",
    409: "read what is stored, then decide: the same again changes nothing",
    413: "send less at once, in several requests",
    415: "send `Content-Type: application/json`",
    422: "correct the request: see /api/openapi.json for what is taken here",
    429: AGAIN,
    500: "look at the server's log, or ask whoever runs it",
    503: AGAIN,
}
_STATUSES: Final[Mapping[type[AlflowError], int]] = {
    InvalidInputError: 422,
    NotFoundError: 404,
    ConflictError: 409,
    DeniedError: 403,
    UnavailableError: 503,
    TryLaterError: 503,
}


def refusal(status: int, error: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """What is wrong, and the remedy that fits the status."""
    challenge = {"WWW-Authenticate": 'Bearer realm="alflow"'} if status == 401 else {}
    headers = {"Cache-Control": "no-store", **challenge, **(headers or {})}
    remedy = REMEDIES.get(status, REMEDIES[500 if status >= 500 else 422])
    return JSONResponse({"error": error, "remedy": remedy}, status, headers)


def refused(error: AlflowError) -> JSONResponse:
    """The refusal for an error of a use case."""
    wait = {"Retry-After": str(ceil(error.seconds))} if isinstance(error, TryLaterError) else {}
    return refusal(_STATUSES.get(type(error), 422), str(error), wait)
