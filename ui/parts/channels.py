"""On the Project page: whom the project tells what happens, by webhook, e-mail or chat."""

from collections.abc import Callable
from typing import Final

import streamlit as st

from alflow.domain.messages import CHOICES, Event
from alflow.domain.projects import Project
from alflow.errors import AlflowError
from alflow.ids import ChannelId
from alflow.ui.door import access
from alflow.ui.parts import session, told
from alflow.workflow.projects import channels
from alflow.workflow.projects.channels import Listed

_SECRET: Final = "channel-secret"


def messages(project: Project) -> None:
    """The channels of the project, each with how it goes; a form for a new one."""
    st.caption(
        "A message names the project and the round, and has a link: never images, answers or names of people. The "
        "schedule sends it, and tries again if it does not arrive. A project that is stopped sends nothing."
    )
    _secret(project)
    found = channels.list_channels(session.workspace(), project.id)
    for one in found:
        _channel(project, one)
    if not found:
        st.info("Nobody is told yet what happens in this project.", icon=":material/notifications_off:")
    _add(project)


def _secret(project: Project) -> None:
    """The secret of a webhook that was made with the last click."""
    of, secret = st.session_state.pop(_SECRET, (0, ""))
    if secret and of == project.id:
        st.success("This secret signs the messages: give it to the receiver. It is not shown again.")
        st.code(secret, language=None, wrap_lines=True)


def _channel(project: Project, one: Listed) -> None:
    with st.container(border=True):
        what, trial, remove = st.columns([6, 2, 2], vertical_alignment="center")
        what.markdown(f"**{session.escape(one.shown)}**")
        chosen = ", ".join(CHOICES[Event(each)].partition(":")[0].partition(",")[0] for each in one.events)
        by = session.escape(one.made_by) if one.made_by else "the command line"
        what.caption(f"Told when {chosen}. Made by {by} on {one.made_at:%d %B %Y}.")
        (what.caption if one.trouble is None else what.warning)(session.sentence(one.words))
        trial.button(
            "Send a trial",
            help="A trial message is sent now",
            key=f"channel-try-{one.id}",
            width="stretch",
            on_click=_act,
            args=(project, _try, one.id),
        )
        with remove.popover("Remove", width="stretch"):
            st.write("Nothing is sent there any more, and what waits neither.")
            st.button(
                "Remove", key=f"channel-remove-{one.id}", type="primary", on_click=_act, args=(project, _remove, one.id)
            )


def _act(project: Project, what: Callable[[Project, ChannelId], str], channel_id: ChannelId) -> None:
    if session.may(access.EDIT_SETTINGS, project):
        told.act(project, lambda: what(project, channel_id))


def _try(project: Project, channel_id: ChannelId) -> str:
    return f"A trial message arrived at {channels.try_channel(session.workspace(), project.id, channel_id)}."


def _remove(project: Project, channel_id: ChannelId) -> str:
    return f"Nothing is sent to {channels.remove_channel(session.workspace(), project.id, channel_id)} any more."


def _add(project: Project) -> None:
    st.subheader("Tell somebody", anchor=False)
    with st.form(f"channel-{project.id}", border=False):
        address = st.text_input(
            "Address",
            type="password",
            autocomplete="off",
            placeholder="https://... or mailtos://...",
            help="https:// of a webhook, or an address of Apprise, which knows e-mail and over a hundred services: "
            "mailtos://NAME:PASSWORD@HOST?to=WHOM, slack://..., msteams://..., tgram://... (https://appriseit.com)",
        )
        st.write("Tell it when")
        events = [
            event
            for event, words in CHOICES.items()
            if st.checkbox(words[0].upper() + words[1:], value=True, key=f"channel-{event}-{project.id}")
        ]
        if st.form_submit_button("Add", type="primary") and session.may(access.EDIT_SETTINGS, project):
            _added(project, address, events)


def _added(project: Project, address: str, events: list[Event]) -> None:
    try:
        by = session.visitor().annotator.id
        made, secret = channels.add_channel(session.workspace(), project.id, address, events, by=by)
    except AlflowError as error:
        st.error(session.sentence(error))
        return
    st.session_state[_SECRET] = (project.id, secret)
    told.keep(project, f"{made.shown} is told from now on: send it a trial message.", done=True)
    st.rerun()
