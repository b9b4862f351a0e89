"""How long requests take, by route: for `/metrics`, and a line of the log for each, with numbers and no names."""

import logging
import time
from typing import Final

from prometheus_client import CollectorRegistry, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alflow.ui.door import access

REQUESTS: Final = CollectorRegistry()
"""Of this process."""

_SECONDS: Final = Histogram(
    "alflow_request_seconds", "Time from a request to the end of its response.", ("route", "status"), registry=REQUESTS
)


_ASKED_OFTEN: Final = frozenset({"/health", "/metrics", "/_stcore/health"})  # by machines
_log = logging.getLogger(__name__)


class Timed:
    """ASGI middleware: notes the time of each request, under the name of its route, of which there are few."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500  # where nobody answers

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            route, seconds = access.route_of(scope["path"]), time.perf_counter() - began
            _SECONDS.labels(route, f"{status // 100}xx").observe(seconds)
            said = {"route": route, "status": status, "seconds": round(seconds, 4), **_whose(scope)}
            _log.log(logging.DEBUG if route in _ASKED_OFTEN else logging.INFO, scope["method"], extra=said)


def _whose(scope: Scope) -> dict[str, int]:
    """The numbers of the person and the project that a request was of, where it got so far."""
    visitor, needs = scope.get("state", {}).get("visitor"), access.needed(scope["path"])
    whose = {} if visitor is None else {"person": visitor.annotator.id}
    return whose if needs is None else whose | {"project": needs[1]}
