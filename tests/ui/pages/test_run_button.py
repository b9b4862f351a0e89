"""The Rounds page: run now, open, close early, reopen and drop; and the quiet line of what runs, on every page."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from alflow.domain.projects import Project, ProjectState
from alflow.domain.rounds import RoundState
from alflow.domain.runs import Run, Step, Wish
from alflow.settings import Settings
from alflow.store.projects import runs, troubles
from alflow.ui.parts.activity import can_be_opened
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.states import change_state
from alflow.workflow.rounds.review import round_summaries
from alflow.workflow.rounds.waiting import note_look
from alflow.workspace import Workspace
from tests.browser import world

LINK = "http://127.0.0.1:4200/runs/flow-run/1"


def page(role: str) -> None:
    """The button and the line, as Ada sees them."""
    import streamlit as st

    from alflow.accounts import Role, Visitor
    from alflow.domain.answers import Annotator
    from alflow.ui.parts import session, told
    from alflow.ui.parts.activity import line
    from alflow.ui.parts.run_button import run_button
    from alflow.workflow.rounds.review import round_summaries

    session.be(Visitor(Annotator(1, "Ada"), "", {1: Role(role)}))
    st.session_state["project"] = "pets"
    project = session.project()
    assert project is not None
    line(project)
    told.tell(project)
    summaries = round_summaries(session.workspace(), project.id)
    run_button(project, summaries[-1].round if summaries else None)


@pytest.fixture
def pets(workspace: Workspace, tmp_path: Path) -> Project:
    """Four images, about which an open round asks."""
    sign_in(workspace, "Ada")
    return world.build(workspace, tmp_path, "pets", 4)[0]


def drawn_page(shown: AppTest) -> AppTest:
    shown.run()
    assert not shown.exception
    return shown


def choose(shown: AppTest, words: str) -> str:
    """Choose it and do it; what was said that it would do."""
    shown.radio[0].set_value(words).run()
    said = " ".join(one.value for one in shown.caption).replace("\\", "")
    shown.button(key="run-1").click().run()
    assert not shown.exception
    return said


def state(workspace: Workspace, project: Project) -> list[RoundState]:
    return [one.round.state for one in round_summaries(workspace, project.id)]


@pytest.mark.slow
def test_run_now_is_asked_for(workspace: Workspace, pets: Project, drawn: Callable[..., AppTest]) -> None:
    shown = drawn_page(drawn(page, role="engineer"))
    assert "without the pauses after failures" in choose(shown, "Run now")
    assert any("No schedule looks at this project" in one.value for one in shown.success)
    with workspace.database.read() as tx:
        assert runs.asked(tx)[pets.id].wish is Wish.RUN
    note_look(workspace, pets.id)
    choose(shown, "Run now")
    assert any("The schedule looks every few seconds" in one.value for one in shown.success)


@pytest.mark.slow
def test_a_round_is_closed_early_and_told_first(
    workspace: Workspace, pets: Project, drawn: Callable[..., AppTest]
) -> None:
    shown = drawn_page(drawn(page, role="engineer"))
    assert "to 0 of its 4 images; the other 4 are asked about no more" in choose(shown, "Close round 1 early")
    assert state(workspace, pets) == [RoundState.LABELLED]
    assert "Close round 1 early" not in shown.radio[0].options
    with workspace.database.read() as tx:
        assert pets.id in runs.asked(tx)


@pytest.mark.slow
def test_a_round_is_dropped_and_another_is_asked_for(
    workspace: Workspace, pets: Project, drawn: Callable[..., AppTest]
) -> None:
    shown = drawn_page(drawn(page, role="engineer"))
    assert "4 of its 4 images are asked about no more" in choose(shown, "Drop round 1")
    assert state(workspace, pets) == []
    assert shown.radio[0].options == ["Run now", "Open a round now"]
    choose(shown, "Open a round now")
    with workspace.database.read() as tx:
        assert runs.asked(tx)[pets.id].wish is Wish.OPEN


@pytest.mark.slow
def test_who_may_not_is_offered_nothing(workspace: Workspace, pets: Project, drawn: Callable[..., AppTest]) -> None:
    assert list(drawn_page(drawn(page, role="reviewer")).button) == []
    change_state(workspace, pets.id, ProjectState.STOPPED)
    assert list(drawn_page(drawn(page, role="owner")).button) == []


def lines(shown: AppTest) -> list[str]:
    return [one.proto.body for one in shown.get("html")]


@pytest.mark.slow
def test_the_line_tells_what_runs_and_the_way_to_it(
    workspace: Workspace, pets: Project, drawn: Callable[..., AppTest]
) -> None:
    shown = drawn_page(drawn(page, role="engineer"))
    assert lines(shown) == []
    at = datetime(2026, 1, 2, 10, 32, tzinfo=UTC)
    with workspace.database.begin() as tx:
        runs.tell(tx, pets.id, Run(Step.CLOSE, 3, "<b>", None, None, at, at, LINK), datetime.now(UTC))
    (said,) = lines(drawn_page(shown))
    assert "Round 3 is being closed: &lt;b&gt;, since 10:32." in said
    assert f'href="{LINK}"' in said
    assert LINK not in lines(drawn_page(drawn(page, role="reviewer")))[0]
    with workspace.database.begin() as tx:
        runs.end(tx, pets.id, at)
        troubles.record(tx, pets.id, "the disk <is> full: make room", at - timedelta(minutes=1))
    (said,) = lines(drawn_page(shown))
    assert "The last run failed</strong>: the disk &lt;is&gt; full: make room" in said
    assert f'href="{LINK}"' in said


@pytest.mark.parametrize(
    ("link", "public_url", "opens"),
    [
        (LINK, "", True),
        (LINK, "https://label.example.org", False),
        ("https://prefect.example.org/runs/flow-run/1", "https://label.example.org", True),
        ("javascript:alert(1)", "", False),
        ("", "", False),
    ],
)
def test_an_address_of_this_machine_is_for_who_sits_at_it(link: str, public_url: str, opens: bool) -> None:
    assert can_be_opened(link, Settings(public_url=public_url)) is opens
