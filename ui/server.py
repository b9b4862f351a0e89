"""One ASGI application: Streamlit's pages, our routes beside them, and a gate in front of both.

Streamlit renders pages; images, sign-in and the deck's answers are plain HTTP. An answer therefore costs one small
request instead of a script run, survives a lost websocket, and images are never public files.
"""

import os
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st
import uvicorn
from starlette.middleware import Middleware
from streamlit.watcher import polling_path_watcher

from alflow import logs
from alflow.seldom import SeldomServer
from alflow.settings import Settings
from alflow.ui import pages
from alflow.ui.components import modules
from alflow.ui.door import (
    access,
    address,
    connections,
    gate,
    headers,
    identity,
    installed,
    invitations,
    offline,
    password,
    prefix,
    sign_in,
    timing,
    tokens,
)
from alflow.ui.parts import navigation, services
from alflow.ui.parts.theme import THEME
from alflow.ui.routes import backup, export, monitor, report, routes, uploads
from alflow.ui.routes.api import application
from alflow.workflow.people.sign_in import has_accounts, require_door
from alflow.workspace import Workspace

CONFIG: Mapping[str, object] = {
    "server.headless": True,
    "server.fileWatcherType": "none",
    "server.maxUploadSize": 1,  # no page takes a file
    "server.maxMessageSize": 50,  # megabytes, to pages and from them
    "browser.gatherUsageStats": False,
    "runner.postScriptGC": False,  # it stops all threads for a quarter of a second; Python collects by itself
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "server.trustedUserHeaders": {gate.STAMP: "visitor"},
    **THEME,
}


def main(settings: Settings) -> None:
    """Print the sign-in link and serve until stopped.

    A missing `sign_in_token` is drawn here; it is printed once and lives as long as the process.

    Raises:
        InvalidInputError: `settings.host` is not loopback, and nobody could sign in as themselves; or a setting of the
            identity provider is missing.
        UnavailableError: the database belongs to another version of alflow.
    """
    if not settings.sign_in_token:
        settings = settings.model_copy(update={"sign_in_token": secrets.token_urlsafe(24)})
    logs.set_up(settings.log_format)
    served = create_app(settings)
    workspace = services.current().workspace
    require_door(workspace)
    sys.stdout.write(f"\n  alflow: sign in at {sign_in_link(settings, link=not has_accounts(workspace))}\n")
    sys.stdout.flush()
    address.believe(settings, os.environ)
    connections.limit(settings)
    _look_seldom()
    served.run(config={**CONFIG, "server.address": settings.host, "server.port": settings.port})


def create_app(settings: Settings) -> st.App:
    """The application for a workspace; also joins what pages and routes share (`alflow.ui.parts.services`).

    Raises:
        InvalidInputError: the folder that the pages are to be in has the name of a page or a route.
    """
    access.check_prefix(settings.prefix)
    pages.load_small()
    doorkeeper = gate.Doorkeeper(Workspace.open(settings))
    services.provide(services.Services(doorkeeper.workspace, doorkeeper))
    ours = [
        *(*sign_in.ROUTES, *invitations.ROUTES, *password.ROUTES, *tokens.ROUTES, *routes.ROUTES),
        *(*report.ROUTES, *export.ROUTES, *backup.ROUTES, *monitor.ROUTES, *uploads.ROUTES),
        *(*offline.ROUTES, *installed.ROUTES, *navigation.ROUTES, *modules.ROUTES),
    ]
    access.check_routes(ours)
    return st.App(
        Path(__file__).parent / "pages" / "app.py",
        lifespan=_while_it_serves,
        secrets=identity.streamlit_secrets(settings),
        routes=[*ours, *application.routes(settings.address)],
        middleware=[
            Middleware(headers.SafeHeaders, https=settings.address.lower().startswith("https:")),
            Middleware(prefix.Prefix, prefix=settings.prefix),
            Middleware(timing.Timed),
            Middleware(connections.Crowd, per_address=settings.connections_per_address),
            Middleware(gate.Gate, doorkeeper=doorkeeper),
        ],
    )


def _look_seldom() -> None:
    """Let the server, and Streamlit's looks at files of its own, wake once a second; no setting of Streamlit does."""
    vars(uvicorn)["Server"] = SeldomServer
    vars(polling_path_watcher)["_POLLING_PERIOD_SECS"] = 1.0


@asynccontextmanager
async def _while_it_serves(_: st.App) -> AsyncIterator[None]:
    logs.adopt()
    yield


def sign_in_link(settings: Settings, *, link: bool = True) -> str:
    """The address to open in a browser; with the link's token who has it can sign in: for the terminal only."""
    token = f"?{urlencode({'token': settings.sign_in_token})}" if link and settings.is_local else ""
    return f"{settings.address}{sign_in.PATH}{token}"
