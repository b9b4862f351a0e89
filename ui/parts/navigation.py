"""The pages that a visitor may see; others are neither in the menu nor at their address.

A page is drawn for a project. Without one, every address shows how the first project is made.

Streamlit serves the first page at `/` alone, and says "Page not found" at the address that its name suggests; whoever
writes or keeps that one is led to `/`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import urlencode

import streamlit as st
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from streamlit.navigation.page import StreamlitPage

from alflow.accounts import Role
from alflow.domain.projects import Project
from alflow.ui.door import access
from alflow.ui.door.prefix import below
from alflow.ui.parts import session
from alflow.ui.parts.activity import line
from alflow.ui.parts.empty import no_role
from alflow.ui.parts.project_state import stopped

Show = Callable[..., None]
"""Draws a page for the chosen project; the one that makes the first project, for none."""
FIRST_PROJECT = "new"
"""The page that every address shows while there is no project."""
NEXT = "next-page"
"""Under which name a click keeps to which page it leads, whatever page it was on."""
_PAGES = "pages"


def first(request: Request) -> Response:
    """The first page, where it is."""
    query = request.url.query
    return RedirectResponse(f"/?{query}" if query else "/", status_code=307)


ROUTES = [Route(f"/{access.FIRST}", first, methods=["GET"])]


def run(shown: Mapping[str, Show]) -> None:
    """Draw the menu and the page whose address it is."""
    st.session_state[_PAGES] = every = {path: page(path, show, shown[FIRST_PROJECT]) for path, show in shown.items()}
    st.navigation(list(every.values()), expanded=True).run()


def go(path: str) -> None:
    """Leave this page for the one at that path; the drawing ends here."""
    st.switch_page(st.session_state[_PAGES][path])


def page(path: str, show: Show, first: Show) -> StreamlitPage:
    """The page at this path, for this visitor and the chosen project."""
    page = access.PAGES[path]
    project = session.project()
    if project is None:
        listed = session.visitor().everywhere
    else:
        listed = session.may(page.role, project) and page.offered(project)
    return st.Page(
        partial(_draw, page, show, first),
        title=page.title,
        icon=f":material/{page.icon}:",
        url_path=path,
        default=path == access.FIRST,
        visibility="visible" if listed else "hidden",
    )


def _draw(page: access.Page, show: Show, first: Show) -> None:
    if (path := st.session_state.pop(NEXT, None)) is not None:
        go(path)
    project = session.project()
    if project is None and session.visitor().everywhere:
        first(None)
    elif project is None:
        no_role()
    elif session.may(page.role, project):
        if page.role is not Role.ANNOTATOR:  # the desk and the grid tell those who wait by themselves
            stopped(project)
            line(project)
        show(project)
    else:
        _closed(page, project)


def _closed(page: access.Page, project: Project) -> None:
    st.header("Not for your role")
    held = session.visitor().role_in(project.id)
    st.write(f"Your role in this project is {held}; this page needs the role {page.role}. An owner can give it to you.")
    address = below(f"/?{urlencode({session.CHOICE: project.name})}")
    st.html(f'<a class="quiet" href="{address}" target="_self">Label images</a>')
