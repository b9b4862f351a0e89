"""Links that invite, or let a new password be set."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from alflow.accounts import OPERATOR, Role, Visitor
from alflow.domain.projects import Project
from alflow.errors import AlflowError, ConflictError, DeniedError, InvalidInputError
from alflow.workflow.people import accounts as people
from alflow.workflow.people import invitations, sign_in
from alflow.workflow.people.annotators import sign_in as annotator_called
from alflow.workflow.projects.projects import create_project
from alflow.workspace import Workspace

PASSWORD = "correct horse battery"


def test_a_link_makes_an_account_once(workspace: Workspace, birds: Project, ada: Visitor) -> None:
    invitation, token = invitations.invite(workspace, birds.id, Role.REVIEWER, by=ada)
    assert invitations.look_at(workspace, token) == invitations.Offer(birds, Role.REVIEWER, None)
    assert invitations.open_invitations(workspace, birds.id) == [invitation]
    visitor = sign_in.visitor(workspace, invitations.accept(workspace, token, " Bo ", PASSWORD))
    assert visitor is not None
    assert (visitor.annotator.name, visitor.roles) == ("Bo", {birds.id: Role.REVIEWER})
    assert invitations.open_invitations(workspace, birds.id) == []
    with pytest.raises(DeniedError, match="no longer valid"):
        invitations.accept(workspace, token, "Cy", PASSWORD)


@pytest.mark.slow
def test_of_many_who_take_a_link_at_once_one_gets_it(each_workspace: Workspace) -> None:
    workspace = each_workspace
    birds = create_project(workspace, "birds", "demo", "fp32")
    _, token = invitations.invite(workspace, birds.id, Role.ANNOTATOR, by=OPERATOR)

    def take(number: int) -> bool:
        try:
            invitations.accept(workspace, token, f"person {number}", PASSWORD)
        except DeniedError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(take, range(4))) == 1
    assert len(people.list_members(workspace, birds.id)) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "password", "error"),
    [("", PASSWORD, InvalidInputError), ("Bo", "short", InvalidInputError), ("ADA", PASSWORD, ConflictError)],
)
@pytest.mark.usefixtures("ada")
def test_what_cannot_be_used_leaves_the_link_valid(
    workspace: Workspace, birds: Project, name: str, password: str, error: type[AlflowError]
) -> None:
    _, token = invitations.invite(workspace, birds.id, Role.ANNOTATOR, by=OPERATOR)
    with pytest.raises(error):
        invitations.accept(workspace, token, name, password)
    invitations.accept(workspace, token, "Bo", PASSWORD)


@pytest.mark.slow
def test_nobody_takes_the_name_of_who_labelled_before(workspace: Workspace, birds: Project) -> None:
    """By a link that is; whoever runs the machine may give the name its account."""
    cy = annotator_called(workspace, "Cy")
    _, token = invitations.invite(workspace, birds.id, Role.ANNOTATOR, by=OPERATOR)
    with pytest.raises(ConflictError, match="name is taken"):
        invitations.accept(workspace, token, "cy", PASSWORD)
    assert people.add_account(workspace, "cy", PASSWORD).annotator_id == cy.id


def _expired(workspace: Workspace, _: Project, __: int) -> None:
    with workspace.database.begin() as tx:
        tx.execute(text("UPDATE invitation SET expires_at = created_at"))


def _revoked(workspace: Workspace, birds: Project, invitation: int) -> None:
    invitations.revoke(workspace, birds.id, invitation, by=OPERATOR)


@pytest.mark.parametrize("end", [_expired, _revoked])
def test_a_link_that_is_over_gives_nothing(
    workspace: Workspace, birds: Project, end: Callable[[Workspace, Project, int], None]
) -> None:
    invitation, token = invitations.invite(workspace, birds.id, Role.ANNOTATOR, by=OPERATOR)
    end(workspace, birds, invitation.id)
    for use in (
        lambda: invitations.look_at(workspace, token),
        lambda: invitations.accept(workspace, token, "Bo", PASSWORD),
    ):
        with pytest.raises(DeniedError, match="no longer valid"):
            use()


def test_an_invitation_by_address_has_no_link(workspace: Workspace, birds: Project) -> None:
    assert invitations.invite(workspace, birds.id, Role.ANNOTATOR, email="bo@example.org", by=OPERATOR)[1] == ""


def test_who_has_an_account_joins_with_it_and_keeps_a_higher_role(
    workspace: Workspace, birds: Project, ada: Visitor
) -> None:
    fish = create_project(workspace, "fish", "demo", "fp32")
    for project in (birds, fish):
        _, token = invitations.invite(workspace, project.id, Role.ANNOTATOR, by=OPERATOR)
        invitations.join(workspace, ada, token)
    roles = {name: held for account, held in people.list_accounts(workspace) for name in [account.name]}
    assert roles == {"Ada": {"birds": "owner", "fish": "annotator"}}


@pytest.mark.slow
def test_a_link_to_a_new_password_serves_nothing_else(workspace: Workspace, ada: Visitor) -> None:
    before = sign_in.sign_in_identity(workspace, "ada@example.org", "")
    first, token = (invitations.invite_to_reset(workspace, ada.annotator.id) for _ in range(2))
    with pytest.raises(DeniedError):
        invitations.look_at(workspace, first)  # the later link ended it
    with pytest.raises(DeniedError):
        invitations.join(workspace, ada, token)
    invitations.accept(workspace, token, "", PASSWORD)
    sign_in.sign_in(workspace, "Ada", PASSWORD, "192.0.2.7")
    assert sign_in.visitor(workspace, before) is None
