"""The Quality page: how fast each person answers, for that person alone or for all."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from alflow.workflow.desk.messages import Answer
from alflow.workflow.projects.projects import change_settings
from alflow.workspace import Workspace
from tests.at_desk import visit
from tests.queues import open_queue
from tests.workflow.desk.answering import answer

pytestmark = pytest.mark.slow


def page(who: int) -> None:
    """The page alone, as that person sees it, who is a reviewer."""
    import streamlit as st

    from alflow.accounts import Role, Visitor
    from alflow.domain.answers import Annotator
    from alflow.ui.pages import quality
    from alflow.ui.parts import session

    session.be(Visitor(Annotator(who, "somebody"), "", {1: Role.REVIEWER}))
    st.session_state["project"] = "pets"
    quality.show(session.project())  # type: ignore[arg-type]


@pytest.mark.parametrize("for_all", [False, True])
def test_each_person_sees_their_own_speed(workspace: Workspace, drawn: Callable[..., AppTest], for_all: bool) -> None:
    world = open_queue(workspace.database, 2, n_annotators=2)
    change_settings(workspace, world.project.id, replace(world.project.settings, show_speeds=for_all))
    ada, bob = (one.id for one in world.annotators)
    for who, rank in ((ada, 0), (bob, 1)):
        visit(workspace, world.project.id, who, Answer(None, answer(world, rank)))
    shown = drawn(page, who=bob).run()
    assert not shown.exception
    rows = shown.dataframe[0].value.set_index("Annotator")["Median seconds"]
    assert rows["annotator 1"] == 1.25
    assert bool(rows["annotator 0"] == 1.25) is for_all
