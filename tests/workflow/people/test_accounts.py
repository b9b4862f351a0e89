"""Roles and invitations: who may change them, and that a link gives what it says, once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import text

from alflow.accounts import OPERATOR, Role, Visitor
from alflow.domain import Annotator, Project
from alflow.errors import AlflowError, ConflictError, DeniedError, InvalidInputError, NotFoundError
from alflow.workflow.people import accounts as people
from alflow.workflow.people import sign_in
from alflow.workflow.people.annotators import sign_in as annotator_called
from alflow.workflow.projects.projects import create_project
from alflow.workspace import Workspace

PASSWORD = "correct horse battery"


@pytest.fixture
def birds(workspace: Workspace) -> Project:
    return create_project(workspace, "birds", "demo", "fp32")


@pytest.fixture
def ada(workspace: Workspace, birds: Project) -> Visitor:
    """Who owns the project."""
    return member(workspace, birds, "Ada", Role.OWNER)


def member(workspace: Workspace, project: Project, name: str, role: Role) -> Visitor:
    account = people.add_account(workspace, name, email=f"{name}@example.org")
    people.set_role(workspace, project.id, account.annotator_id, role, by=OPERATOR)
    return Visitor(Annotator(account.annotator_id, name), "", {project.id: role})


def test_each_role_includes_those_before_it() -> None:
    ladder = [Role.ANNOTATOR, Role.REVIEWER, Role.ENGINEER, Role.OWNER]
    for place, role in enumerate(ladder):
        assert [role.includes(needed) for needed in ladder] == [n <= place for n in range(4)]


def test_a_link_makes_an_account_once(workspace: Workspace, birds: Project, ada: Visitor) -> None:
    invitation, token = people.invite(workspace, birds.id, Role.REVIEWER, by=ada)
    assert people.look_at(workspace, token) == people.Offer(birds, Role.REVIEWER, None)
    assert people.open_invitations(workspace, birds.id) == [invitation]
    visitor = sign_in.visitor(workspace, people.accept(workspace, token, " Bo ", PASSWORD))
    assert visitor is not None
    assert (visitor.annotator.name, visitor.roles) == ("Bo", {birds.id: Role.REVIEWER})
    assert people.open_invitations(workspace, birds.id) == []
    with pytest.raises(DeniedError, match="no longer valid"):
        people.accept(workspace, token, "Cy", PASSWORD)


def test_of_many_who_take_a_link_at_once_one_gets_it(each_workspace: Workspace) -> None:
    workspace = each_workspace
    birds = create_project(workspace, "birds", "demo", "fp32")
    _, token = people.invite(workspace, birds.id, Role.ANNOTATOR, by=OPERATOR)

    def take(number: int) -> bool:
        try:
            people.accept(workspace, token, f"person {number}", PASSWORD)
        except DeniedError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(take, range(4))) == 1
    assert len(people.list_members(workspace, birds.id)) == 1


@pytest.mark.parametrize(
    ("name", "password", "error"),
    [("", PASSWORD, InvalidInputError), ("Bo", "short", InvalidInputError), ("ADA", PASSWORD, ConflictError)],
)
@pytest.mark.usefixtures("ada")
def test_what_cannot_be_used_leaves_the_link_valid(
    workspace: Workspace, birds: Project, name: str, password: str, error: type[AlflowError]
) -> None:
    _, token = people.invite(workspace, birds.id, Role.ANNOTATOR, by=OPERATOR)
    with pytest.raises(error):
        people.accept(workspace, token, name, password)
    people.accept(workspace, token, "Bo", PASSWORD)


def test_nobody_takes_the_name_of_who_labelled_before(workspace: Workspace, birds: Project) -> None:
    """By a link that is; whoever runs the machine may give the name its account."""
    cy = annotator_called(workspace, "Cy")
    _, token = people.invite(workspace, birds.id, Role.ANNOTATOR, by=OPERATOR)
    with pytest.raises(ConflictError, match="name is taken"):
        people.accept(workspace, token, "cy", PASSWORD)
    assert people.add_account(workspace, "cy", PASSWORD).annotator_id == cy.id


def _expired(workspace: Workspace, _: Project, __: int) -> None:
    with workspace.database.begin() as tx:
        tx.execute(text("UPDATE invitation SET expires_at = created_at"))


def _revoked(workspace: Workspace, birds: Project, invitation: int) -> None:
    people.revoke(workspace, birds.id, invitation, by=OPERATOR)


@pytest.mark.parametrize("end", [_expired, _revoked])
def test_a_link_that_is_over_gives_nothing(
    workspace: Workspace, birds: Project, end: Callable[[Workspace, Project, int], None]
) -> None:
    invitation, token = people.invite(workspace, birds.id, Role.ANNOTATOR, by=OPERATOR)
    end(workspace, birds, invitation.id)
    for use in (lambda: people.look_at(workspace, token), lambda: people.accept(workspace, token, "Bo", PASSWORD)):
        with pytest.raises(DeniedError, match="no longer valid"):
            use()


def test_an_invitation_by_address_has_no_link(workspace: Workspace, birds: Project) -> None:
    assert people.invite(workspace, birds.id, Role.ANNOTATOR, email="bo@example.org", by=OPERATOR)[1] == ""


def test_who_has_an_account_joins_with_it_and_keeps_a_higher_role(
    workspace: Workspace, birds: Project, ada: Visitor
) -> None:
    fish = create_project(workspace, "fish", "demo", "fp32")
    for project in (birds, fish):
        _, token = people.invite(workspace, project.id, Role.ANNOTATOR, by=OPERATOR)
        people.join(workspace, ada, token)
    roles = {name: held for account, held in people.list_accounts(workspace) for name in [account.name]}
    assert roles == {"Ada": {"birds": "owner", "fish": "annotator"}}


def test_a_link_to_a_new_password_serves_nothing_else(workspace: Workspace, ada: Visitor) -> None:
    before = sign_in.sign_in_identity(workspace, "ada@example.org", "")
    first, token = (people.invite_to_reset(workspace, ada.annotator.id) for _ in range(2))
    with pytest.raises(DeniedError):
        people.look_at(workspace, first)  # the later link ended it
    with pytest.raises(DeniedError):
        people.join(workspace, ada, token)
    people.accept(workspace, token, "", PASSWORD)
    sign_in.sign_in(workspace, "Ada", PASSWORD, "192.0.2.7")
    assert sign_in.visitor(workspace, before) is None


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize("role", [Role.ANNOTATOR, Role.REVIEWER, Role.ENGINEER, None])
def test_only_owners_change_people(workspace: Workspace, birds: Project, role: Role | None) -> None:
    fish = create_project(workspace, "fish", "demo", "fp32")
    bo = member(workspace, fish, "Bo", Role.OWNER)
    if role is not None:
        people.set_role(workspace, birds.id, bo.annotator.id, role, by=OPERATOR)
    bo = replace(bo, roles={birds.id: Role.OWNER, fish.id: Role.OWNER})  # what a page drawn before may still claim
    invitation, _ = people.invite(workspace, birds.id, Role.ANNOTATOR, by=OPERATOR)
    changes: list[Callable[[], object]] = [
        lambda: people.invite(workspace, birds.id, Role.OWNER, by=bo),
        lambda: people.revoke(workspace, birds.id, invitation.id, by=bo),
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
