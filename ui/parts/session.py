"""The visitor and the chosen project, which every page needs first."""

import re

import streamlit as st

from alflow.accounts import Role, Visitor
from alflow.domain.answers import Annotator
from alflow.domain.projects import Project
from alflow.text import visible
from alflow.workflow.projects import projects
from alflow.workspace import Workspace
from ui.door import password, sign_in
from ui.parts import services

CHOICE = "project"
_VISITOR = "visitor"
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_FOUND_LATER = re.compile(r"[:@](?=\S)|www(?=\\\.)|[-<>=~](?=\\[-<>=~])", re.IGNORECASE)


def workspace() -> Workspace:
    """The open workspace of this process."""
    return services.current().workspace


def enter() -> Visitor:
    """The signed-in visitor, kept for the rest of this run; without one the run stops (the gate admits nobody)."""
    visitor = services.current().doorkeeper.visitor(st.context.cookies)
    if visitor is None:
        st.html(f'<a href="{sign_in.PATH}" target="_self">Sign in</a>')
        st.stop()
    be(visitor)
    return visitor


def be(visitor: Visitor) -> None:
    """Set the visitor of this page."""
    st.session_state[_VISITOR] = visitor


def visitor() -> Visitor:
    """The visitor, with their current roles: the gate ends a page when these change."""
    found = st.session_state[_VISITOR]
    assert isinstance(found, Visitor)
    return found


def require_annotator() -> Annotator:
    """The annotator that the visitor is."""
    return visitor().annotator


def may(needed: Role, there: Project | None = None) -> bool:
    """Whether the visitor's role in that project, else in the chosen one, is enough.

    A click that changes a project asks about that project: its message may choose another one at the same time.
    """
    there = there or project()
    return there is not None and visitor().may(needed, there.id)


def choose_project() -> None:
    """The sidebar: the visitor's projects, the chosen one remembered in the address, and who is signed in."""
    mine = [each for each in projects.list_projects(workspace()) if visitor().role_in(each.id)]
    names = [each.name for each in mine]
    with st.sidebar:
        if names:
            wanted = st.query_params.get(CHOICE)
            st.session_state.setdefault(CHOICE, wanted if wanted in names else names[0])
            if st.session_state[CHOICE] not in names:
                st.session_state[CHOICE] = names[0]
            st.query_params[CHOICE] = st.selectbox("Project", names, key=CHOICE)
        else:
            st.session_state.pop(CHOICE, None)
        st.caption(f"Signed in as **{escape(visitor().annotator.name)}**{_role()}")
        st.html(f'<nav class="account" aria-label="Account">{_ways()}</nav>')


def project() -> Project | None:
    """The chosen project, or None while there is none that the visitor has a role in."""
    name = st.session_state.get(CHOICE)
    found = projects.find_project(workspace(), name) if name else None
    return found if found is not None and visitor().role_in(found.id) else None


def _ways() -> str:
    """The links of the sidebar that concern the visitor's own account."""
    change = f'<a class="quiet" href="{password.PATH}" target="_self">Change password</a>'
    leave = f'<form method="post" action="{sign_in.LEAVE}"><button class="quiet">Sign out</button></form>'
    return (change if visitor().has_password else "") + leave


def _role() -> str:
    chosen = project()
    held = None if chosen is None or visitor().everywhere else visitor().role_in(chosen.id)
    return f", {held}" if held else ""


def escape(text: str) -> str:
    r"""Text from outside in one line, made harmless inside Markdown: shown as it is, no link, picture, icon or formula.

    After Markdown, Streamlit looks for addresses, icons, emoji and arrows, whether escaped or not: an invisible word
    joiner prevents that.
    """
    plain = _PUNCTUATION.sub(r"\\\g<0>", " ".join(visible(text, keep="\n\t").split()))
    return _FOUND_LATER.sub("\\g<0>\u2060", plain)
