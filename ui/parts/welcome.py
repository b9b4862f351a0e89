"""What a newcomer sees above the desk, once: what is on the screen, what to press, and what comes of it."""

from typing import Final

import streamlit as st

from alflow.domain.projects import Project
from alflow.ui.parts import session
from alflow.workflow.people import hints
from alflow.workflow.people.hints import Hint
from alflow.workflow.projects import projects

_KEY: Final = "welcome"
_BY_THUMB: Final = "((max-width: 900px) or (max-height: 600px) or (pointer: coarse))"
_HEIGHT: Final = "8.4rem"  # of the three lines and the space below them, which the deck leaves


def welcome(project: Project) -> None:
    """Three lines, until the visitor puts them away; on a phone or tablet, where there are no keys, none."""
    if not hints.is_due(session.workspace(), session.require_annotator().id, Hint.WELCOME):
        return
    st.html(
        f"<style>@media {_BY_THUMB} {{ .st-key-{_KEY} {{ display: none }} }}"
        f"@media not {_BY_THUMB} {{ :root {{ --above: {_HEIGHT} }} }}</style>"
    )
    with st.container(
        border=True, key=_KEY, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.markdown(
            "1. **You see** one image that the model would like to know about, and the classes it may belong to.\n"
            "2. **Press** the key beside the right class. Backspace takes it back, Space skips, `?` shows all keys.\n"
            f"3. **After {project.settings.budget} images** the model learns. {_elsewhere()}"
        )
        st.button("Got it", on_click=_put_away, help="Do not show this again")


def _elsewhere() -> str:
    """Where else to look, for those who may."""
    mine = [each for each in projects.list_projects(session.workspace()) if session.visitor().role_in(each.id)]
    other = "another project" if len(mine) == 2 else f"{len(mine)} projects"
    more = f", and the list below it has {other}" if len(mine) > 1 else ""
    return f"The menu shows what came of that{more}."


def _put_away() -> None:
    hints.put_away(session.workspace(), session.require_annotator().id, Hint.WELCOME)
