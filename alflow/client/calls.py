"""Requests to one server: with the token, again while it is busy or away, and errors that say what to do."""

import json
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from alflow.errors import (
    AlflowError,
    ConflictError,
    DeniedError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
)

_BUSY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE})
_PAUSE: Final = 0.5  # seconds before a try again, where the server names none
_ERRORS: Final[Mapping[int, type[AlflowError]]] = {
    401: DeniedError,
    403: DeniedError,
    404: NotFoundError,
    409: ConflictError,
}


class Calls:
    """What is sent to one server. Safe to share between threads."""

    def __init__(self, address: str, token: str, timeout: float, patience: float) -> None:
        """Nothing is sent yet.

        Raises:
            InvalidInputError: the address is none.
        """
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InvalidInputError(f"{address!r} is no address: write https://HOST, as people open the pages")
        self.address = address.rstrip("/")
        self._token, self._timeout, self._patience = token, timeout, patience
        self._opener = build_opener(_StayHere())

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """The JSON at a path; what is None is not asked for."""
        asked = {name: _plain(value) for name, value in (query or {}).items() if value is not None}
        return json.loads(self.send("GET", path + (f"?{urlencode(asked, doseq=True)}" if asked else "")))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON that comes back for one that is sent."""
        return json.loads(self.send("POST", path, json.dumps(body).encode()))

    def send(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """One request, again while the server is busy or away.

        Raises:
            UnavailableError: that takes longer than the patience.
            AlflowError: the request is refused.
        """
        until = time.monotonic() + self._patience
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        while True:
            try:
                request = Request(self.address + path, body, headers, method=method)
                with self._opener.open(request, timeout=self._timeout) as told:
                    return told.read()  # type: ignore[no-any-return]
            except HTTPError as error:
                pause, refused = _pause(error), _refusal(error)
                if error.code not in _BUSY or time.monotonic() + pause > until:
                    raise refused from None
            except (URLError, OSError) as error:
                pause = _PAUSE
                if time.monotonic() + pause > until:
                    reason = error.reason if isinstance(error, URLError) else error
                    raise UnavailableError(f"{self.address} cannot be reached ({reason}): try again later") from error
            time.sleep(pause)


class _StayHere(HTTPRedirectHandler):
    """Follows no redirect: the token would go along."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _pause(error: HTTPError) -> float:
    """Seconds that the server asks for; what stands before it may name a date, which is not waited for."""
    said = str(error.headers.get("Retry-After") or "")
    return float(said) if said.isascii() and said.isdecimal() else _PAUSE


def _refusal(error: HTTPError) -> AlflowError:
    """The error of this kind, with the server's two lines; what stands before it may answer in other words."""
    try:
        said = json.loads(error.read())
        message = f"{said['error']}: {said['remedy']}"
    except (ValueError, KeyError, TypeError):
        message = f"the server answered {error.code} {error.reason}: look whether the address is right"
    return _ERRORS.get(error.code, UnavailableError if error.code >= 500 else InvalidInputError)(message)


def _plain(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
