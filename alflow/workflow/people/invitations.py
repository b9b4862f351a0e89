"""The links that invite people to a project, or to set a new password, and what becomes of those who use them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from alflow.accounts import OPERATOR, Invitation, Operator, Role, Visitor
from alflow.domain.projects import Project
from alflow.errors import ConflictError, DeniedError, InvalidInputError, NotFoundError
from alflow.ids import AnnotatorId, InvitationId, ProjectId
from alflow.store.people import annotators, people
from alflow.store.projects import projects
from alflow.workflow.people.accounts import check_owner, check_owner_of_all, still_owns_all
from alflow.workflow.people.annotators import clean_name
from alflow.workflow.people.passwords import check_password, hash_password, new_token, token_hash
from alflow.workflow.people.sign_in import about, clean_email, open_session, store_password
from alflow.workspace import Workspace

LINK_DAYS: Final = 7.0
_RESET_DAYS: Final = 1.0
_STALE: Final = "this link is no longer valid: it was used, revoked or has expired; ask for a new one"


@dataclass(frozen=True)
class Offer:
    """What a link offers: a role in a project, or a new password for the account called `name`."""

    project: Project | None
    role: Role | None
    name: str | None


def invite(
    workspace: Workspace,
    project_id: ProjectId,
    role: Role,
    *,
    by: Visitor | Operator,
    email: str | None = None,
    days: float = LINK_DAYS,
) -> tuple[Invitation, str]:
    """An invitation to a project, and the token of its link; for an identity with `email` there is no link.

    The link works once and is kept as a hash: it cannot be shown again.

    Raises:
        DeniedError: `by` does not own the project.
        InvalidInputError: not an e-mail address, or not a time to wait.
    """
    if not 0 < days <= 365:
        raise InvalidInputError("an invitation is valid for 365 days at most")
    address, token, now = clean_email(email) if email else None, new_token(), datetime.now(UTC)
    with workspace.database.begin() as tx:
        check_owner(tx, project_id, by)
        made = people.invite(
            tx,
            token_hash(token),
            project_id=projects.by_id(tx, project_id).id,
            role=role,
            email=address,
            invited_by=None if by is OPERATOR else by.annotator.id,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
    return made, "" if address else token


def invite_to_reset(workspace: Workspace, annotator_id: AnnotatorId, *, by: Visitor | Operator = OPERATOR) -> str:
    """The token of a link with which somebody sets a new password, once, within a day; earlier links end.

    Raises:
        DeniedError: `by` does not own every project in which this person has a role.
    """
    token, now = new_token(), datetime.now(UTC)
    until, who = now + timedelta(days=_RESET_DAYS), None if by is OPERATOR else by.annotator.id
    with workspace.database.begin() as tx:
        check_owner_of_all(tx, people.roles(tx, annotator_id), by=by)
        people.revoke_resets(tx, annotator_id)
        people.invite(
            tx, token_hash(token), annotator_id=annotator_id, invited_by=who, created_at=now, expires_at=until
        )
    return token


def open_invitations(workspace: Workspace, project_id: ProjectId) -> list[Invitation]:
    """The project's invitations that nobody has used yet, newest first."""
    with workspace.database.read() as tx:
        return people.open_invitations(tx, project_id, datetime.now(UTC))


def revoke(workspace: Workspace, project_id: ProjectId, invitation_id: InvitationId, *, by: Visitor | Operator) -> None:
    """Revoke an invitation.

    Raises:
        DeniedError: `by` does not own the project.
        NotFoundError: there is none, or it was used.
    """
    with workspace.database.begin() as tx:
        check_owner(tx, project_id, by)
        if not people.revoke_invitation(tx, project_id, invitation_id):
            raise NotFoundError("this invitation was already accepted or revoked")


def look_at(workspace: Workspace, token: str) -> Offer:
    """What a link offers, without using it.

    Raises:
        DeniedError: the link is no longer valid.
    """
    with workspace.database.read() as tx:
        found = people.find_invitation(tx, token_hash(token), datetime.now(UTC))
        if found is None:
            raise DeniedError(_STALE)
        name = None if found.annotator_id is None else people.by_id(tx, found.annotator_id).name
        project = None if found.project_id is None else projects.by_id(tx, found.project_id)
    return Offer(project, found.role, name)


def accept(workspace: Workspace, token: str, name: str, password: str) -> str:
    """Use a link: create an account, or set the new password; returns the token of a session.

    Raises:
        DeniedError: the link is no longer valid.
        InvalidInputError: name or password cannot be used; the link stays valid.
        ConflictError: the name is taken; the link stays valid.
    """
    offer = look_at(workspace, token)
    called = offer.name if offer.name is not None else clean_name(name)
    check_password(password, about(workspace, called))
    kept, now = hash_password(password), datetime.now(UTC)
    with workspace.database.begin() as tx:
        invitation = people.take_invitation(tx, token_hash(token), now)
        if invitation is None:
            raise DeniedError(_STALE)
        if invitation.annotator_id is not None:
            if invitation.invited_by and not still_owns_all(tx, invitation.invited_by, invitation.annotator_id):
                raise DeniedError(_STALE)
            store_password(tx, invitation.annotator_id, kept)
            return open_session(workspace, tx, invitation.annotator_id)
        if people.annotator_called(tx, called) is not None:
            raise ConflictError("this name is taken: sign in first if it is yours, else choose another")
        account = people.add(tx, annotators.get_or_create(tx, called), None, kept, now)
        people.grant(tx, account.annotator_id, invitation)
        return open_session(workspace, tx, account.annotator_id)


def join(workspace: Workspace, visitor: Visitor, token: str) -> None:
    """Use a link with the account that is signed in.

    Raises:
        DeniedError: the link is no longer valid, or is for a new password.
        NotFoundError: the visitor has no account.
    """
    with workspace.database.begin() as tx:
        people.by_id(tx, visitor.annotator.id)
        invitation = people.take_invitation(tx, token_hash(token), datetime.now(UTC))
        if invitation is None or invitation.annotator_id is not None:
            raise DeniedError(_STALE)
        people.grant(tx, visitor.annotator.id, invitation)
