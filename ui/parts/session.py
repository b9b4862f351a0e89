"""The visitor and the chosen project, which every page needs first."""

import re
from collections.abc import Sequence

import streamlit as st

from alflow.accounts import Role, Visitor
from alflow.domain.answers import Annotator
from alflow.domain.projects import Project, ProjectState
from alflow.errors import NotFoundError
from alflow.ids import AnnotatorId
from alflow.text import visible
from alflow.ui.door import password, sign_in, tokens
from alflow.ui.door.prefix import below
from alflow.ui.parts import services
from alflow.ui.parts.live import live
from alflow.workflow.operating.notice import notice
from alflow.workflow.projects import projects
from alflow.workflow.projects.states import change_state
from alflow.workspace import Workspace

CHOICE = "project"
_VISITOR = "visitor"
_NOTICE_EVERY = "5s"
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_COMMAND = re.compile(r"""(`alflow [\w .,=/+'"-]*`)""")
_FOUND_LATER = re.compile(r"[:@](?=\S)|www(?=\\\.)|[-<>=~](?=\\[-<>=~])", re.IGNORECASE)


def workspace() -> Workspace:
    """The open workspace of this process."""
    return services.current().workspace


def enter() -> Visitor:
    """The signed-in visitor, kept for the rest of this run; without one the run stops (the gate admits nobody)."""
    visitor = services.current().doorkeeper.visitor(st.context.cookies)
    if visitor is None:
        st.html(f'<a href="{below(sign_in.PATH)}" target="_self">Sign in</a>')
        st.stop()
    be(visitor)
    return visitor


def be(visitor: Visitor) -> None:
    """Set the visitor of this page."""
    st.session_state[_VISITOR] = visitor


def visitor() -> Visitor:
    """The visitor, with their current roles: the gate ends a page when these change."""
    found = st.session_state[_VISITOR]
    assert isinstance(found, Visitor)
    return found


def require_annotator() -> Annotator:
    """The annotator that the visitor is."""
    return visitor().annotator


def may(needed: Role, there: Project | None = None) -> bool:
    """Whether the visitor's role in that project, else in the chosen one, is enough.

    A click that changes a project asks about that project: its message may choose another one at the same time.
    """
    there = there or project()
    return there is not None and visitor().may(needed, there.id)


def owns_all() -> bool:
    """Whether the visitor owns every project there is: what concerns all of them at once is for nobody else."""
    return visitor().owns(each.id for each in projects.list_projects(workspace()))


def sees_speed(there: Project, of: AnnotatorId | None) -> bool:
    """Whether the visitor may be told how fast this person answers."""
    return there.shows_speed(visitor().annotator.id, of)


def choose_project() -> None:
    """The sidebar: the visitor's projects, the chosen one remembered in the address, and who is signed in."""
    mine = [each for each in projects.list_projects(workspace()) if visitor().role_in(each.id)]
    names = [each.name for each in mine if each.state is not ProjectState.ARCHIVED]
    with st.sidebar:
        if names:
            wanted = st.query_params.get(CHOICE)
            st.session_state.setdefault(CHOICE, wanted if wanted in names else names[0])
            if st.session_state[CHOICE] not in names:
                st.session_state[CHOICE] = names[0]
            st.query_params[CHOICE] = st.selectbox("Project", names, key=CHOICE)
        else:
            st.session_state.pop(CHOICE, None)
        if kept := [each for each in mine if each.state is ProjectState.ARCHIVED and may(Role.OWNER, each)]:
            _archived(kept)
        st.caption(f"Signed in as **{escape(visitor().annotator.name)}**{_role()}")
        st.html(f'<nav class="account" aria-label="Account">{_ways()}</nav>')
        if notice(workspace()):
            _told_to_all()


def project() -> Project | None:
    """The chosen project, or None while there is none that the visitor has a role in."""
    name = st.session_state.get(CHOICE)
    try:
        found = projects.find_project(workspace(), name) if name else None
    except NotFoundError:  # somebody has deleted it just now
        return None
    return found if found is not None and visitor().role_in(found.id) else None


def _archived(kept: Sequence[Project]) -> None:
    """For owners: what they archived, and the way back."""
    with st.expander(f"Archived projects: {len(kept)}"):
        for each in kept:
            key = f"unarchive-{each.id}"
            st.button(escape(each.name), icon=":material/unarchive:", key=key, on_click=_bring_back, args=(each,))


def _bring_back(archived: Project) -> None:
    if may(Role.OWNER, archived):
        change_state(workspace(), archived.id, ProjectState.ACTIVE)
        st.session_state[CHOICE] = archived.name


@live(_NOTICE_EVERY)
def _told_to_all() -> None:
    """The line of whoever runs alflow; it goes when they take it away."""
    if line := notice(workspace()):
        st.caption(escape(line))


def _ways() -> str:
    """The links of the sidebar that concern the visitor's own account."""
    change = f'<a class="quiet" href="{below(password.PATH)}" target="_self">Change password</a>'
    leave = f'<form method="post" action="{below(sign_in.LEAVE)}"><button class="quiet">Sign out</button></form>'
    programs = f'<a class="quiet" href="{below(tokens.PATH)}" target="_self">API tokens</a>'
    own = (change if visitor().has_password else "") + ("" if visitor().everywhere else programs)
    return own + leave


def _role() -> str:
    chosen = project()
    held = None if chosen is None or visitor().everywhere else visitor().role_in(chosen.id)
    return f", {held}" if held else ""


def escape(text: str) -> str:
    r"""Text from outside in one line, made harmless inside Markdown: shown as it is, no link, picture, icon or formula.

    After Markdown, Streamlit looks for addresses, icons, emoji and arrows, whether escaped or not: an invisible word
    joiner prevents that.
    """
    return _escaped(" ".join(visible(text, keep="\n\t").split()))


def _escaped(line: str) -> str:
    plain = _PUNCTUATION.sub(r"\\\g<0>", line)
    return _FOUND_LATER.sub("\\g<0>\u2060", plain)


def words(text: str) -> str:
    """What alflow says, names from outside among it: like `escape`, but its commands are shown as such."""
    plain = " ".join(visible(text, keep="\n\t").split())
    return "".join(part if number % 2 else _escaped(part) for number, part in enumerate(_COMMAND.split(plain)))


def sentence(error: object) -> str:
    """What an error says, as a sentence on a page."""
    text = str(error)
    return words(text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else "."))
