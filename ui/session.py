"""Who looks, and at which project: what every page asks first."""

import re

import streamlit as st

from alflow.domain import Annotator, Project
from alflow.workflow import projects
from alflow.workspace import Workspace
from ui import services, sign_in

CHOICE = "project"


def workspace() -> Workspace:
    """The open workspace of this process."""
    return services.current().workspace


def require_annotator() -> Annotator:
    """Who is signed in; the page stops where there is none (the gate lets nobody come so far: a second lock)."""
    doorkeeper = services.current().doorkeeper
    annotator = doorkeeper.read(st.context.cookies.get(doorkeeper.cookie))
    if annotator is None:
        st.html(f'<a href="{sign_in.PATH}" target="_self">Sign in</a>')
        st.stop()
    return annotator


def choose_project() -> None:
    """The sidebar: the project selector, remembered in the address, and who is signed in."""
    names = [project.name for project in projects.list_projects(workspace())]
    with st.sidebar:
        if names:
            wanted = st.query_params.get(CHOICE)
            st.session_state.setdefault(CHOICE, wanted if wanted in names else names[0])
            if st.session_state[CHOICE] not in names:
                st.session_state[CHOICE] = names[0]
            st.query_params[CHOICE] = st.selectbox("Project", names, key=CHOICE)
        st.caption(f"Signed in as **{escape(require_annotator().name)}**")
        st.html(f'<a class="quiet" href="{sign_in.LEAVE}" target="_self">Sign out</a>')


def project() -> Project | None:
    """The chosen project, or None while there is none."""
    name = st.session_state.get(CHOICE)
    return projects.find_project(workspace(), name) if name else None


def escape(text: str) -> str:
    """Text from outside, made harmless inside Markdown."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:])", r"\\\1", text)
