"""The People page: what an owner presses there happens, and what is refused is said."""

import sys

import pytest
from streamlit.testing.v1 import AppTest

from alflow.accounts import OPERATOR, Role
from alflow.domain.projects import Project
from alflow.workflow.people import accounts as people
from alflow.workflow.people import invitations
from alflow.workflow.projects.projects import create_project
from alflow.workspace import Workspace
from ui.door import gate
from ui.parts import services, session


def page() -> None:
    """The page alone, as Ada sees it."""
    import streamlit as st

    from alflow.accounts import Role, Visitor
    from alflow.domain.answers import Annotator
    from ui.pages import people
    from ui.parts import session

    session.be(Visitor(Annotator(1, "Ada"), "", {1: Role.OWNER}))
    st.session_state["project"] = "birds"
    people.show(session.project())  # type: ignore[arg-type]


@pytest.fixture
def birds(workspace: Workspace) -> Project:
    """A project whose owner is Ada, and where Bo labels."""
    project = create_project(workspace, "birds", "demo", "fp32")
    for name, role in (("Ada", Role.OWNER), ("Bo", Role.ANNOTATOR)):
        account = people.add_account(workspace, name, email=f"{name}@example.org")
        people.set_role(workspace, project.id, account.annotator_id, role, by=OPERATOR)
    return project


@pytest.fixture
def shown(workspace: Workspace, birds: Project, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    assert birds.id == 1
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # AppTest leaves its script there
    monkeypatch.setattr(services, "_provided", [services.Services(workspace, gate.Doorkeeper(workspace))])
    return AppTest.from_function(page, default_timeout=120).run()


def roles(workspace: Workspace, project: Project) -> dict[str, str]:
    return {each.account.name: each.role.value for each in people.list_members(workspace, project.id)}


def test_an_owner_gives_a_role(shown: AppTest, workspace: Workspace, birds: Project) -> None:
    shown.selectbox(key="role-1-2").select(Role.ENGINEER).run()
    assert not shown.exception
    assert roles(workspace, birds) == {"Ada": "owner", "Bo": "engineer"}
    shown.run()
    assert shown.selectbox(key="role-1-2").value is Role.ENGINEER


def test_the_last_owner_stays_and_is_told_why(shown: AppTest, workspace: Workspace, birds: Project) -> None:
    shown.selectbox(key="role-1-1").select(Role.ANNOTATOR).run()
    assert [each.value for each in shown.error] == [
        session.escape("a project needs an owner: make somebody else an owner first")
    ]
    assert shown.selectbox(key="role-1-1").value is Role.OWNER
    assert roles(workspace, birds)["Ada"] == "owner"
    shown.run()
    assert not shown.error


def test_an_owner_removes_somebody(shown: AppTest, workspace: Workspace, birds: Project) -> None:
    shown.button(key="remove-1-2").click().run()
    assert not shown.exception
    assert roles(workspace, birds) == {"Ada": "owner"}


def test_a_link_is_shown_once_and_can_be_taken_back(shown: AppTest, workspace: Workspace, birds: Project) -> None:
    next(each for each in shown.button if each.label == "Invite").click().run()
    assert not shown.exception
    (link,) = [each.value for each in shown.code]
    assert invitations.look_at(workspace, link.partition("token=")[2]).project == birds
    (invitation,) = invitations.open_invitations(workspace, birds.id)
    shown.button(key=f"revoke-{invitation.id}").click().run()
    assert invitations.open_invitations(workspace, birds.id) == []
