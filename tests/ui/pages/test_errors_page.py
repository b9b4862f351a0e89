"""The Label errors page, by Streamlit's own script runner: each section on a labelled project, and on an empty one."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from alflow.workflow.answers.refer import referred_items
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import create_project, name_classes, project
from alflow.workspace import Workspace
from tests.colours import colour_project
from tests.workflow.insight.labelled import labelled_project

pytestmark = pytest.mark.slow

SECTIONS = ("Doubtful labels", "Confused classes", "Unclear images", "Near copies")


def page() -> None:
    """The page alone, without sign-in and navigation."""
    import streamlit as st

    from alflow.accounts import Visitor
    from alflow.domain.answers import Annotator
    from alflow.ui.pages import errors
    from alflow.ui.parts import session

    session.be(Visitor(Annotator(1, "Ada"), "", everywhere=True))
    st.session_state["project"] = "colours"
    errors.show(session.project())  # type: ignore[arg-type]


@pytest.fixture
def shown(workspace: Workspace, drawn: Callable[..., AppTest]) -> AppTest:
    sign_in(workspace, "Ada")
    return drawn(page)


def words(shown: AppTest) -> str:
    kinds = (shown.info, shown.caption, shown.markdown, shown.subheader, shown.success, shown.warning)
    return "\n".join(one.value for kind in kinds for one in kind)


def open_section(shown: AppTest, name: str) -> AppTest:
    shown.session_state["errors-section"] = name
    shown.run()
    assert not shown.exception
    return shown


def test_the_most_doubtful_labels_are_sent_from_it(shown: AppTest, workspace: Workspace, tmp_path: Path) -> None:
    found, wrong = labelled_project(workspace, tmp_path)
    open_section(shown, "Doubtful labels")
    assert shown.metric[0].value == "12"
    against = int(shown.metric[1].value)
    (send,) = [one for one in shown.button if "to adjudication" in one.label]
    assert send.label == f"Send {against} to adjudication"
    send.click().run()
    assert not shown.exception
    assert f"{against} images wait on the Adjudicate page." in words(shown).replace("\\", "")
    assert set(wrong) <= set(referred_items(workspace, found.id))
    assert shown.metric[3].value == str(against)
    for section in SECTIONS[1:]:
        open_section(shown, section)
    assert "Test images with a near copy in pool or target" in words(shown)


def test_an_unclear_image_goes_into_the_guidelines_once(shown: AppTest, workspace: Workspace, tmp_path: Path) -> None:
    found, _ = labelled_project(workspace, tmp_path)
    open_section(shown, "Unclear images")
    for _ in range(2):
        next(one for one in shown.button if "guidelines" in one.label).click().run()
    assert not shown.exception
    text = project(workspace, found.id).guidelines
    assert text.count(f"/images/{found.id}/") == 1
    assert "To be decided." in text
    assert "already" in words(shown)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_says_what_is_missing(section: str, shown: AppTest, workspace: Workspace, tmp_path: Path) -> None:
    colour_project(workspace, tmp_path)
    said = words(open_section(shown, section))
    assert "Nobody has labelled" in said or "No two classes" in said or "no embedded image yet" in said


@pytest.mark.parametrize("section", SECTIONS)
def test_a_project_with_nothing_in_it_is_no_error(section: str, shown: AppTest, workspace: Workspace) -> None:
    create_project(workspace, "colours", "demo", "fp32", name_classes(["red"]))
    assert words(open_section(shown, section))
