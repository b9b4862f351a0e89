"""What machines ask: whether the parts answer (`/health`), and figures for Prometheus (`/metrics`).

Anybody may ask for the health, which tells ok or not ok of each part and nothing else. Figures are for who shows the
token (`ALFLOW_METRICS_TOKEN`) as `Authorization: Bearer TOKEN`; without a token in the settings they are for nobody:
behind a proxy on this machine, everybody comes from loopback.
"""

import asyncio
import hmac
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Generic, TypeVar

import anyio
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from alflow.errors import AlflowError
from alflow.ui.door import timing
from alflow.ui.parts import services
from alflow.ui.routes.exposition import exposed
from alflow.workflow.operating.figures import figures
from alflow.workflow.operating.health import NOTHING, Health, health

T = TypeVar("T")

_KEPT: Final = 5.0  # seconds: however often anybody asks, one look in so long
_PATIENCE: Final = 5.0
_CLOSED: Final = "The figures are closed: set ALFLOW_METRICS_TOKEN, and show it as a bearer token."


class Looking(Generic[T]):
    """What a look brought, for some seconds; one look at a time, in a thread of its own, whoever and how many ask."""

    def __init__(self, look: Callable[[], T]) -> None:
        self._look = look
        self._thread = ThreadPoolExecutor(1)
        self._last: Future[T] | None = None
        self._at = 0.0

    async def now(self) -> T | None:
        """What the look brings; None if that takes too long."""
        if self._last is None or (self._last.done() and time.monotonic() - self._at > _KEPT):
            self._at, self._last = time.monotonic(), self._thread.submit(self._look)
        with anyio.move_on_after(_PATIENCE):
            return await asyncio.shield(asyncio.wrap_future(self._last))
        return None


_health: Final = Looking(lambda: health(services.current().workspace))
_figures: Final = Looking(lambda: exposed(figures(services.current().workspace), timing.REQUESTS))


async def tell_health(_: Request) -> Response:
    """Each part, and the status 503 when one does not answer."""
    found: Health = await _health.now() or NOTHING
    parts = {name: "ok" if works else "not ok" for name, works in vars(found).items()}
    return JSONResponse(parts, 200 if found.is_ok else 503)


async def tell_figures(request: Request) -> Response:
    """The figures, to who shows the token."""
    token = services.current().workspace.settings.metrics_token
    shown = request.headers.get("authorization", "").encode()
    if not token or not hmac.compare_digest(shown, f"Bearer {token}".encode()):
        return PlainTextResponse(_CLOSED, 401 if token else 404, {"WWW-Authenticate": "Bearer"} if token else None)
    try:
        text = await _figures.now()
    except AlflowError:  # the log of the health says why
        text = None
    if text is None:
        return PlainTextResponse("The database does not answer.", 503)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


ROUTES = [Route("/health", tell_health, methods=["GET"]), Route("/metrics", tell_figures, methods=["GET"])]
