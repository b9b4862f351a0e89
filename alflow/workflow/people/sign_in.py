"""Sign in and out, and who sends a request.

With accounts: name and password, or an identity that a provider confirms. Without any, on this machine only: the
link that the terminal prints, under any name. Sessions are rows, so they can be ended at once from anywhere.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from alflow.accounts import Account, Visitor
from alflow.errors import DeniedError, InvalidInputError
from alflow.ids import AnnotatorId
from alflow.store.database import Transaction
from alflow.store.people import annotators, people, sessions
from alflow.store.people.sessions import Session
from alflow.store.projects import projects
from alflow.text import quoted
from alflow.workflow.people.annotators import clean_name
from alflow.workflow.people.passwords import check_password, hash_password, is_outdated, new_token, token_hash
from alflow.workflow.people.tries import prove
from alflow.workspace import Workspace

_NOT_OF_EMAIL: Final = frozenset('<>()[],;:\\"')  # what mail programs write around addresses and between them
_SEEN: Final = timedelta(minutes=1)  # how precisely the last use of a session is stored


def has_accounts(workspace: Workspace) -> bool:
    """Whether anybody has an account; then the link of the terminal signs nobody in."""
    with workspace.database.read() as tx:
        return people.any_active(tx)


def knows_link(workspace: Workspace, token: str) -> bool:
    """Whether this is the token of the terminal's link."""
    return token_hash(token) == _link(workspace)


def require_door(workspace: Workspace) -> None:
    """Refuse to listen beyond this machine until people can sign in to accounts of their own.

    Raises:
        InvalidInputError: the host is not loopback, no account owns a project, and no identity provider is set.
    """
    settings = workspace.settings
    if settings.is_local or settings.oidc_client_id:
        return
    with workspace.database.read() as tx:
        owned = people.any_owner(tx)
    if not owned:
        raise InvalidInputError(
            f"alflow does not listen on {settings.host!r}: there are no accounts yet, so only this machine may reach "
            "it; make an owner with `alflow people add NAME --role owner`, or set ALFLOW_HOST=127.0.0.1"
        )


def visitor(workspace: Workspace, token: str | None, *, used: bool = False) -> Visitor | None:
    """Who holds this session, with the roles of this moment; None when it is unknown or over.

    Over means: older than `session_days`, not used for `session_idle_hours`, closed, or of an account that was
    deactivated. What the terminal's link opened is over too once there are accounts, or another link.

    Args:
        workspace: where the sessions are.
        token: of the cookie.
        used: a person is active, so the idle time restarts; a page that refreshes itself does not count.
    """
    if not token:
        return None
    session, now = token_hash(token), datetime.now(UTC)
    with workspace.database.read() as tx:
        found = sessions.find(tx, session, now, timedelta(hours=workspace.settings.session_idle_hours))
        who = None if found is None else _visitor(workspace, tx, session, found)
    if used and found is not None and who is not None and now - found.seen_at > _SEEN:
        with workspace.database.begin() as tx:
            sessions.touch(tx, session, now)
    return who


def sign_in(workspace: Workspace, name: str, password: str, address: str, device: str = "") -> str:
    """Check name and password, and open a session; returns the cookie's token.

    Args:
        workspace: where the accounts are.
        name: as the account has it; capitals do not matter.
        password: as it was typed.
        address: where the request comes from, for the limit of tries.
        device: secret that the browser keeps; from now on the account knows the browser by it.

    Raises:
        DeniedError: no active account has this name and password. It does not say which of them is wrong.
        TryLaterError: too many tries from this address or device.
    """
    found = prove(workspace, name, password, address, device)
    if found is None:
        raise DeniedError("this name and password do not match")
    annotator_id, stored = found
    newer = hash_password(password) if is_outdated(stored) else stored
    with workspace.database.begin() as tx:
        if newer != stored:
            people.change(tx, annotator_id, password_hash=newer)
        return open_session(workspace, tx, annotator_id)


def change_password(workspace: Workspace, visitor: Visitor, old: str, new: str, address: str, device: str = "") -> str:
    """Give a visitor's account another password; returns the cookie's token of the one session that is left.

    The old password is required, in case somebody else sits at an open screen; tries are limited together with those
    to sign in. Every session of the account ends, and every link to a new password.

    Raises:
        DeniedError: the old password is wrong, or the visitor's account has none.
        InvalidInputError: the new password cannot be used, or is the old one.
        TryLaterError: too many tries from this address or device.
    """
    if not visitor.has_password:
        raise DeniedError("you have no password here: you sign in by a link or with your organisation")
    if prove(workspace, visitor.annotator.name, old, address, device) is None:
        raise DeniedError("this is not your password")
    if new == old:
        raise InvalidInputError("this is already your password: choose another")
    check_password(new, about(workspace, visitor.annotator.name))
    kept = hash_password(new)
    with workspace.database.begin() as tx:
        store_password(tx, visitor.annotator.id, kept)
        return open_session(workspace, tx, visitor.annotator.id)


def about(workspace: Workspace, name: str, email: str | None = None) -> list[str]:
    """What a password of somebody should not be made of."""
    with workspace.database.read() as tx:
        account = people.by_name(tx, name)
        names = [project.name for project in projects.all_(tx)]
    known = [name, email, account.email if account is not None else None]
    return ["alflow", workspace.settings.address, *names, *(each for each in known if each)]


def store_password(tx: Transaction, annotator_id: AnnotatorId, kept: str) -> None:
    """Keep the hash of a new password; sessions of the account, and links to another password, end."""
    people.change(tx, annotator_id, password_hash=kept)
    sessions.close_all(tx, annotator_id)
    people.revoke_resets(tx, annotator_id)


def sign_in_by_link(workspace: Workspace, token: str, name: str) -> str:
    """Open a session under any name with the link of the terminal; returns the cookie's token.

    Raises:
        DeniedError: it is not the link's token, or there are accounts to sign in with.
        InvalidInputError: the name cannot be used.
    """
    if not knows_link(workspace, token):
        raise DeniedError("that is not the token printed in the terminal")
    name = clean_name(name)
    with workspace.database.begin() as tx:
        if people.any_active(tx):
            raise DeniedError("there are accounts now: sign in with your name and password")
        return open_session(workspace, tx, annotators.get_or_create(tx, name).id, token_hash(token))


def sign_in_identity(workspace: Workspace, email: str, name: str) -> str:
    """Open a session for an identity whose e-mail address its provider has verified; returns the cookie's token.

    Invitations for the address are used; the first one creates the account.

    Raises:
        DeniedError: nobody invited this address, or its account is deactivated.
    """
    email, now = clean_email(email), datetime.now(UTC)
    with workspace.database.begin() as tx:
        account = people.by_email(tx, email)
        if account is not None and not account.active:
            raise DeniedError("this account was deactivated")
        invitations = people.take_invitations_of(tx, email, now)
        if account is None:
            if not invitations:
                raise DeniedError(f"nobody has invited {email} yet: ask an owner of the project")
            account = _new_account(tx, email, name, now)
        for invitation in invitations:
            people.grant(tx, account.annotator_id, invitation)
        return open_session(workspace, tx, account.annotator_id)


def sign_out(workspace: Workspace, token: str) -> None:
    """End the session of this token."""
    with workspace.database.begin() as tx:
        sessions.close(tx, token_hash(token))


def open_session(workspace: Workspace, tx: Transaction, annotator_id: AnnotatorId, link: str | None = None) -> str:
    """A new session; returns the cookie's token."""
    token, now = new_token(), datetime.now(UTC)
    until = now + timedelta(days=workspace.settings.session_days)
    sessions.open_(tx, annotator_id, token_hash(token), link, now, until)
    return token


def clean_email(email: str) -> str:
    """The address as it is stored.

    Raises:
        InvalidInputError: it is not an address.
    """
    email = "".join(each.lower() if each.isascii() else each for each in email.strip())  # "K" (Kelvin) is no "k"
    local, _, domain = email.rpartition("@")
    plain = email.isprintable() and not any(each.isspace() or each in _NOT_OF_EMAIL for each in email)
    if not local or "@" in local or "." not in domain or len(email) > 320 or not plain:
        raise InvalidInputError(f"{quoted(email)} is not an e-mail address")
    return email


def _visitor(workspace: Workspace, tx: Transaction, session: str, found: Session) -> Visitor | None:
    if found.link_hash is not None:
        known = found.link_hash == _link(workspace) and not people.any_active(tx)
        return Visitor(found.annotator, session, everywhere=True) if known else None
    if not found.active:
        return None
    roles = people.roles(tx, found.annotator.id)
    return Visitor(found.annotator, session, roles, has_password=found.has_password)


def _link(workspace: Workspace) -> str | None:
    """What is stored of the link's token; None if there is no link."""
    settings = workspace.settings
    return token_hash(settings.sign_in_token) if settings.sign_in_token and settings.is_local else None


def _new_account(tx: Transaction, email: str, name: str, now: datetime) -> Account:
    """Under the identity's own name where nobody has it yet, else under its address."""
    try:
        name = clean_name(name)
    except InvalidInputError:
        name = email
    free = name if people.annotator_called(tx, name) is None else clean_name(email)
    return people.add(tx, annotators.get_or_create(tx, free), email, None, now)
