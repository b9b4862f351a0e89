"""Accounts, the roles they hold in projects, and invitations.

An account belongs to an annotator, who may have labelled long before. Its login is the name folded, so that two people
cannot differ by capitals alone.
"""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from alflow.accounts import Account, Invitation, Member, Role
from alflow.domain.answers import Annotator
from alflow.errors import ConflictError, NotFoundError
from alflow.ids import AnnotatorId, InvitationId, ProjectId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import upsert


def login_of(name: str) -> str:
    """The key of a name: compatible characters and capitals are folded."""
    return unicodedata.normalize("NFKC", " ".join(name.split())).casefold()


def add(tx: Transaction, annotator: Annotator, email: str | None, password_hash: str | None, now: datetime) -> Account:
    """Give an annotator an account.

    Raises:
        ConflictError: they have one, or another has the same login or e-mail address.
    """
    row = {
        "annotator_id": annotator.id,
        "login": login_of(annotator.name),
        "email": email,
        "password_hash": password_hash,
        "active": True,
        "created_at": now,
    }
    try:
        with tx.begin_nested():
            tx.execute(insert(tables.account).values(row))
    except IntegrityError as error:
        raise ConflictError(
            f"there is already an account called {annotator.name!r} or with its e-mail address: choose another"
        ) from error
    return by_id(tx, annotator.id)


def annotator_called(tx: Transaction, name: str) -> Annotator | None:
    """Whoever labelled under this name, in whatever capitals."""
    rows = tx.execute(select(tables.annotator)).mappings()
    return next((Annotator(**row) for row in rows if login_of(row["name"]) == login_of(name)), None)


def any_active(tx: Transaction) -> bool:
    """Whether anybody has an account to sign in with."""
    return bool(tx.execute(select(exists().where(tables.account.c.active))).scalar())


def any_owner(tx: Transaction) -> bool:
    """Whether an active account owns a project."""
    account, membership = tables.account, tables.membership
    owns = (membership.c.annotator_id == account.c.annotator_id, membership.c.role == Role.OWNER)
    return bool(tx.execute(select(exists().where(account.c.active, *owns))).scalar())


def all_(tx: Transaction) -> list[Account]:
    """Every account, by name."""
    return [_account(row) for row in tx.execute(_accounts().order_by(tables.account.c.login)).mappings()]


def by_id(tx: Transaction, annotator_id: AnnotatorId) -> Account:
    """The account of that annotator.

    Raises:
        NotFoundError: there is none.
    """
    found = _find(tx, tables.account.c.annotator_id == annotator_id)
    if found is None:
        raise NotFoundError(f"the annotator {annotator_id} has no account")
    return found


def by_name(tx: Transaction, name: str) -> Account | None:
    """The account that signs in under this name."""
    return _find(tx, tables.account.c.login == login_of(name))


def by_email(tx: Transaction, email: str) -> Account | None:
    """The account of the identity with this address."""
    return _find(tx, tables.account.c.email == email)


def password_hash(tx: Transaction, annotator_id: AnnotatorId) -> str | None:
    """The stored hash; None for an account without a password."""
    table = tables.account
    return tx.execute(select(table.c.password_hash).where(table.c.annotator_id == annotator_id)).scalar()


def change(tx: Transaction, annotator_id: AnnotatorId, **values: Any) -> Account:
    """Set columns of an account: `password_hash`, `active`, `email`.

    Raises:
        ConflictError: another account has the e-mail address.
    """
    try:
        with tx.begin_nested():
            tx.execute(update(tables.account).where(tables.account.c.annotator_id == annotator_id).values(values))
    except IntegrityError as error:
        raise ConflictError(f"another account has the e-mail address {values.get('email')}") from error
    return by_id(tx, annotator_id)


def members(tx: Transaction, project_id: ProjectId) -> list[Member]:
    """Who holds a role in the project, by name."""
    membership = tables.membership
    rows = _accounts(membership.c.role).join(membership, membership.c.annotator_id == tables.account.c.annotator_id)
    mine = rows.where(membership.c.project_id == project_id).order_by(tables.account.c.login)
    return [Member(_account(row), row["role"]) for row in tx.execute(mine).mappings()]


def roles(tx: Transaction, annotator_id: AnnotatorId) -> dict[ProjectId, Role]:
    """Project id -> the role held there."""
    table = tables.membership
    rows = tx.execute(select(table.c.project_id, table.c.role).where(table.c.annotator_id == annotator_id))
    return dict(rows.tuples().all())


def set_role(tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId, role: Role) -> None:
    """Give somebody this role in the project, in place of any other."""
    statement = upsert(tx, tables.membership).values(project_id=project_id, annotator_id=annotator_id, role=role)
    newer = {"role": statement.excluded["role"]}
    tx.execute(statement.on_conflict_do_update(index_elements=["project_id", "annotator_id"], set_=newer))


def grant(tx: Transaction, annotator_id: AnnotatorId, invitation: Invitation) -> None:
    """Give the role of an invitation to a project; a higher role stays."""
    project_id, role = invitation.project_id, invitation.role
    if project_id is None or role is None:
        return
    held = roles(tx, annotator_id).get(project_id)
    if held is None or not held.includes(role):
        set_role(tx, project_id, annotator_id, role)


def remove(tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId) -> bool:
    """Remove the role in the project; returns whether there was one."""
    table = tables.membership
    mine = (table.c.project_id == project_id, table.c.annotator_id == annotator_id)
    return tx.execute(delete(table).where(*mine)).rowcount == 1


def lock_members(tx: Transaction, project_id: ProjectId) -> None:
    """Serialise changes of a project's roles until the end of the transaction."""
    tx.execute(select(tables.project.c.id).where(tables.project.c.id == project_id).with_for_update())


def invite(tx: Transaction, token_hash: str, **values: Any) -> Invitation:
    """Store an invitation; the fields are those of `Invitation`."""
    made = insert(tables.invitation).values(token_hash=token_hash, **values).returning(tables.invitation)
    return _invitation(tx.execute(made).mappings().one())


def take_invitation(tx: Transaction, token_hash: str, now: datetime) -> Invitation | None:
    """Use up the invitation with this token, if it is still valid: of two who try at once, one gets it."""
    table = tables.invitation
    mine = (table.c.token_hash == token_hash, table.c.email.is_(None), *_open(now))
    used = update(table).where(*mine).values(accepted_at=now).returning(table)
    row = tx.execute(used).mappings().one_or_none()
    return None if row is None else _invitation(row)


def find_invitation(tx: Transaction, token_hash: str, now: datetime) -> Invitation | None:
    """The invitation with this token, if it is still valid."""
    table = tables.invitation
    rows = select(table).where(table.c.token_hash == token_hash, table.c.email.is_(None), *_open(now))
    row = tx.execute(rows).mappings().one_or_none()
    return None if row is None else _invitation(row)


def take_invitations_of(tx: Transaction, email: str, now: datetime) -> list[Invitation]:
    """Use up every invitation for this address."""
    table = tables.invitation
    used = update(table).where(table.c.email == email, *_open(now)).values(accepted_at=now).returning(table)
    return [_invitation(row) for row in tx.execute(used).mappings()]


def open_invitations(tx: Transaction, project_id: ProjectId, now: datetime) -> list[Invitation]:
    """The project's valid invitations, newest first."""
    table = tables.invitation
    rows = select(table).where(table.c.project_id == project_id, *_open(now)).order_by(table.c.id.desc())
    return [_invitation(row) for row in tx.execute(rows).mappings()]


def revoke_invitation(tx: Transaction, project_id: ProjectId, invitation_id: InvitationId) -> bool:
    """Revoke an invitation; returns whether there was one."""
    table = tables.invitation
    mine = (table.c.project_id == project_id, table.c.id == invitation_id, table.c.accepted_at.is_(None))
    return tx.execute(delete(table).where(*mine)).rowcount == 1


def revoke_resets(tx: Transaction, annotator_id: AnnotatorId) -> None:
    """Revoke the links with which somebody could set a new password."""
    table = tables.invitation
    tx.execute(delete(table).where(table.c.annotator_id == annotator_id, table.c.accepted_at.is_(None)))


def _open(now: datetime) -> Sequence[Any]:
    return tables.invitation.c.accepted_at.is_(None), tables.invitation.c.expires_at > now


def _accounts(*more: Any) -> Select[Any]:
    account, annotator = tables.account, tables.annotator
    rows = select(account, annotator.c.name, *more)
    return rows.join(annotator, annotator.c.id == account.c.annotator_id)


def _find(tx: Transaction, where: Any) -> Account | None:
    row = tx.execute(_accounts().where(where)).mappings().one_or_none()
    return None if row is None else _account(row)


def _account(row: RowMapping) -> Account:
    return Account(
        annotator_id=row["annotator_id"],
        name=row["name"],
        email=row["email"],
        has_password=row["password_hash"] is not None,
        active=row["active"],
        created_at=row["created_at"],
    )


def _invitation(row: RowMapping) -> Invitation:
    return Invitation(**{name: row[name] for name in Invitation.__dataclass_fields__})
