"""The Project page: stop, let go on, archive and delete; and who may."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from alflow.domain.projects import Project, ProjectState
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import create_project, find_project, list_projects, name_classes
from alflow.workflow.projects.states import change_state
from alflow.workspace import Workspace

pytestmark = pytest.mark.slow


def page(role: str) -> None:
    """The sidebar and the page, as Ada sees them."""
    import streamlit as st

    from alflow.accounts import Role, Visitor
    from alflow.domain.answers import Annotator
    from alflow.ui.pages import project
    from alflow.ui.parts import session
    from alflow.ui.parts.project_state import stopped

    session.be(Visitor(Annotator(1, "Ada"), "", {1: Role(role), 2: Role(role)}))
    session.choose_project()
    if (chosen := session.project()) is None:
        st.write("nothing is chosen")
    else:
        stopped(chosen)
        project.show(chosen)


@pytest.fixture
def pets(workspace: Workspace) -> Project:
    """A project of Ada's."""
    sign_in(workspace, "Ada")
    return create_project(workspace, "pets", "demo", "fp32", name_classes(["cat", "dog"]))


def opened(shown: AppTest, project: Project) -> AppTest:
    shown.session_state[f"project-section-{project.id}"] = "Stop or delete"
    return shown.run()


def labels(shown: AppTest) -> list[str]:
    assert not shown.exception
    return [one.label for one in shown.button]


def test_stop_and_go_on(workspace: Workspace, pets: Project, drawn: Callable[..., AppTest]) -> None:
    shown = opened(drawn(page, role="engineer"), pets)
    assert labels(shown) == ["Stop"]  # to archive and delete is for owners
    shown.button(key=f"state-stopped-{pets.id}").click().run()
    assert labels(shown) == ["Let it go on"]
    assert find_project(workspace, "pets").state is ProjectState.STOPPED
    assert any("This project is stopped: nothing runs" in one.value for one in shown.info)
    assert any("is stopped now" in one.value for one in shown.success)
    shown.button(key=f"state-active-{pets.id}").click().run()
    assert (labels(shown), list(shown.info)) == (["Stop"], [])
    assert find_project(workspace, "pets").is_active


def test_what_is_archived_is_in_no_list_and_comes_back(
    workspace: Workspace, pets: Project, drawn: Callable[..., AppTest]
) -> None:
    shown = opened(drawn(page, role="owner"), pets)
    shown.button(key=f"state-archived-{pets.id}").click().run()
    assert find_project(workspace, "pets").state is ProjectState.ARCHIVED
    assert [one.value for one in shown.markdown] == ["nothing is chosen"]
    assert [one.label for one in shown.expander] == ["Archived projects: 1"]
    shown.button(key=f"unarchive-{pets.id}").click().run()
    assert find_project(workspace, "pets").is_active
    assert shown.selectbox(key="project").value == "pets"


def test_who_is_no_owner_sees_no_archived_project(
    workspace: Workspace, pets: Project, drawn: Callable[..., AppTest]
) -> None:
    change_state(workspace, pets.id, ProjectState.ARCHIVED)
    shown = drawn(page, role="engineer").run()
    assert ([one.value for one in shown.markdown], list(shown.expander)) == (["nothing is chosen"], [])


def test_delete_says_what_goes_and_asks_for_the_name(
    workspace: Workspace, pets: Project, drawn: Callable[..., AppTest]
) -> None:
    create_project(workspace, "other", "demo", "fp32")
    shown = opened(drawn(page, role="owner"), pets)
    assert shown.selectbox(key="project").options == ["other", "pets"]
    shown.selectbox(key="project").set_value("pets").run()
    shown.button(key=f"ask-delete-asked-{pets.id}").click().run()
    (said,) = (one.value for one in shown.warning)
    assert "What goes for good: files that alflow keeps" in said
    shown.text_input[0].set_value("<b>pets</b>")
    shown.button(key=f"FormSubmitter:delete-{pets.id}-Delete for good").click().run()
    assert any("nothing was deleted" in one.value for one in shown.error)
    assert find_project(workspace, "pets") == pets
    shown.text_input[0].set_value(" pets ")
    shown.button(key=f"FormSubmitter:delete-{pets.id}-Delete for good").click().run()
    assert not shown.exception
    assert [one.name for one in list_projects(workspace)] == ["other"]
    assert shown.selectbox(key="project").options == ["other"]
