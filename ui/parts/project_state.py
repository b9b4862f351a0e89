"""On the Project page: stop a project and let it go on, archive it, or delete it for good."""

from typing import Any

import streamlit as st

from alflow.domain.projects import Project, ProjectState
from alflow.errors import AlflowError
from alflow.ui.door import access
from alflow.ui.parts import session, told
from alflow.workflow.operating.deleting import belongings, delete_project
from alflow.workflow.projects.states import WHAT_IT_DOES, change_state


def state(project: Project) -> None:
    """What may be done now, each with what it means."""
    if project.is_active:
        _change(project, ProjectState.STOPPED, "Stop", ":material/pause:")
    else:
        _change(project, ProjectState.ACTIVE, "Let it go on", ":material/play_arrow:")
    if session.may(access.END_PROJECT, project):
        _change(project, ProjectState.ARCHIVED, "Archive", ":material/archive:")
        _delete(project)


def stopped(project: Project) -> None:
    """What is told on every page of a project that is stopped."""
    if not project.is_active:
        st.info(
            "This project is stopped: nothing runs and nobody is asked. What was answered is kept.",
            icon=":material/pause:",
        )


def _change(project: Project, to: ProjectState, title: str, icon: str) -> None:
    st.subheader(title, anchor=False)
    st.write(WHAT_IT_DOES[to])
    needed = access.END_PROJECT if to is ProjectState.ARCHIVED else access.STOP_PROJECT

    def change() -> str:
        return f"The project is {change_state(session.workspace(), project.id, to).state} now."

    st.button(title, icon=icon, on_click=told.act, args=(project, change, needed), key=f"state-{to}-{project.id}")


def _delete(project: Project) -> None:
    st.subheader("Delete", anchor=False)
    st.write(
        "A project that is deleted is gone for good: its labels with their history, its rounds, and all files that "
        "alflow keeps of its images, uploads among them. Images that came from elsewhere stay there, as do exported "
        "files and backups."
    )
    asked = f"delete-asked-{project.id}"
    if not st.session_state.get(asked):
        ask: dict[str, Any] = {"on_click": st.session_state.update, "args": ({asked: True},), "key": f"ask-{asked}"}
        st.button("Delete ...", icon=":material/delete_forever:", **ask)
        return
    what = belongings(session.workspace(), project.id)
    st.warning(f"What goes for good: {session.escape(what.words)}.")
    with st.form(f"delete-{project.id}", border=False):
        typed = st.text_input("Type the name of the project to delete it", autocomplete="off")
        if st.form_submit_button("Delete for good", icon=":material/delete_forever:", type="primary"):
            _gone(project, typed)


def _gone(project: Project, typed: str) -> None:
    if not session.may(access.END_PROJECT, project):
        return
    if typed.strip() != project.name:
        st.error("This is not the name of the project: nothing was deleted.")
        return
    try:
        with st.spinner("Deleting"):
            delete_project(session.workspace(), project.id)
    except AlflowError as error:
        told.keep(None, str(error), done=False)
    else:
        st.toast(f"{session.escape(project.name)} is deleted.")
    st.rerun()
