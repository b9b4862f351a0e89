"""`python -m alflow.flows.server`: Prefect's server on a socket of `alflow up`, for its own pages and for programs.

A page on the internet can point a name of its own at this machine (DNS rebinding), or open connections to it that are
never closed. Its requests carry that name, or its origin, and are turned away here, before Prefect asks for its secret.
"""

import argparse
import socket
from datetime import timedelta
from functools import partial
from typing import Final

import uvicorn
from docket import Worker
from prefect.server.api import background_workers
from prefect.server.api.server import create_app
from prefect.settings import get_current_settings
from starlette.datastructures import Headers
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from alflow.seldom import SeldomServer

_NAMES = ["127.0.0.1", "localhost"]
_SELDOM: Final = timedelta(seconds=2)


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description="Serve Prefect to this machine.")
    parser.add_argument("--fd", type=int, required=True, help="file descriptor of a socket that listens")
    serve(socket.socket(fileno=parser.parse_args().fd))


def serve(listening: socket.socket) -> None:
    """Serve as `prefect server start` does, with the settings of the environment.

    What Prefect looks after each minute, it asks for four times a second by default, which no setting changes.
    """
    vars(background_workers)["Worker"] = partial(_Seldom, minimum_check_interval=_SELDOM, scheduling_resolution=_SELDOM)
    settings = get_current_settings().server
    own = frozenset(settings.api.cors_allowed_origins.split(","))
    config = uvicorn.Config(
        TrustedHostMiddleware(OwnPages(create_app(final=True), own), allowed_hosts=_NAMES, www_redirect=False),
        timeout_keep_alive=settings.api.keepalive_timeout,
        ws_ping_interval=settings.api.websocket_ping_interval,
        ws_ping_timeout=settings.api.websocket_ping_timeout,
        log_level=settings.logging_level.lower(),
        log_config=None,  # Prefect has set up the loggers of the server, in the form of its own
    )
    SeldomServer(config).run(sockets=[listening])


class _Seldom(Worker):
    """A worker whose tasks nobody cancels, as in Prefect's server: it does not ask ten times a second who did."""

    async def _cancellation_listener(self) -> None:
        if (session := self._processing_session) is not None:
            session.cancellation_ready.set()
            await session.stopping.wait()


class OwnPages:
    """Accepts requests from the given origins, from the server's own pages, and from clients that send no origin."""

    def __init__(self, app: ASGIApp, origins: frozenset[str]) -> None:
        self._app, self._origins = app, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403."""
        answers = self._app if scope["type"] == "lifespan" or self._is_own(Headers(scope=scope)) else _FOREIGN
        await answers(scope, receive, send)

    def _is_own(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        return origin is None or origin in self._origins or origin == f"http://{headers.get('host')}"


_FOREIGN = PlainTextResponse("Prefect accepts requests from its own pages only", status_code=403)


if __name__ == "__main__":
    main()
