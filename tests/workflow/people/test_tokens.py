"""Tokens of programs: who may have which, and how many."""

import pytest

from alflow.accounts import Role, Scope, Visitor
from alflow.domain.projects import Project
from alflow.errors import AlflowError, ConflictError, DeniedError, InvalidInputError, NotFoundError
from alflow.ids import TokenId
from alflow.workflow.people import tokens
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import create_project
from alflow.workspace import Workspace
from tests.workflow.people.members import member


@pytest.mark.parametrize(
    ("role", "scope", "may"),
    [
        (Role.ANNOTATOR, Scope.READ, True),
        (Role.ANNOTATOR, Scope.LABEL, True),
        (Role.ANNOTATOR, Scope.MANAGE, False),
        (Role.REVIEWER, Scope.MANAGE, False),
        (Role.ENGINEER, Scope.MANAGE, True),
        (Role.OWNER, Scope.MANAGE, True),
    ],
)
def test_a_scope_needs_a_role(workspace: Workspace, birds: Project, role: Role, scope: Scope, may: bool) -> None:
    bo = member(workspace, birds, "Bo", role).annotator.id
    if may:
        made, secret = tokens.make_token(workspace, birds.id, bo, " my   robot ", scope)
        visitor = tokens.visitor_with(workspace, secret)
        assert visitor is not None
        assert (visitor.annotator.id, visitor.roles, visitor.scope) == (bo, {birds.id: role}, scope)
        assert (made.name, (made.expires_at - made.created_at).days) == ("my robot", tokens.DAYS)
    else:
        with pytest.raises(DeniedError, match=f"needs the role engineer, and this is an? {role}"):
            tokens.make_token(workspace, birds.id, bo, "robot", scope)


@pytest.mark.parametrize(
    ("name", "days", "error"),
    [
        ("", 1, InvalidInputError),
        ("a\u202eb", 1, InvalidInputError),
        ("x", 0, InvalidInputError),
        ("x", 367, InvalidInputError),
    ],
)
def test_what_cannot_be_a_token(
    workspace: Workspace, birds: Project, ada: Visitor, name: str, days: int, error: type[AlflowError]
) -> None:
    with pytest.raises(error):
        tokens.make_token(workspace, birds.id, ada.annotator.id, name, Scope.READ, days)


def test_who_has_no_role_or_no_account_gets_none(workspace: Workspace, birds: Project, ada: Visitor) -> None:
    fish = create_project(workspace, "fish", "demo", "fp32")
    for project, person in ((fish, ada.annotator.id), (birds, sign_in(workspace, "without an account").id)):
        with pytest.raises(DeniedError, match="needs an account with a role"):
            tokens.make_token(workspace, project.id, person, "robot", Scope.READ)


def test_one_ends_ones_own_and_owners_those_of_their_project(
    workspace: Workspace, birds: Project, ada: Visitor
) -> None:
    bo, cy = (member(workspace, birds, name, Role.REVIEWER) for name in ("Bo", "Cy"))
    for by, ends in ((cy, False), (ada, True), (bo, True)):
        made, secret = tokens.make_token(workspace, birds.id, bo.annotator.id, "robot", Scope.READ)
        if ends:
            tokens.end_token(workspace, made.id, by=by)
        else:
            with pytest.raises(NotFoundError, match="that you could end"):
                tokens.end_token(workspace, made.id, by=by)
        assert (tokens.visitor_with(workspace, secret) is None) is ends
    with pytest.raises(NotFoundError):
        tokens.end_token(workspace, TokenId(999), by=ada)


def test_nobody_has_more_than_some(workspace: Workspace, birds: Project, ada: Visitor) -> None:
    for number in range(tokens.MOST):
        tokens.make_token(workspace, birds.id, ada.annotator.id, f"robot {number}", Scope.READ)
    with pytest.raises(ConflictError, match="end one of them"):
        tokens.make_token(workspace, birds.id, ada.annotator.id, "robot", Scope.READ)
    assert [each.name for each in tokens.own_tokens(workspace, ada.annotator.id)][:2] == ["robot 19", "robot 18"]
