"""Roles: who may change them."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from alflow.accounts import OPERATOR, Role, Visitor
from alflow.domain.projects import Project
from alflow.errors import ConflictError, DeniedError, NotFoundError
from alflow.workflow.people import accounts as people
from alflow.workflow.people import invitations
from alflow.workflow.projects.projects import create_project
from alflow.workspace import Workspace
from tests.workflow.people.members import member


def test_each_role_includes_those_before_it() -> None:
    ladder = [Role.ANNOTATOR, Role.REVIEWER, Role.ENGINEER, Role.OWNER]
    for place, role in enumerate(ladder):
        assert [role.includes(needed) for needed in ladder] == [n <= place for n in range(4)]


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize("role", [Role.ANNOTATOR, Role.REVIEWER, Role.ENGINEER, None])
def test_only_owners_change_people(workspace: Workspace, birds: Project, role: Role | None) -> None:
    fish = create_project(workspace, "fish", "demo", "fp32")
    bo = member(workspace, fish, "Bo", Role.OWNER)
    if role is not None:
        people.set_role(workspace, birds.id, bo.annotator.id, role, by=OPERATOR)
    bo = replace(bo, roles={birds.id: Role.OWNER, fish.id: Role.OWNER})  # what a page drawn before may still claim
    invitation, _ = invitations.invite(workspace, birds.id, Role.ANNOTATOR, by=OPERATOR)
    changes: list[Callable[[], object]] = [
        lambda: invitations.invite(workspace, birds.id, Role.OWNER, by=bo),
        lambda: invitations.revoke(workspace, birds.id, invitation.id, by=bo),
        lambda: people.set_role(workspace, birds.id, bo.annotator.id, Role.OWNER, by=bo),
        lambda: people.remove_member(workspace, birds.id, bo.annotator.id, by=bo),
    ]
    for change in changes:
        with pytest.raises(DeniedError, match="only an owner"):
            change()


def test_an_owner_changes_members_only(workspace: Workspace, birds: Project, ada: Visitor) -> None:
    bo = member(workspace, birds, "Bo", Role.ANNOTATOR)
    people.set_role(workspace, birds.id, bo.annotator.id, Role.ENGINEER, by=ada)
    assert {each.account.name: each.role for each in people.list_members(workspace, birds.id)} == {
        "Ada": "owner",
        "Bo": "engineer",
    }
    people.remove_member(workspace, birds.id, bo.annotator.id, by=ada)
    with pytest.raises(NotFoundError, match="invite them"):
        people.set_role(workspace, birds.id, bo.annotator.id, Role.ENGINEER, by=ada)


def test_a_project_keeps_an_owner_but_the_machine_may_do_everything(
    workspace: Workspace, birds: Project, ada: Visitor
) -> None:
    mine = ada.annotator.id
    for change in (
        lambda: people.set_role(workspace, birds.id, mine, Role.ENGINEER, by=ada),
        lambda: people.remove_member(workspace, birds.id, mine, by=ada),
    ):
        with pytest.raises(ConflictError, match="needs an owner"):
            change()
    bo = member(workspace, birds, "Bo", Role.OWNER)
    people.remove_member(workspace, birds.id, mine, by=ada)
    people.remove_member(workspace, birds.id, bo.annotator.id, by=OPERATOR)
    assert people.list_members(workspace, birds.id) == []
