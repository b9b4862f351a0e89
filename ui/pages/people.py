"""The People page: members and roles of the project, and invitations."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from html import escape
from typing import Any, Final
from urllib.parse import urlsplit

import streamlit as st

from alflow.accounts import Account, Invitation, Member, Role
from alflow.domain.projects import Project
from alflow.errors import AlflowError
from alflow.ids import AnnotatorId, ProjectId
from alflow.ui.door.invitations import link
from alflow.ui.door.tokens import said_of
from alflow.ui.parts import session
from alflow.ui.parts.empty import no_accounts
from alflow.ui.parts.erasing import erasing
from alflow.workflow.people import accounts as people
from alflow.workflow.people import invitations, tokens

MAY: Final = {
    Role.ANNOTATOR: "labels images",
    Role.REVIEWER: "also sees rounds, reasons and figures, settles disputes, and exports labels",
    Role.ENGINEER: "also brings images and labels, runs back-tests, writes guidelines, sets checks, fills the queue",
    Role.OWNER: "also invites people, gives roles, lets people set a new password, and ends accounts",
}
_ENDED: Final = "the account signs in no more, and its sessions and API tokens end. Roles and answers stay."
_BACK: Final = "the account signs in again, with the roles that it had."
_RESET: Final = "lets them set a new password, once, within a day; then they are signed out everywhere else."
_LINK: Final = "invitation-link"
"""Kept: of which project, for whose new password if for one, and the link."""
_PROBLEM: Final = "people-problem"


def show(project: Project) -> None:
    """Members with their roles, pending invitations, and a form for a new one."""
    st.header(f"People of {session.escape(project.name)}", anchor=False)
    if session.visitor().everywhere:
        no_accounts()
        return
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(session.sentence(problem))
    members = people.list_members(session.workspace(), project.id)
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader("Members")
        for member in members:
            _member(project, member)
        _waiting(project)
        _programs(project)
        erasing(project)
    with right:
        _invite(project)
        st.subheader("Roles")
        st.markdown("\n".join(f"- **{role.capitalize()}** {may}." for role, may in MAY.items()))


def _member(project: Project, member: Member) -> None:
    account = member.account
    with st.container(border=True):
        name, role, more = st.columns([4, 3, 2], vertical_alignment="center")
        you = " (you)" if account.annotator_id == session.visitor().annotator.id else ""
        details = ", ".join(filter(None, [account.email, None if account.active else "deactivated"]))
        name.html(f'<div class="person"><b>{escape(account.name)}</b>{you}<small>{escape(details)}</small></div>')
        key = f"role-{project.id}-{account.annotator_id}"
        st.session_state[key] = member.role
        role.selectbox(
            f"Role of {session.escape(account.name)}",
            list(Role),
            format_func=str.capitalize,
            key=key,
            label_visibility="collapsed",
            on_change=_set_role,
            args=(project.id, account.annotator_id, key),
        )
        with more.popover("More", width="stretch"):
            _more(project, account)
        _show_link(project, account.annotator_id, f"Send this link to {account.name}. It {_RESET}")


def _more(project: Project, account: Account) -> None:
    """What an owner does to somebody's role in this project, or to the account, which is one for all projects."""
    who, name = account.annotator_id, session.escape(account.name)
    if account.active and who != session.visitor().annotator.id:
        st.write("A forgotten password: a link " + _RESET)
        st.button("Make a link", key=f"reset-{project.id}-{who}", on_click=_reset, args=(project, who))
    if session.workspace().settings.oidc_client_id:
        key = f"email-{project.id}-{who}"
        st.text_input("E-mail address that signs in to the account", account.email or "", key=key, autocomplete="off")
        st.button("Save the address", key=f"{key}-save", on_click=_set_email, args=(who, key))
    st.write(f"{name} loses access to this project. Answers stay.")
    given: tuple[object, ...] = (people.remove_member, project.id, who)
    st.button("Remove", key=f"remove-{project.id}-{who}", type="primary", on_click=_do, args=given)
    st.write("Or in all projects: " + (_ENDED if account.active else _BACK))
    given = (partial(people.set_active, active=not account.active), who)
    title = "Deactivate" if account.active else "Activate"
    st.button(title, key=f"active-{project.id}-{who}", on_click=_do, args=given)


def _waiting(project: Project) -> None:
    waiting = invitations.open_invitations(session.workspace(), project.id)
    if not waiting:
        return
    st.subheader("Pending invitations")
    for invitation in waiting:
        with st.container(border=True):
            what, revoke = st.columns([7, 2], vertical_alignment="center")
            what.markdown(f"**{str(invitation.role).capitalize()}**, {_for_whom(invitation)}")
            what.caption(_left(invitation))
            revoke.button(
                "Take back",
                key=f"revoke-{invitation.id}",
                width="stretch",
                on_click=_do,
                args=(invitations.revoke, project.id, invitation.id),
            )


def _programs(project: Project) -> None:
    held = tokens.project_tokens(session.workspace(), project.id)
    if not held:
        return
    st.subheader("API tokens")
    for token, person in held:
        with st.container(border=True):
            what, end = st.columns([7, 2], vertical_alignment="center")
            what.markdown(f"**{session.escape(token.name)}** of {session.escape(person.name)}, may {token.scope}")
            what.caption(said_of(token))
            end.button("End", key=f"end-{token.id}", width="stretch", on_click=_do, args=(tokens.end_token, token.id))


def _invite(project: Project) -> None:
    st.subheader("Invite")
    with st.form("invite", clear_on_submit=True):
        role = st.selectbox("Role", list(Role), format_func=str.capitalize) or Role.ANNOTATOR
        days = st.number_input("Valid for days", 1, 365, round(invitations.LINK_DAYS))
        email = ""
        if session.workspace().settings.oidc_client_id:
            email = st.text_input(
                "E-mail address", help="For somebody who signs in with this address; leave empty for a link"
            )
        pressed = st.form_submit_button("Invite", icon=":material/person_add:", type="primary")
    if pressed:
        st.session_state.pop(_LINK, None)
        try:
            _, token = invitations.invite(
                session.workspace(), project.id, role, email=email or None, days=days, by=session.visitor()
            )
        except AlflowError as error:
            st.error(session.sentence(error))
            return
        if token:
            st.session_state[_LINK] = (project.id, None, link(_address(), token))
        st.rerun()
    _show_link(project, None, "Send this link to the person you invite. It works once, and is not shown again.")


def _show_link(project: Project, of: AnnotatorId | None, words: str) -> None:
    """The link that was just made for this person's new password, or to invite somebody."""
    *place, address = st.session_state.get(_LINK, (None, None, ""))
    if place == [project.id, of]:
        st.success(session.sentence(words))
        st.code(address, language=None, wrap_lines=True)


def _reset(project: Project, of: AnnotatorId) -> None:
    def made(*given: Any, **by: Any) -> None:
        st.session_state[_LINK] = (project.id, of, link(_address(), invitations.invite_to_reset(*given, **by)))

    _do(made, of)


def _set_email(of: AnnotatorId, key: str) -> None:
    _do(people.set_email, of, st.session_state[key])


def _set_role(project_id: ProjectId, annotator_id: AnnotatorId, key: str) -> None:
    _do(people.set_role, project_id, annotator_id, st.session_state[key])


def _do(change: Callable[..., None], *what: object) -> None:
    """Make a change before the page is drawn anew; if it is refused, the page says why."""
    try:
        change(session.workspace(), *what, by=session.visitor())
    except AlflowError as error:
        st.session_state[_PROBLEM] = str(error)


def _address() -> str:
    """The address at which the owner reached these pages, unless a setting gives it."""
    settings = session.workspace().settings
    host = st.context.headers.get("host")
    return (
        settings.address
        if settings.public_url or not host
        else f"{urlsplit(st.context.url or '').scheme or 'http'}://{host}"
    )


def _for_whom(invitation: Invitation) -> str:
    return f"for {session.escape(invitation.email)}" if invitation.email else "by link"


def _left(invitation: Invitation) -> str:
    hours = (invitation.expires_at - datetime.now(UTC)).total_seconds() / 3600
    return f"Expires in {hours / 24:.0f} days" if hours > 48 else f"Expires in {max(hours, 1):.0f} hours"
