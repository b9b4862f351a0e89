"""One ASGI application: Streamlit's pages, our routes beside them, and a gate in front of both.

Streamlit renders pages; images, sign-in and the deck's answers are plain HTTP. An answer therefore costs one small
request instead of a script run, survives a lost websocket, and images are never public files.
"""

import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st
from starlette.middleware import Middleware

from alflow.settings import Settings, require_loopback
from alflow.workspace import Workspace
from ui import pages, routes, services, sign_in
from ui.theme import THEME

CONFIG: Mapping[str, object] = {
    "server.headless": True,
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    **THEME,
}


def main(settings: Settings) -> None:
    """Print the sign-in link and serve until stopped.

    A missing `sign_in_token` is drawn here; it is printed once and lives as long as the process.

    Raises:
        InvalidInputError: `settings.host` is not loopback.
        UnavailableError: the database belongs to another version of alflow.
    """
    require_loopback(settings.host)
    if not settings.sign_in_token:
        settings = settings.model_copy(update={"sign_in_token": secrets.token_urlsafe(24)})
    application = create_app(settings)
    sys.stdout.write(f"\n  alflow: sign in at {sign_in_link(settings)}\n")
    sys.stdout.flush()
    application.run(config={**CONFIG, "server.address": settings.host, "server.port": settings.port})


def create_app(settings: Settings) -> st.App:
    """The application for a workspace; also joins what pages and routes share (`ui.services`)."""
    pages.load()
    doorkeeper = sign_in.Doorkeeper(settings.sign_in_token, settings.port)
    services.provide(services.Services(Workspace.open(settings), doorkeeper))
    return st.App(
        Path(__file__).parent / "pages" / "app.py",
        routes=[*sign_in.ROUTES, *routes.ROUTES],
        middleware=[Middleware(sign_in.Gate, doorkeeper=doorkeeper)],
    )


def sign_in_link(settings: Settings) -> str:
    """The address to open in a browser; who has it can sign in, so it is for the terminal only."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}{sign_in.PATH}?{urlencode({'token': settings.sign_in_token})}"
