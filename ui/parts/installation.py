"""The section Installation of the Project page: backups, what is wrong, and the settings of the machine."""

import json
from collections.abc import Sequence
from shlex import quote
from typing import Any, Final

import streamlit as st

from alflow.domain.projects import Project
from alflow.memory import in_words
from alflow.settings import Settings
from alflow.ui.door import access
from alflow.ui.door.prefix import below
from alflow.ui.parts import beside, session, told
from alflow.ui.parts.tables import table
from alflow.workflow.operating.backups import backups, new_backup, remove_backup
from alflow.workflow.operating.checks import State

_WORST_FIRST: Final = (State.ERROR, State.WARNING, State.OK)


def installation(project: Project) -> None:
    """For who owns every project: all of it is about all of them."""
    if not session.owns_all():
        st.write(
            "Backups and the look for what is wrong are about all projects at once, so they are for who owns every one "
            "of them, or runs alflow on its machine:"
        )
        st.code("alflow doctor\nalflow backup FILE", language=None)
        return
    _backup(project)
    _doctor(project)
    with st.expander("Settings of the machine", icon=":material/settings:"):
        st.caption("They are changed where alflow is started: in the environment, or in the file `.env`.")
        rows = [{"Setting": one.name, "Value": one.value, "From": one.source} for one in _settings().in_force()]
        table(rows, "machine")


def _settings() -> Settings:
    return session.workspace().settings


def _backup(project: Project) -> None:
    st.subheader("Backup", anchor=False)
    st.write(
        "The database with all projects, what was made of the images, and what people uploaded, in one file on the "
        "machine of alflow. Not in it: original images that lie elsewhere, `.env` and the logs. It holds names and "
        "hashes of passwords: keep it safe, on another disk."
    )
    st.button("Make a backup", on_click=_make, args=(project,), icon=":material/archive:", key="backup")
    beside.tell(project, "backup", "A backup is on its way; everything may go on meanwhile.")
    if found := backups(_settings()):
        rows = [{"File": str(one.path), "Size": in_words(one.size), "Made at": one.at} for one in found]
        made = st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm")
        table(rows, "backups", column_config={"Made at": made})
        _one_of(project, [one.path.name for one in found])
    st.caption("To bring one back is a command, for it needs an empty home, and alflow to be stopped:")
    file = str(found[0].path) if found else "FILE"
    st.code(f"alflow restore {quote(file)} --home NEW", language=None, wrap_lines=True)


def _one_of(project: Project, names: Sequence[str]) -> None:
    choice, save, remove = st.columns([4, 1, 1], vertical_alignment="bottom")
    name = choice.selectbox("Backup", names, key=f"backup-chosen-{names[0]}")  # a new one is chosen by itself
    address = below(f"/backup/{project.id}/{name}")
    save.link_button("Save", address, icon=":material/download:", width="stretch")
    with remove.popover("Remove", width="stretch"):
        st.write(f"{session.escape(name)} goes for good.")
        st.button("Remove it", on_click=_remove, args=(project, name), type="primary", key="backup-remove")


def _remove(project: Project, name: str) -> None:
    def remove() -> str:
        remove_backup(_settings(), name)
        return f"the backup {name} is removed"

    if _is_theirs(project):
        told.act(project, remove, access.KEEP_HOUSE)


def _make(project: Project) -> None:
    _begin(project, "backup", ["backup", str(new_backup(_settings()))])


def _doctor(project: Project) -> None:
    st.subheader("Doctor", anchor=False)
    st.write(
        "Looks for what is wrong, or soon will be: packages, database, disk, models, images, files, memory, clocks and "
        "ports. To repair first makes anew what is damaged and can be made anew, and removes what killed writers and "
        "deleted projects left."
    )
    for column, title, options in zip(
        st.columns([1, 1, 1, 2]),
        ("Look", "Look, every file too", "Repair, then look"),
        (["--quick"], [], ["--repair"]),
        strict=False,
    ):
        given = (project, "doctor", ["doctor", "--json", *options])
        column.button(title, on_click=_begin, args=given, key=f"doctor-{title}", width="stretch")
    done = beside.ended(project, "doctor", "The doctor looks; reading every file takes long where there are many.")
    if done is None:
        return
    try:
        _found(json.loads(done.said))
    except ValueError:
        st.error(session.sentence(done.fault or "the doctor said nothing"))


def _found(said: dict[str, Any]) -> None:
    checks = sorted(said["checks"], key=lambda one: _WORST_FIRST.index(State(one["state"])))
    wrong = [one for one in checks if one["state"] != State.OK]
    if not wrong:
        st.success("All is well.")
    for one in wrong:
        show = st.error if one["state"] == State.ERROR else st.warning
        show(f"**{session.escape(one['name'])}**: {session.sentence(one['words'])}")
    done: Sequence[str] = [*said["repaired"], *said["removed"]]
    if done:
        st.success(session.sentence(f"repaired or removed: {'; '.join(done)}"))
    rows = [{"Check": one["name"], "State": one["state"], "What": one["words"]} for one in checks]
    with st.expander(f"All that was looked at: {len(rows)}", icon=":material/checklist:"):
        table(rows, "doctor")


def _begin(project: Project, kind: str, arguments: Sequence[str]) -> None:
    if _is_theirs(project):
        beside.start(project, kind, arguments, access.KEEP_HOUSE)


def _is_theirs(project: Project) -> bool:
    """Whether the click may act; if not, it was forged, or a project was made meanwhile."""
    if not session.owns_all():
        told.keep(project, "This is for who owns every project.", done=False)
        return False
    return True
