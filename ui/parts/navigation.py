"""The pages that a visitor may see; others are neither in the menu nor at their address.

A page is drawn for a project. Without one, every address shows the way to the first project instead.

Streamlit serves the first page at `/` alone, and says "Page not found" at the address that its name suggests; whoever
writes or keeps that one is led to `/`.
"""

from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode

import streamlit as st
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from streamlit.navigation.page import StreamlitPage

from alflow.domain.projects import Project
from ui.door import access
from ui.parts import session
from ui.parts.empty import no_project, no_role

Show = Callable[[Project], None]


def first(request: Request) -> Response:
    """The first page, where it is."""
    query = request.url.query
    return RedirectResponse(f"/?{query}" if query else "/", status_code=307)


ROUTES = [Route(f"/{access.FIRST}", first, methods=["GET"])]


def page(path: str, show: Show) -> StreamlitPage:
    """The page at this path, for this visitor and the chosen project."""
    page = access.PAGES[path]
    project = session.project()
    if project is None:
        listed = session.visitor().everywhere
    else:
        listed = session.may(page.role, project) and page.offered(project)
    return st.Page(
        partial(_draw, page, show),
        title=page.title,
        icon=f":material/{page.icon}:",
        url_path=path,
        default=path == access.FIRST,
        visibility="visible" if listed else "hidden",
    )


def _draw(page: access.Page, show: Show) -> None:
    project = session.project()
    if project is None:
        (no_project if session.visitor().everywhere else no_role)()
    elif session.may(page.role, project):
        show(project)
    else:
        _closed(page, project)


def _closed(page: access.Page, project: Project) -> None:
    st.header("Not for your role")
    held = session.visitor().role_in(project.id)
    st.write(f"Your role in this project is {held}; this page needs the role {page.role}. An owner can give it to you.")
    st.html(f'<a class="quiet" href="/?{urlencode({session.CHOICE: project.name})}" target="_self">Label images</a>')
