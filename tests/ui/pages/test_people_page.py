"""The People page: what an owner presses there happens, and what is refused is said."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from alflow.accounts import OPERATOR, Role, Scope
from alflow.domain.projects import Project
from alflow.errors import DeniedError
from alflow.ids import AnnotatorId
from alflow.ui.door import gate
from alflow.ui.parts import session
from alflow.workflow.people import accounts as people
from alflow.workflow.people import invitations, tokens
from alflow.workflow.people.erase import people_of
from alflow.workflow.projects.projects import create_project
from alflow.workspace import Workspace

pytestmark = pytest.mark.slow


def page() -> None:
    """The page alone, as Ada sees it."""
    import streamlit as st

    from alflow.accounts import Role, Visitor
    from alflow.domain.answers import Annotator
    from alflow.ui.pages import people
    from alflow.ui.parts import session

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
def shown(workspace: Workspace, birds: Project, drawn: Callable[..., AppTest]) -> AppTest:
    assert birds.id == 1
    return drawn(page, gate.Doorkeeper(workspace)).run()


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
        session.sentence("a project needs an owner: make somebody else an owner first")
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


def test_an_owner_sees_and_ends_the_tokens_of_others(shown: AppTest, workspace: Workspace, birds: Project) -> None:
    assert "API tokens" not in [each.value for each in shown.subheader]
    made, secret = tokens.make_token(workspace, birds.id, 2, "a *robot*", Scope.LABEL)
    shown.run()
    (line,) = [each.value for each in shown.markdown if "robot" in each.value]
    assert "of Bo, may label" in line
    assert "*robot*" not in line.replace("\\*", "")
    assert secret not in str([each.value for each in (*shown.markdown, *shown.caption, *shown.code)])
    shown.button(key=f"end-{made.id}").click().run()
    assert not shown.exception
    assert tokens.project_tokens(workspace, birds.id) == []


def test_an_owner_deactivates_and_brings_back(shown: AppTest, workspace: Workspace) -> None:
    for label, active in (("Deactivate", False), ("Activate", True)):
        assert shown.button(key="active-1-2").label == label
        shown.button(key="active-1-2").click().run()
        assert not shown.exception
        assert people.find_account(workspace, "Bo").active is active
    shown.button(key="active-1-1").click().run()
    assert ["without an owner" in each.value for each in shown.error] == [True]


def test_an_owner_lets_somebody_set_a_new_password(shown: AppTest, workspace: Workspace) -> None:
    assert not [each for each in shown.button if each.key == "reset-1-1"]  # one's own is changed with the old one
    shown.button(key="reset-1-2").click().run()
    assert not shown.exception
    (first,) = [each.value for each in shown.code]
    shown.button(key="reset-1-2").click().run()
    (second,) = [each.value for each in shown.code]
    with pytest.raises(DeniedError, match="no longer valid"):
        invitations.look_at(workspace, first.partition("token=")[2])
    token = second.partition("token=")[2]
    assert invitations.look_at(workspace, token).name == "Bo"
    elsewhere = create_project(workspace, "of somebody else", "demo", "fp32")
    people.set_role(workspace, elsewhere.id, AnnotatorId(2), Role.REVIEWER, by=OPERATOR)
    with pytest.raises(DeniedError, match="no longer valid"):  # Ada might use it herself, in a project not hers
        invitations.accept(workspace, token, "", "correct horse battery")
    shown.button(key="reset-1-2").click().run()
    assert ["projects that are not yours" in each.value for each in shown.error] == [True]
    people.remove_member(workspace, elsewhere.id, AnnotatorId(2), by=OPERATOR)
    assert invitations.accept(workspace, token, "", "correct horse battery")
    assert people.find_account(workspace, "Bo").has_password


@pytest.mark.usefixtures("birds")
def test_an_address_that_signs_in_is_given(
    workspace: Workspace, drawn: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not [each for each in drawn(page).run().text_input if each.key == "email-1-2"]  # nobody could sign in by one
    monkeypatch.setattr(workspace.settings, "oidc_client_id", "alflow")
    app = drawn(page).run()
    for written, said in (
        ("bo", "is not an e-mail address"),
        ("ada@example.org", "another account has"),
        ("b@x.org", ""),
    ):
        app.text_input(key="email-1-2").set_value(written)
        app.button(key="email-1-2-save").click().run()
        assert not app.exception
        assert [said in each.value.replace("\\", "").lower() for each in app.error] == ([True] if said else [])
    assert people.find_account(workspace, "Bo").email == "b@x.org"


def test_who_is_forgotten_is_named_twice(shown: AppTest, workspace: Workspace, birds: Project) -> None:
    assert [each.name for each in people_of(workspace, birds.id)] == ["Ada", "Bo"]
    shown.selectbox(key="erase-1").select_index(1).run()
    assert ["0 answers in 1 project." in each.value for each in shown.warning] == [True]
    shown.text_input(key="erase-name-2").set_value("bo")
    shown.button(key="FormSubmitter:erase-1-2-Forget for good").click().run()
    assert any("nothing was changed" in each.value for each in shown.warning)
    assert roles(workspace, birds) == {"Ada": "owner", "Bo": "annotator"}
    shown.text_input(key="erase-name-2").set_value(" Bo ")
    shown.button(key="FormSubmitter:erase-1-2-Forget for good").click().run()
    assert not shown.exception
    assert any("Bo is forgotten" in each.value for each in shown.success)
    assert roles(workspace, birds) == {"Ada": "owner"}
