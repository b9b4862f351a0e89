"""Where a project's images come from: uploads, what is taken once, what is watched; and what became of their files."""

from pathlib import Path
from shlex import quote
from typing import Final

import streamlit as st

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.domain.watches import CHANGED, FileState, Watch
from alflow.text import plural
from alflow.ui.door import access
from alflow.ui.parts import session, told
from alflow.ui.parts.tables import table
from alflow.workflow.images import once, watching
from alflow.workflow.images.allowed import allowed
from alflow.workflow.images.shares import Destination

_NAMED: Final = 200
_LOOKS: Final = {60.0: "each minute", 600.0: "each 10 minutes", 3_600.0: "each hour", 86_400.0: "each day"}
_DRAWN: Final = "drawn"
_FOR: Final = {
    Split.POOL.value: "Pool",
    _DRAWN: "Pool, with shares for test and target",
    Split.TARGET.value: "Target",
    Split.TEST.value: "Test",
}


def sources(project: Project) -> None:
    """The table of sources, why one cannot be read, and how to begin and stop."""
    every = watching.watched(session.workspace(), project.id)
    st.subheader("Sources")
    if every:
        st.caption(
            "New images of what is watched enter by themselves. Nothing that is known is read again, and no image goes."
        )
        table([_row(one) for one in every], "sources")
    else:
        st.caption("A folder or a prefix of a bucket can be watched, too: its new images then enter by themselves.")
    for one in every:
        if one.trouble is not None:
            st.warning(f"A watched source cannot be read: {session.words(one.trouble)}")
    roots = session.workspace().settings.shown_sources
    if roots and session.may(access.NAME_SOURCES, project):
        _bring(project, roots)
    else:
        st.code(f"alflow watch {quote(project.name)} FOLDER", language=None, wrap_lines=True)
    if every and session.may(access.BRING_IMAGES, project):
        _stop(project, every)
    _gone(project, every)


def _row(one: Watch) -> dict[str, object]:
    counts = {
        "Taken": one.files.get(FileState.KNOWN, 0),
        "New images": one.tally.get("added", 0),
        "Known already": one.tally.get("known", 0),
        "On their way": one.files.get(FileState.NEW, 0) + one.files.get(FileState.READY, 0),
        "Rejected": one.files.get(FileState.REFUSED, 0),
        "Passed over": sum(one.left_out.values()),
        "Changed": one.files.get(CHANGED, 0),
        "Gone": one.files.get(FileState.GONE, 0),
    }
    return {"Source": _name(one), "Kind": _kind(one), "For": _for(one), **counts, "Last read": one.looked_at}


def _uploads() -> Path:
    return session.workspace().settings.uploads


def _kind(one: Watch) -> str:
    if Path(one.source).is_relative_to(_uploads()):
        return "uploaded"
    return "taken once" if one.once else f"watched {_often(one.every)}"


def _name(one: Watch) -> str:
    """Of an upload, what is below the folder of the project's uploads."""
    place = Path(one.source)
    return "/".join(place.relative_to(_uploads()).parts[1:]) if place.is_relative_to(_uploads()) else one.source


def _for(one: Watch) -> str:
    drawn = [f"{share:.0%} {split}" for split, share in one.shares.items()]
    return ", ".join([one.split.value, *drawn])


def _bring(project: Project, roots: list[str]) -> None:
    """Images that are on the machine, or at an address: those of `ALFLOW_SOURCES`."""
    with st.expander("Take images from a folder or an address that the server sees", icon=":material/folder_open:"):
        what = "A folder, an archive, a manifest (CSV, TSV, JSON lines, Parquet) or an image."
        ask_place(roots, key := f"bring-{project.id}", "photos/2026, all.zip or images.csv; empty for all of it", what)
        left, middle, right = st.columns([2, 1, 1], vertical_alignment="bottom")
        kind = left.selectbox("For", list(_FOR), key=f"bring-for-{project.id}", format_func=_FOR.__getitem__)
        shares = {
            split.value: column.number_input(f"% {split}", 0, 50, 10, key=f"bring-{split}-{project.id}") / 100
            for split, column in ((Split.TEST, middle), (Split.TARGET, right))
            if kind == _DRAWN
        }
        to = Destination(Split.POOL if kind == _DRAWN else Split(kind), shares)
        given = (project, key, to)
        left, right = st.columns([1, 4], vertical_alignment="center")
        refused = "Refused where a label names no class, a test image has none, or a row of a manifest cannot be used."
        right.toggle("Strict: all of it or nothing", key=f"{key}-strict", help=refused)
        left.button("Take once", on_click=_begin, args=given, key=f"bring-once-{project.id}", width="stretch")
        left, right = st.columns([1, 4], vertical_alignment="center")
        looks = "How often to look for new images"
        right.selectbox(looks, _LOOKS, format_func=_often, key=f"{key}-every", label_visibility="collapsed")
        left.button("Watch", on_click=_begin, args=(*given, True), key=f"bring-watch-{project.id}", width="stretch")


def _often(seconds: float) -> str:
    return _LOOKS.get(seconds, f"each {seconds:,g} s")


def ask_place(roots: list[str], key: str, example: str, what: str) -> None:
    """Fields for something that the server sees: one of `ALFLOW_SOURCES`, and what is below it."""
    left, right = st.columns([2, 3])
    left.selectbox("Where", roots, key=f"{key}-root")
    right.text_input("What is below it", key=f"{key}-below", placeholder=example, help=what)


def place(key: str) -> str:
    """What was named in the fields of this key, when it is clicked: what was drawn last may be older.

    Raises:
        InvalidInputError: it leads out of what pages may name.
    """
    root, below = (st.session_state[f"{key}-{field}"] for field in ("root", "below"))
    return allowed(session.workspace().settings, root, below)


def _begin(project: Project, key: str, to: Destination, watches: bool = False) -> None:
    def begin() -> str:
        workspace, kept = session.workspace(), st.session_state
        source = place(key)
        if watches:
            made = watching.watch(workspace, project, source, to, kept[f"{key}-every"])
            return f"{made.source} is watched from now on, {_often(made.every)}."
        made = once.take_once(workspace, project, source, to, strict=kept[f"{key}-strict"])
        return f"{plural(made.files.get(FileState.READY, 0), 'file')} of {made.source} will be taken by the next runs."

    told.act(project, begin, access.NAME_SOURCES)


def _stop(project: Project, every: list[Watch]) -> None:
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    names = {one.source: _name(one) for one in every}
    source = left.selectbox(
        "Take no more of", list(names), key=f"watched-{project.id}", format_func=lambda one: names.get(one, one)
    )

    def stop() -> str:
        watching.unwatch(session.workspace(), project, source)
        return f"Nothing more is taken of {names[source]}; its images stay."

    right.button("Stop", on_click=told.act, args=(project, stop, access.BRING_IMAGES), key=f"unwatch-{project.id}")


def _gone(project: Project, every: list[Watch]) -> None:
    count = sum(one.files.get(FileState.GONE, 0) for one in every)
    if count:
        with st.expander(f"Files that are gone since they were taken: {count:,}", icon=":material/block:"):
            st.caption(f"Their images stay. The first {_NAMED} of each source:")
            files = watching.gone(session.workspace(), project.id, _NAMED)
            table([{"File": file.uri, "Since": file.at} for file in files], "gone")
