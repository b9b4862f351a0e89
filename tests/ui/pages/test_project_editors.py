"""The Project page by Streamlit's own script runner: what is changed there is stored, and not by who may not."""

from collections.abc import Callable
from dataclasses import asdict, fields

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from alflow.domain.projects import Project, ProjectSettings, Suggestion
from alflow.errors import ConflictError
from alflow.ui.parts import class_table
from alflow.ui.parts.project_settings import GROUPS
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.class_changes import add_classes
from alflow.workflow.projects.projects import create_project, name_classes, project_classes
from alflow.workflow.projects.projects import project as stored_project
from alflow.workspace import Workspace

pytestmark = pytest.mark.slow


def page(role: str = "engineer") -> None:
    """The page alone, as Ada sees it."""
    import streamlit as st

    from alflow.accounts import Role, Visitor
    from alflow.domain.answers import Annotator
    from alflow.ui.pages import project
    from alflow.ui.parts import session

    session.be(Visitor(Annotator(1, "Ada"), "", {1: Role(role)}))
    st.session_state["project"] = "birds"
    project.show(session.project())  # type: ignore[arg-type]


@pytest.fixture
def birds(workspace: Workspace) -> Project:
    sign_in(workspace, "Ada")
    return create_project(workspace, "birds", "demo", "fp32", name_classes(["robin", "wren"]))


@pytest.fixture
def shown(drawn: Callable[..., AppTest], birds: Project) -> AppTest:
    assert birds.id == 1
    return drawn(page).run()


def section(shown: AppTest, name: str) -> AppTest:
    shown.session_state["project-section-1"] = name
    shown.run()
    assert not shown.exception
    return shown


def test_every_setting_has_a_place_and_a_meaning(shown: AppTest, workspace: Workspace, birds: Project) -> None:
    every = [name for names in GROUPS.values() for name in names]
    assert sorted(every) == sorted(each.name for each in fields(ProjectSettings))
    section(shown, "Settings")
    shown.number_input(key="setting-budget-1").set_value(50)
    shown.number_input(key="setting-max_labels-1").set_value(400)
    shown.selectbox(key="setting-suggestion-1").set_value(Suggestion.NEVER)
    shown.checkbox(key="setting-gold_feedback-1").set_value(True)
    shown.button[0].click().run()
    assert not shown.exception
    (told,) = shown.success
    assert told.value.replace("\\", "").startswith("Saved: Images per round, The model")
    wanted = {"budget": 50, "max_labels": 400, "suggestion": Suggestion.NEVER, "gold_feedback": True}
    assert asdict(stored_project(workspace, birds.id).settings) == asdict(birds.settings) | wanted


def test_what_cannot_be_set_is_refused_in_words(shown: AppTest, workspace: Workspace, birds: Project) -> None:
    section(shown, "Settings")
    shown.number_input(key="setting-label_price-1").set_value(1.0)  # an open end
    shown.button[0].click().run()
    assert ["label_price" in one.value.replace("\\", "") for one in shown.warning] == [True]
    assert stored_project(workspace, birds.id).settings == birds.settings


def test_guidelines_are_stored(shown: AppTest, workspace: Workspace, birds: Project) -> None:
    section(shown, "Guidelines")
    shown.text_area[0].set_value("Wrens are small.")
    shown.button[0].click().run()
    assert not shown.exception
    assert stored_project(workspace, birds.id).guidelines == "Wrens are small."


def test_a_reviewer_sees_no_editor(drawn: Callable[..., AppTest], birds: Project) -> None:
    shown = drawn(page, role="reviewer").run()
    assert not shown.exception
    assert birds.name in shown.header[0].value
    (sections,) = shown.get("button_group")
    assert list(sections.options) == ["At a glance", "Images", "Export"]


def test_the_table_of_classes_is_what_is_stored(workspace: Workspace, shown: AppTest, birds: Project) -> None:
    """By the rows that an editor gives: order, a new row without numbers, a name, a row less."""
    section(shown, "Classes")
    assert shown.button[0].label == "Save the classes"
    before = project_classes(workspace, birds.id)
    robin, wren = before
    rows = pd.DataFrame(
        [
            (robin.id, 2.0, "r", "red robin", "robin", "thrushes"),
            (wren.id, 1.0, "2", "wren", "Wren", None),
            (None, None, None, "owl", None, None),
        ],
        columns=["id", "Place", "Key", "Name", "Shown as", "Group"],
    )
    assert class_table._save(birds, rows, before) == "Saved: 1 added, 2 changed. All predictions follow from now on."
    now = project_classes(workspace, birds.id)
    assert [(each.id, each.name, each.display_name, each.hot_key, each.prompts) for each in now[:2]] == [
        (wren.id, "wren", "Wren", "2", ("a photo of a Wren",)),
        (robin.id, "red robin", "red robin", "r", ("a photo of a red robin",)),
    ]
    assert (now[2].name, now[2].hot_key) == ("owl", "1")
    assert [each.group for each in now] == ["", "thrushes", ""]
    assert class_table._save(birds, rows.iloc[1:2].assign(Key="2"), now).startswith("Saved: 2 removed")
    add_classes(workspace, birds.id, name_classes(["lark"]))
    with pytest.raises(ConflictError, match="meanwhile"):
        class_table._save(birds, rows, now)
