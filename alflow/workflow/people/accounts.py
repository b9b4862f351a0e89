"""People: accounts, and the roles they hold in projects.

`by` is who asks: a visitor must own the project, `OPERATOR` may do everything.
"""

from collections.abc import Collection
from datetime import UTC, datetime

from alflow.accounts import OPERATOR, Account, Member, Operator, Role, Visitor
from alflow.errors import ConflictError, DeniedError, InvalidInputError, NotFoundError
from alflow.ids import AnnotatorId, ProjectId
from alflow.store.database import Transaction
from alflow.store.people import annotators, people, sessions, tokens
from alflow.store.projects import projects
from alflow.workflow.people.annotators import clean_name
from alflow.workflow.people.passwords import check_password, hash_password
from alflow.workflow.people.sign_in import about, clean_email, open_session, store_password
from alflow.workspace import Workspace


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


def make_first_account(workspace: Workspace, visitor: Visitor, password: str) -> str:
    """Make who came by the link of the terminal the owner of every project; returns the token of a session.

    From then on the link signs nobody in.

    Raises:
        DeniedError: they did not come by the link.
        InvalidInputError: the password cannot be used.
        ConflictError: somebody made an account meanwhile, or theirs was deactivated.
    """
    if not visitor.everywhere:
        raise DeniedError("there are accounts already: ask an owner of the project for an invitation")
    check_password(password, about(workspace, visitor.annotator.name))
    kept = hash_password(password)
    with workspace.database.begin() as tx:
        if people.any_active(tx):
            raise ConflictError("somebody has made an account meanwhile: ask them for an invitation")
        account = people.add(tx, visitor.annotator, None, kept, datetime.now(UTC))
        for project in projects.all_(tx):
            people.set_role(tx, project.id, account.annotator_id, Role.OWNER)
        return open_session(workspace, tx, account.annotator_id)


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
        check_owner(tx, project_id, by)
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
        check_owner(tx, project_id, by)
        if by is not OPERATOR:
            _check_member(tx, project_id, annotator_id, None)
        if not people.remove(tx, project_id, annotator_id):
            raise NotFoundError("this person has no role in this project")


def set_active(
    workspace: Workspace, annotator_id: AnnotatorId, *, active: bool, by: Visitor | Operator = OPERATOR
) -> None:
    """Activate or deactivate an account; deactivating ends its sessions, tokens and links to a new password at once.

    Raises:
        DeniedError: `by` does not own every project in which this person has a role.
        ConflictError: on behalf of an owner, a project would be without one.
    """
    with workspace.database.begin() as tx:
        check_owner_of_all(tx, people.roles(tx, annotator_id), by=by)
        if by is not OPERATOR and not active:
            check_others_own(tx, annotator_id)
        people.change(tx, annotator_id, active=active)
        if not active:
            sessions.close_all(tx, annotator_id)
            tokens.remove_all(tx, annotator_id)
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


def set_email(
    workspace: Workspace, annotator_id: AnnotatorId, email: str, *, by: Visitor | Operator = OPERATOR
) -> None:
    """Let the identity with this address sign in to the account.

    Raises:
        DeniedError: `by` does not own every project in which this person has a role.
        InvalidInputError: it is not an address.
        ConflictError: it belongs to another account.
    """
    address = clean_email(email)
    with workspace.database.begin() as tx:
        check_owner_of_all(tx, people.roles(tx, annotator_id), by=by)
        people.change(tx, annotator_id, email=address)


def check_owner(tx: Transaction, project_id: ProjectId, by: Visitor | Operator) -> None:
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


def check_owner_of_all(tx: Transaction, project_ids: Collection[ProjectId], *, by: Visitor | Operator) -> None:
    """Check that a visitor owns all projects that somebody is part of: an account is one for all of them.

    Raises:
        DeniedError: not all, or there are none.
    """
    if by is OPERATOR:
        return
    why = "this person is part of projects that are not yours: let whoever runs alflow do this (`alflow people`)"
    if not project_ids:
        raise DeniedError(why)
    try:
        for project_id in sorted(project_ids):
            check_owner(tx, project_id, by)
    except DeniedError as error:
        raise DeniedError(why) from error


def still_owns_all(tx: Transaction, by: AnnotatorId, annotator_id: AnnotatorId) -> bool:
    """Whether who made a link for this person could make it now: they may be part of another project since."""
    mine, theirs = people.roles(tx, by), people.roles(tx, annotator_id)
    return people.by_id(tx, by).active and bool(theirs) and all(mine.get(each) is Role.OWNER for each in theirs)


def check_others_own(tx: Transaction, annotator_id: AnnotatorId) -> None:
    """Does each of the person's projects have another owner who can sign in?

    Raises:
        ConflictError: one does not.
    """
    for project_id, role in people.roles(tx, annotator_id).items():
        people.lock_members(tx, project_id)
        owners = [one.account for one in people.members(tx, project_id) if one.role is Role.OWNER]
        left = [one for one in owners if one.active and one.annotator_id != annotator_id]
        if role is Role.OWNER and not left:
            name = projects.by_id(tx, project_id).name
            raise ConflictError(
                f"{name} would be without an owner: first `alflow people role SOMEBODY owner --project {name}`"
            )


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
