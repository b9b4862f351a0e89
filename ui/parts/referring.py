"""Sending labels to the Adjudicate page, and what became of it."""

from collections.abc import Callable
from typing import Final

import streamlit as st

from alflow.domain.projects import Project
from alflow.errors import AlflowError
from alflow.workflow.answers.refer import Referred
from ui.parts import session

_SENT: Final = "label-errors-sent"


def send(project: Project, refer: Callable[[], Referred]) -> None:
    """Send, and keep what is to be told on the next drawing."""
    try:
        done = refer()
    except AlflowError as error:
        st.session_state[_SENT] = (project.id, str(error), False)
        return
    count = len(done.sent)
    message = f"{count} {'image waits' if count == 1 else 'images wait'} on the Adjudicate page." if count else ""
    message += f" {len(done.known)} waited on the Adjudicate page already." if done.known else ""
    message += "".join(f" Image {item} {why}." for item, why in done.refused.items())
    st.session_state[_SENT] = (project.id, message, True)


def tell(project: Project) -> None:
    """What became of the last selection, shown once."""
    project_id, message, done = st.session_state.pop(_SENT, (None, "", False))
    if project_id == project.id:
        (st.success if done else st.warning)(session.escape(message))
