"""What pages start beside themselves: one of a kind at a time for each project, and what became of the last one."""

from collections.abc import Callable, Sequence
from typing import Final

import streamlit as st

from alflow.accounts import Role
from alflow.disk import disk_errors
from alflow.domain.projects import Project
from alflow.errors import ConflictError
from alflow.ids import ProjectId
from alflow.started import Started
from alflow.ui.parts import session, told
from alflow.ui.parts.live import live

_SECONDS: Final = 2.0  # between two looks whether it is done
_started: Final[dict[tuple[ProjectId, str], Started]] = {}


def start(project: Project, kind: str, arguments: Sequence[str], needs: Role, **more: str) -> None:
    """Start `alflow` with these arguments, for who may; refused while the last one of this kind runs.

    `more` are variables of its environment.
    """

    def begin() -> str:
        if is_running(project, kind):
            raise ConflictError("this is running already: wait until it is done")
        with disk_errors("the folder of temporary files"):
            _started[project.id, kind] = Started(session.workspace().settings, arguments, **more)
        return "Started. It goes on when this page is left."

    told.act(project, begin, needs)


def is_known(project: Project, kind: str) -> bool:
    """Whether one of this kind runs, or is done."""
    return (project.id, kind) in _started


def is_running(project: Project, kind: str) -> bool:
    """Whether one of this kind is on its way."""
    return (last := _started.get((project.id, kind))) is not None and last.code is None


def ended(project: Project, kind: str, words: str) -> Started | None:
    """The last one of this kind, once it is done; while it runs the page says so in these words."""
    last = _started.get((project.id, kind))
    if last is None or last.code is not None:
        return last

    @live(_SECONDS, f"-{kind}")
    def running() -> None:
        if last.code is not None:
            st.rerun()
        st.info(words, icon=":material/hourglass_top:")

    running()
    return None


def tell(project: Project, kind: str, words: str, failed: Callable[[str], object] = st.error) -> None:
    """How the last one of this kind is doing: these words while it runs, then what it said, or why it `failed`."""
    done = ended(project, kind, words)
    if done is not None:
        (failed if done.code else st.success)(session.sentence(done.fault or done.said))
