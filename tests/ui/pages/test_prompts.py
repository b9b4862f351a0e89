"""The Prompts page by Streamlit's own script runner: try, save, discard, and who may."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from alflow.domain.projects import Project
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.projects.class_changes import edit_classes
from alflow.workflow.projects.class_edits import Edit
from alflow.workflow.projects.projects import create_project, name_classes, project_classes
from alflow.workflow.rounds.advance import advance
from alflow.workspace import Workspace
from tests.colours import answer, colour_project

pytestmark = pytest.mark.slow


def page(everywhere: bool = True, role: str = "owner") -> None:
    """The page alone, without sign-in and navigation."""
    import streamlit as st

    from alflow.accounts import Role, Visitor
    from alflow.domain.answers import Annotator
    from alflow.ui.pages import prompts
    from alflow.ui.parts import session

    roles = {1: Role(role)}
    session.be(Visitor(Annotator(1, "Ada"), "", everywhere=everywhere, roles=roles))
    st.session_state["project"] = "colours"
    prompts.show(session.project())  # type: ignore[arg-type]


@pytest.fixture
def shown(drawn: Callable[..., AppTest]) -> Callable[..., AppTest]:
    return partial(drawn, page)


@pytest.fixture
def colours(workspace: Workspace, tmp_path: Path) -> Project:
    project = colour_project(workspace, tmp_path)
    embed_missing(workspace, project)
    advance(workspace, project.id)
    answer(workspace, project)
    advance(workspace, project.id)
    return project


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    return app.run()


def prompts(workspace: Workspace, project: Project) -> list[tuple[str, ...]]:
    return [label.prompts for label in project_classes(workspace, project.id)]


def test_a_trial_is_shown_and_stored_by_save_alone(
    workspace: Workspace, colours: Project, shown: Callable[..., AppTest]
) -> None:
    app = shown().run()
    assert not app.exception
    assert not app.metric
    before = prompts(workspace, colours)
    app.text_area[0].set_value("crimson, as blood\n\n a warm colour ")
    press(app, "Try")
    assert not app.exception
    assert app.metric[0].label == "Predictions that turn"
    assert any("4 labels of round 1 are fitted again" in one.value for one in app.caption)
    assert prompts(workspace, colours) == before
    press(app, "Save")
    assert not app.exception
    assert prompts(workspace, colours)[0] == ("crimson, as blood", "a warm colour")
    assert not app.metric


def test_a_draft_is_discarded(workspace: Workspace, colours: Project, shown: Callable[..., AppTest]) -> None:
    app = shown().run()
    app.text_area[0].set_value("crimson")
    press(app, "Try")
    press(app, "Discard")
    assert not app.exception
    assert not app.metric
    assert app.text_area[0].value == "a photo of a red"
    assert prompts(workspace, colours)[0] == ("a photo of a red",)


def test_templates_are_applied_to_all_names(
    workspace: Workspace, colours: Project, shown: Callable[..., AppTest]
) -> None:
    app = shown().run()
    app.multiselect[0].set_value(["The name alone"])
    app.text_area[1].set_value("my {}")
    press(app, "Try for all classes")
    assert not app.exception
    press(app, "Save")
    assert prompts(workspace, colours) == [("red", "my red"), ("blue", "my blue")]


@pytest.mark.usefixtures("colours")
def test_a_new_name_takes_its_prompts_along_within_a_draft(shown: Callable[..., AppTest]) -> None:
    app = shown().run()
    app.text_area[1].set_value("my {}")
    app.multiselect[0].set_value([])
    press(app, "Try for all classes")
    app.text_input[1].set_value("scarlet")
    press(app, "Try")
    assert not app.exception
    assert app.text_area[0].value == "my scarlet"


@pytest.mark.usefixtures("colours")
def test_what_cannot_be_stored_is_said_and_the_draft_stays(shown: Callable[..., AppTest]) -> None:
    app = shown().run()
    for text, message in (("a photo of a blue", "same prompts"), ("", "empty prompt"), ("a\na", "same prompt twice")):
        app.text_area[0].set_value(text)
        press(app, "Try")
        assert not app.exception
        assert [message in one.value for one in app.warning] == [True]
        assert not app.metric
    app.text_area[1].set_value("no place")
    press(app, "Try for all classes")
    assert ["where the class name goes" in one.value for one in app.warning] == [True]


def test_a_change_by_somebody_else_is_tried_anew_and_not_overwritten(
    workspace: Workspace, colours: Project, shown: Callable[..., AppTest]
) -> None:
    app = shown().run()
    app.text_area[0].set_value("crimson")
    press(app, "Try")
    edit_classes(workspace, colours.id, ["blue"], Edit(prompts=("the sky",)))
    press(app, "Save")
    assert not app.exception
    assert prompts(workspace, colours) == [("crimson",), ("the sky",)]


@pytest.mark.usefixtures("colours")
def test_reviewers_look_and_do_not_edit(shown: Callable[..., AppTest]) -> None:
    app = shown(everywhere=False, role="reviewer").run()
    assert not app.exception
    assert not app.button
    assert len(app.dataframe) == 1


@pytest.mark.usefixtures("colours")
def test_suggestions_are_told(shown: Callable[..., AppTest]) -> None:
    app = press(shown().run(), "Compare")
    assert not app.exception
    assert any("The 4 labels prefer" in one.value for one in app.markdown)


def test_before_anything_is_embedded_the_page_says_so(workspace: Workspace, shown: Callable[..., AppTest]) -> None:
    create_project(workspace, "colours", "demo", "fp32", name_classes(["red", "blue"]))
    app = shown().run()
    assert not app.exception
    assert ["no predictions to compare yet" in one.value for one in app.info] == [True]
    app.text_area[0].set_value("crimson")
    press(app, "Try")
    assert not app.exception
    assert any("no embedded image yet" in one.value for one in app.warning)
