"""How long requests take, by route: for `/metrics`."""

import time
from typing import Final

from prometheus_client import CollectorRegistry, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.door import access

REQUESTS: Final = CollectorRegistry()
"""Of this process."""

_SECONDS: Final = Histogram(
    "alflow_request_seconds", "Time from a request to the end of its response.", ("route", "status"), registry=REQUESTS
)


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
            route = access.route_of(scope["path"])
            _SECONDS.labels(route, f"{status // 100}xx").observe(time.perf_counter() - began)
