"""What became of the last click: kept until the next drawing of the page, shown once."""

from collections.abc import Callable
from typing import Final

import streamlit as st

from alflow.accounts import Role
from alflow.domain.projects import Project
from alflow.errors import AlflowError
from alflow.ui.parts import session

_KEPT: Final = "told"


def act(project: Project, action: Callable[[], str], needs: Role | None = None) -> None:
    """Do it, and keep what it says it did, or why it refused; a visitor of a lower role than it `needs` may not."""
    if needs is not None and not session.may(needs, project):  # there is no button: the click was forged
        keep(project, "Your role in this project does not allow this.", done=False)
        return
    try:
        keep(project, action(), done=True)
    except AlflowError as error:
        keep(project, str(error), done=False)


def keep(project: Project | None, message: str, *, done: bool) -> None:
    """Keep what is told on the next drawing for this project, or where there is none yet."""
    st.session_state[_KEPT] = (project, message, done)


def tell(project: Project | None) -> None:
    """Show what was kept for this project."""
    of, message, done = st.session_state.pop(_KEPT, (project, "", False))
    if message and (of and of.id) == (project and project.id):
        (st.success if done else st.warning)(session.sentence(message))
