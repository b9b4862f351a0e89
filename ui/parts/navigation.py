"""Pages as the visitor may see them: what the role does not allow is neither in the menu nor behind its address.

Streamlit serves the first page at `/` alone, and says "Page not found" at the address that its name suggests; whoever
writes or keeps that one is led to `/`.
"""

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

import streamlit as st
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from streamlit.navigation.page import StreamlitPage

from alflow.accounts import Role
from alflow.domain import Project
from ui.door import access
from ui.parts import session
from ui.parts.empty import no_project, no_role

Show = Callable[[], None]

FIRST = f"/{next(iter(access.PAGES))}"


def first(request: Request) -> Response:
    """The first page, where it is."""
    query = request.url.query
    return RedirectResponse(f"/?{query}" if query else "/", status_code=307)


ROUTES = [Route(FIRST, first, methods=["GET"])]

OFFERED: Mapping[str, Callable[[Project], bool]] = {"checks": lambda project: project.settings.gold_rate > 0}
"""Pages that not every project has a use for: the menu leaves them out, their address opens them all the same."""


def page(path: str, show: Show, title: str, icon: str) -> StreamlitPage:
    """The page at this path; `ui.door.access.PAGES` says which role it needs in the chosen project."""
    needed = access.PAGES[path]
    open_ = session.may(needed)
    project = session.project()
    welcome = project is None and session.visitor().everywhere
    offered = project is None or path not in OFFERED or OFFERED[path](project)
    menu = "visible" if (open_ or welcome) and offered else "hidden"
    shown = show if open_ else _closed(needed)
    return st.Page(shown, title=title, icon=icon, url_path=path, default=path == FIRST[1:], visibility=menu)  # type: ignore[arg-type]


def _closed(needed: Role) -> Show:
    def closed() -> None:
        chosen = session.project()
        if chosen is None:
            (no_project if session.visitor().everywhere else no_role)()
            return
        st.header("Not for your role")
        held = session.visitor().role_in(chosen.id)
        st.write(
            f"Your role in this project is {held}; this page needs the role {needed}. An owner can give it to you."
        )
        st.html(f'<a class="quiet" href="/?{urlencode({session.CHOICE: chosen.name})}" target="_self">Label images</a>')

    return closed
