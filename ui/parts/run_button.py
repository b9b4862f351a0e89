"""On the Rounds page: start a run now, open a round, end one early, or take one back; each says first what it does."""

from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st

from alflow.domain.projects import Project
from alflow.domain.rounds import Round, RoundState
from alflow.domain.runs import Wish
from alflow.errors import AlflowError
from alflow.ui.door import access
from alflow.ui.parts import session, told
from alflow.workflow.rounds import rollback
from alflow.workflow.rounds.telling import ask_for_run
from alflow.workflow.rounds.waiting import is_missed, last_look

_RUN = "Run now"
_OPEN = "Open a round now"

Choice = tuple[Callable[[], str], Callable[[], object]]
"""What it does, in words, before it is done; and how it is done."""


def run_button(project: Project, newest: Round | None) -> None:
    """Offer what can be done now, to those who may."""
    if not (project.is_active and session.may(access.RUN_PROJECT, project)):
        return
    with st.popover("Run", icon=":material/play_arrow:"):
        choices = _choices(project, newest)
        chosen = st.radio("What", list(choices), key=f"run-what-{project.id}", label_visibility="collapsed")
        says, act = choices[chosen]
        try:
            st.caption(session.sentence(says()))
        except AlflowError as error:
            st.caption(session.sentence(error))
            return
        given = (project, partial(_done, project, act), access.RUN_PROJECT)
        st.button(chosen, key=f"run-{project.id}", on_click=told.act, args=given)


def _choices(project: Project, newest: Round | None) -> Mapping[str, Choice]:
    workspace, key = session.workspace(), project.id
    found: dict[str, Choice] = {_RUN: (_what_a_run_does, partial(ask_for_run, workspace, key))}
    if newest is None or newest.state is RoundState.CLOSED:
        found[_OPEN] = (_what_opening_does, partial(ask_for_run, workspace, key, Wish.OPEN))
    if newest is None:
        return found
    number = newest.number
    if newest.state is RoundState.CLOSED:
        does = partial(rollback.what_reopening_does, workspace, key, number)
        found[f"Reopen round {number}"] = (does, partial(rollback.reopen_round, workspace, key, number))
        return found
    if newest.state is RoundState.OPEN:
        does = partial(rollback.what_closing_does, workspace, key, number)
        found[f"Close round {number} early"] = (does, partial(_close, project, number))
    who = session.require_annotator().id
    for withdraw, words in ((False, f"Drop round {number}"), (True, f"Drop round {number} and its answers")):
        does = partial(rollback.what_dropping_does, workspace, key, number, withdraw=withdraw)
        found[words] = (does, partial(rollback.drop_round, workspace, key, who, number, withdraw=withdraw))
    return found


def _close(project: Project, number: int) -> None:
    rollback.close_early(session.workspace(), project.id, number)
    ask_for_run(session.workspace(), project.id)


def _done(project: Project, act: Callable[[], object]) -> str:
    act()
    return f"Done. {_when(project)}"


def _when(project: Project) -> str:
    if is_missed(session.workspace(), last_look(session.workspace(), project.id)):
        return "No schedule looks at this project: start `alflow up`, or run `alflow advance` in a terminal."
    return "The schedule looks every few seconds and does what is due."


def _what_a_run_does() -> str:
    return (
        "The schedule does what is due at once, without the pauses after failures: it looks at watched sources, embeds "
        "new images and those that failed, closes an answered round and opens the next"
    )


def _what_opening_does() -> str:
    return "The next round opens now, also where a rule has stopped the project"
