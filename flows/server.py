"""`python -m flows.server`: Prefect's server on a socket that `alflow up` opened, for those who ask for it by its name.

A page on the internet can point a name of its own at this machine (DNS rebinding). Its requests carry that name, and
are turned away here, before Prefect asks for its secret.
"""

import argparse
import socket

import uvicorn
from prefect.server.api.server import create_app
from prefect.settings import get_current_settings
from starlette.middleware.trustedhost import TrustedHostMiddleware

_NAMES = ["127.0.0.1", "localhost"]


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description="Serve Prefect to this machine.")
    parser.add_argument("--fd", type=int, required=True, help="file descriptor of a socket that listens")
    serve(socket.socket(fileno=parser.parse_args().fd))


def serve(listening: socket.socket) -> None:
    """Serve as `prefect server start` does, with the settings of the environment."""
    settings = get_current_settings().server
    config = uvicorn.Config(
        TrustedHostMiddleware(create_app(final=True), allowed_hosts=_NAMES, www_redirect=False),
        timeout_keep_alive=settings.api.keepalive_timeout,
        ws_ping_interval=settings.api.websocket_ping_interval,
        ws_ping_timeout=settings.api.websocket_ping_timeout,
        log_level=settings.logging_level.lower(),
    )
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
