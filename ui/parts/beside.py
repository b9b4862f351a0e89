"""What pages start beside themselves: one of a kind at a time for each project, and what became of the last one."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import streamlit as st

from alflow import started
from alflow.accounts import Role
from alflow.domain.projects import Project
from alflow.started import Started
from alflow.ui.parts import session, told
from alflow.ui.parts.clock import here
from alflow.ui.parts.live import live
from alflow.workflow.answers.quality import annotator_names

_SECONDS: Final = 2.0  # between two looks whether it is done
_FRESH: Final = timedelta(hours=1)


def start(project: Project, kind: str, arguments: Sequence[str], needs: Role, **more: str) -> None:
    """Start `alflow` with these arguments, for who may; refused while the last one of this kind runs.

    `more` are variables of its environment.
    """

    def begin() -> str:
        settings, by = session.workspace().settings, session.require_annotator().id
        started.start(settings, project.id, kind, by, arguments, **more)
        return "Started. It goes on when this page is left."

    told.act(project, begin, needs)


def is_fresh(project: Project, kind: str) -> bool:
    """Whether one of this kind runs, or was done just now: then people look for it."""
    last = _last(project, kind)
    return last is not None and datetime.now(UTC) - (last.ended_at or last.at) < _FRESH


def is_running(project: Project, kind: str) -> bool:
    """Whether one of this kind is on its way."""
    return started.is_running(session.workspace().settings, project.id, kind)


def ended(project: Project, kind: str, words: str) -> Started | None:
    """The last one of this kind, once it is done, with who began it and when; these words while it runs."""
    last = _last(project, kind)
    if last is None:
        return None
    by = session.escape(annotator_names(session.workspace()).get(last.by, "somebody"))
    if not last.running:
        until = f", done at {here(last.ended_at):%H:%M}" if last.ended_at else ""
        st.caption(f"Started by {by} on {here(last.at):%d %b %Y, %H:%M}{until}.")
        return last

    @live(_SECONDS, f"-{kind}")
    def running() -> None:
        if not is_running(project, kind):
            st.rerun()
        st.info(f"{words} Started by {by} at {here(last.at):%H:%M}.", icon=":material/hourglass_top:")

    running()
    return None


def tell(project: Project, kind: str, words: str, failed: Callable[[str], object] = st.error) -> None:
    """How the last one of this kind is doing: these words while it runs, then what it said, or why it `failed`."""
    done = ended(project, kind, words)
    if done is not None:
        (failed if done.fault else st.success)(session.sentence(done.fault or done.said))


def _last(project: Project, kind: str) -> Started | None:
    return started.last(session.workspace().settings, project.id, kind)
