"""Tokens of programs: made for one person in one project, shown once, and ended at any time.

A token holds 256 random bits behind a word by which scanners of leaked secrets know it; only its hash is kept, and
looked up, so no comparison tells how much of a guess is right. What it may do is bounded twice: by its scope, and by
the role that its person has at this moment. Whoever loses the role or the account loses the token.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from alflow import text
from alflow.accounts import OPERATOR, ApiToken, Operator, Role, Scope, Visitor
from alflow.domain.answers import Annotator
from alflow.errors import ConflictError, DeniedError, InvalidInputError, NotFoundError
from alflow.ids import AnnotatorId, ProjectId, TokenId
from alflow.store.database import Transaction
from alflow.store.people import people, tokens
from alflow.store.projects import projects
from alflow.workflow.people.passwords import new_token, token_hash
from alflow.workspace import Workspace

DAYS: Final = 90
"""How long a token counts unless its maker says otherwise."""

MOST_DAYS: Final = 366
MOST: Final = 20
"""Tokens of one person in one project."""

_WORD: Final = "alflow_"
_FORM: Final = re.compile(rf"{_WORD}[A-Za-z0-9_-]{{43}}")
_SEEN: Final = timedelta(minutes=1)  # how precisely the last use is stored


def make_token(
    workspace: Workspace, project_id: ProjectId, annotator_id: AnnotatorId, name: str, scope: Scope, days: int = DAYS
) -> tuple[ApiToken, str]:
    """A token for a person, and the secret, which cannot be shown again.

    Raises:
        DeniedError: they have no account, no role in the project, or one that is too low for the scope.
        InvalidInputError: the name cannot be used, or not a time to be valid.
        ConflictError: they have too many.
        NotFoundError: there is no such project.
    """
    name = text.clean_name("the name of a token", " ".join(name.split()))
    if not 1 <= days <= MOST_DAYS:
        raise InvalidInputError(f"a token is valid for 1 to {MOST_DAYS} days, not {days}")
    secret, now = _WORD + new_token(), datetime.now(UTC)
    with workspace.database.begin() as tx:
        project = projects.by_id(tx, project_id)
        people.lock_members(tx, project_id)
        held = people.roles(tx, annotator_id).get(project_id)
        if held is None or not people.by_id(tx, annotator_id).active:
            raise DeniedError(f"a token needs an account with a role in {project.name}: ask an owner of it")
        if not held.includes(scope.role):
            raise DeniedError(f"a token that may {scope} needs the role {scope.role}, and this is {_a(held)}")
        if tokens.count(tx, project_id, annotator_id, now) >= MOST:
            raise ConflictError(f"there are {MOST} tokens of this person in {project.name} already: end one of them")
        made = tokens.add(
            tx,
            token_hash(secret),
            project_id=project_id,
            annotator_id=annotator_id,
            name=name,
            scope=scope,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
    return made, secret


def visitor_with(workspace: Workspace, secret: str) -> Visitor | None:
    """Whom the program with this secret acts for, with the role and scope of this moment; None if it counts no more."""
    if not _FORM.fullmatch(secret):
        return None
    hash_, now = token_hash(secret), datetime.now(UTC)
    with workspace.database.read() as tx:
        held = tokens.find(tx, hash_, now)
    if held is None:
        return None
    token = held.token
    if token.used_at is None or now - token.used_at > _SEEN:
        with workspace.database.begin() as tx:
            tokens.touch(tx, token.id, now)
    return Visitor(held.annotator, f"token {token.id}", {token.project_id: held.role}, scope=token.scope)


def own_tokens(workspace: Workspace, annotator_id: AnnotatorId) -> list[ApiToken]:
    """The tokens of a person in every project, newest first."""
    with workspace.database.read() as tx:
        return tokens.of_person(tx, annotator_id, datetime.now(UTC))


def project_tokens(workspace: Workspace, project_id: ProjectId) -> list[tuple[ApiToken, Annotator]]:
    """Everybody's tokens in a project, newest first."""
    with workspace.database.read() as tx:
        return tokens.of_project(tx, project_id, datetime.now(UTC))


def end_token(workspace: Workspace, token_id: TokenId, *, by: Visitor | Operator) -> None:
    """End a token at once: of oneself, or in a project that one owns.

    Raises:
        NotFoundError: there is no such token of theirs.
    """
    with workspace.database.begin() as tx:
        found = tokens.by_id(tx, token_id)
        if found is None or not (by is OPERATOR or _may_end(tx, by, found)):
            raise NotFoundError(f"there is no token {token_id} any more that you could end")
        tokens.remove(tx, token_id)


def _may_end(tx: Transaction, by: Visitor, token: ApiToken) -> bool:
    """By the roles of this moment: those that the visitor came with may have been removed since."""
    owns = people.roles(tx, by.annotator.id).get(token.project_id) is Role.OWNER
    return by.everywhere or owns or by.annotator.id == token.annotator_id


def _a(role: Role) -> str:
    return f"{'an' if role[0] in 'aeo' else 'a'} {role}"
