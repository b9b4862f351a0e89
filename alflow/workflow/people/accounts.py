"""People: accounts, the roles they hold in projects, and the links that invite them.

`by` is who asks: a visitor must own the project, `OPERATOR` may do everything.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from alflow.accounts import OPERATOR, Account, Invitation, Member, Operator, Role, Visitor
from alflow.domain import Project
from alflow.errors import ConflictError, DeniedError, InvalidInputError, NotFoundError
from alflow.ids import AnnotatorId, InvitationId, ProjectId
from alflow.store.database import Transaction
from alflow.store.people import annotators, people, sessions
from alflow.store.projects import projects
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


def list_accounts(workspace: Workspace) -> list[tuple[Account, dict[str, Role]]]:
    """Every account, and its roles by the project's name."""
    with workspace.database.read() as tx:
        names = {project.id: project.name for project in projects.all_(tx)}
        return [
            (account, {names[project]: role for project, role in people.roles(tx, account.annotator_id).items()})
            for account in people.all_(tx)
        ]


def list_members(workspace: Workspace, project_id: ProjectId) -> list[Member]:
    """Who holds a role in the project, by name."""
    with workspace.database.read() as tx:
        return people.members(tx, project_id)


def add_account(workspace: Workspace, name: str, password: str | None = None, email: str | None = None) -> Account:
    """Create an account; a person who labelled under this name before continues as the same annotator.

    Raises:
        InvalidInputError: name, password or e-mail address cannot be used, or there is neither of the latter.
        ConflictError: the name or the address has an account already.
    """
    if not password and not email:
        raise InvalidInputError("an account needs a password, or the e-mail address of an identity")
    name, address = clean_name(name), clean_email(email) if email else None
    if password:
        check_password(password, about(workspace, name, address))
    kept = hash_password(password) if password else None
    with workspace.database.begin() as tx:
        annotator = people.annotator_called(tx, name) or annotators.get_or_create(tx, name)
        return people.add(tx, annotator, address, kept, datetime.now(UTC))


def find_account(workspace: Workspace, name: str) -> Account:
    """The account of that name; capitals do not matter.

    Raises:
        NotFoundError: there is none.
    """
    with workspace.database.read() as tx:
        account = people.by_name(tx, name)
    if account is None:
        raise NotFoundError(f"there is no account {name!r}: see `alflow people list`")
    return account


def set_role(
    workspace: Workspace, project_id: ProjectId, annotator_id: AnnotatorId, role: Role, *, by: Visitor | Operator
) -> None:
    """Give somebody this role in the project.

    Raises:
        DeniedError: `by` does not own the project.
        NotFoundError: they have no account, or on behalf of an owner, no role in the project yet.
        ConflictError: the project's last owner would lose it.
    """
    with workspace.database.begin() as tx:
        _check_owner(tx, project_id, by)
        people.by_id(tx, annotator_id)
        if by is not OPERATOR:
            _check_member(tx, project_id, annotator_id, role)
        people.set_role(tx, project_id, annotator_id, role)


def remove_member(
    workspace: Workspace, project_id: ProjectId, annotator_id: AnnotatorId, *, by: Visitor | Operator
) -> None:
    """Remove somebody's role in the project; their answers stay.

    Raises:
        DeniedError: `by` does not own the project.
        NotFoundError: they have no role in it.
        ConflictError: they are its last owner.
    """
    with workspace.database.begin() as tx:
        _check_owner(tx, project_id, by)
        if by is not OPERATOR:
            _check_member(tx, project_id, annotator_id, None)
        if not people.remove(tx, project_id, annotator_id):
            raise NotFoundError("this person has no role in this project")


def set_active(workspace: Workspace, annotator_id: AnnotatorId, *, active: bool) -> None:
    """Activate or deactivate an account; deactivating ends its sessions and its links to a new password at once."""
    with workspace.database.begin() as tx:
        people.change(tx, annotator_id, active=active)
        if not active:
            sessions.close_all(tx, annotator_id)
            people.revoke_resets(tx, annotator_id)


def set_password(workspace: Workspace, annotator_id: AnnotatorId, password: str) -> None:
    """A new password; every session of the account ends.

    Raises:
        InvalidInputError: it cannot be used.
    """
    with workspace.database.read() as tx:
        name = people.by_id(tx, annotator_id).name
    check_password(password, about(workspace, name))
    kept = hash_password(password)
    with workspace.database.begin() as tx:
        store_password(tx, annotator_id, kept)


def set_email(workspace: Workspace, annotator_id: AnnotatorId, email: str) -> None:
    """Let the identity with this address sign in to the account.

    Raises:
        InvalidInputError: it is not an address.
        ConflictError: it belongs to another account.
    """
    address = clean_email(email)
    with workspace.database.begin() as tx:
        people.change(tx, annotator_id, email=address)


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
        _check_owner(tx, project_id, by)
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


def invite_to_reset(workspace: Workspace, annotator_id: AnnotatorId) -> str:
    """The token of a link with which somebody sets a new password, once, within a day; earlier links end."""
    token, now = new_token(), datetime.now(UTC)
    until = now + timedelta(days=_RESET_DAYS)
    with workspace.database.begin() as tx:
        people.revoke_resets(tx, annotator_id)
        people.invite(tx, token_hash(token), annotator_id=annotator_id, created_at=now, expires_at=until)
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
        _check_owner(tx, project_id, by)
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


def _check_owner(tx: Transaction, project_id: ProjectId, by: Visitor | Operator) -> None:
    """Check the current roles: those that the visitor came with may have been removed since.

    Raises:
        DeniedError: `by` does not own the project.
    """
    people.lock_members(tx, project_id)
    if by is OPERATOR:
        return
    held = Role.OWNER if by.everywhere else people.roles(tx, by.annotator.id).get(project_id)
    if held is not Role.OWNER:
        raise DeniedError("only an owner of the project may do this")


def _check_member(tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId, role: Role | None) -> None:
    """Check that an owner may change this role: it is a member's, and not the last owner's.

    Raises:
        NotFoundError: they have no role in the project.
        ConflictError: the project would have no owner.
    """
    members = {member.account.annotator_id: member for member in people.members(tx, project_id)}
    if annotator_id not in members:
        raise NotFoundError("this person has no role in this project yet: invite them")
    owners = [member for member in members.values() if member.role is Role.OWNER and member.account.active]
    if role is not Role.OWNER and [owner.account.annotator_id for owner in owners] == [annotator_id]:
        raise ConflictError("a project needs an owner: make somebody else an owner first")
