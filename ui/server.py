"""One ASGI application: Streamlit's pages, our routes beside them, and a gate in front of both.

Streamlit renders pages; images, sign-in and the deck's answers are plain HTTP. An answer therefore costs one small
request instead of a script run, survives a lost websocket, and images are never public files.
"""

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st
from starlette.middleware import Middleware

from alflow.settings import Settings
from alflow.workflow.people.sign_in import has_accounts, require_door
from alflow.workspace import Workspace
from ui import pages
from ui.components import modules
from ui.door import access, address, gate, headers, identity, invitations, offline, password, sign_in, timing
from ui.parts import navigation, services
from ui.parts.theme import THEME
from ui.routes import monitor, report, routes

CONFIG: Mapping[str, object] = {
    "server.headless": True,
    "server.fileWatcherType": "none",
    "server.maxUploadSize": 1,  # no page takes a file
    "server.maxMessageSize": 50,  # megabytes, to pages and from them
    "browser.gatherUsageStats": False,
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
    application = create_app(settings)
    workspace = services.current().workspace
    require_door(workspace)
    sys.stdout.write(f"\n  alflow: sign in at {sign_in_link(settings, link=not has_accounts(workspace))}\n")
    sys.stdout.flush()
    address.believe(settings, os.environ)
    application.run(config={**CONFIG, "server.address": settings.host, "server.port": settings.port})


def create_app(settings: Settings) -> st.App:
    """The application for a workspace; also joins what pages and routes share (`ui.parts.services`)."""
    pages.load()
    doorkeeper = gate.Doorkeeper(Workspace.open(settings))
    services.provide(services.Services(doorkeeper.workspace, doorkeeper))
    ours = [
        *(*sign_in.ROUTES, *invitations.ROUTES, *password.ROUTES, *routes.ROUTES, *report.ROUTES),
        *monitor.ROUTES,
        *(*offline.ROUTES, *navigation.ROUTES, *modules.ROUTES),
    ]
    access.check_routes(ours)
    return st.App(
        Path(__file__).parent / "pages" / "app.py",
        secrets=identity.streamlit_secrets(settings),
        routes=ours,
        middleware=[
            Middleware(headers.SafeHeaders, https=settings.address.lower().startswith("https:")),
            Middleware(timing.Timed),
            Middleware(gate.Gate, doorkeeper=doorkeeper),
        ],
    )


def sign_in_link(settings: Settings, *, link: bool = True) -> str:
    """The address to open in a browser; with the link's token who has it can sign in: for the terminal only."""
    token = f"?{urlencode({'token': settings.sign_in_token})}" if link and settings.is_local else ""
    return f"{settings.address}{sign_in.PATH}{token}"
