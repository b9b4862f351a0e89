"""What a newcomer sees above the desk, once: what is on the screen, what to press, and what comes of it."""

from typing import Final

import streamlit as st

from alflow.domain.projects import Project
from alflow.ui.parts import session
from alflow.workflow.people import hints
from alflow.workflow.people.hints import Hint
from alflow.workflow.projects import projects

_KEY: Final = "welcome"
_BY_THUMB: Final = "(max-width: 900px), (max-height: 600px), (pointer: coarse)"


def welcome(project: Project) -> None:
    """Three lines, until the visitor puts them away; on a phone or tablet, where there are no keys, none."""
    if not hints.is_due(session.workspace(), session.require_annotator().id, Hint.WELCOME):
        return
    st.html(f"<style>@media {_BY_THUMB} {{ .st-key-{_KEY} {{ display: none }} }}</style>")
    with st.container(border=True, key=_KEY):
        lines, button = st.columns([6, 1], vertical_alignment="center")
        lines.markdown(
            "1. **You see** one image that the model would like to know about, and the classes it may belong to.\n"
            "2. **Press** the key beside the right class, or click it: that is stored, and the next image comes. "
            "Backspace takes it back, Space skips, `?` shows all keys.\n"
            f"3. **After {project.settings.budget} images** the model learns from the answers and asks about others. "
            f"{_elsewhere()}"
        )
        button.button("Got it", on_click=_put_away, width="stretch", help="Do not show this again")


def _elsewhere() -> str:
    """Where else to look, for those who may."""
    mine = [each for each in projects.list_projects(session.workspace()) if session.visitor().role_in(each.id)]
    other = "the list below it has another project" if len(mine) == 2 else f"the list below it has {len(mine)} projects"
    return f"The menu shows what came of that; {other}." if len(mine) > 1 else "The menu shows what came of that."


def _put_away() -> None:
    hints.put_away(session.workspace(), session.require_annotator().id, Hint.WELCOME)
