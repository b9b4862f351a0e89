"""On the Project page: all classes in one table, to add, rename, order and remove."""

from typing import Any, Final

import pandas as pd
import streamlit as st

from alflow.domain.projects import ClassLabel, NewClass, Project
from alflow.ids import ClassId
from alflow.ui.door import access
from alflow.ui.parts import session, told
from alflow.workflow.projects import class_changes, projects
from alflow.workflow.projects.class_changes import ChangedClasses

_COLUMNS: Final[dict[str, Any]] = {
    "id": None,  # hidden; a new row has none
    "Place": st.column_config.NumberColumn(format="%g", help="Order on the desk: 1.5 goes between 1 and 2", width=60),
    "Key": st.column_config.TextColumn(max_chars=1, help="The key that answers it; empty: the next free one", width=50),
    "Name": st.column_config.TextColumn(help="In files and exports", required=True),
    "Shown as": st.column_config.TextColumn(help="On pages; empty: the name"),
    "Group": st.column_config.TextColumn(help="Heads it on the desk; the supercategory in COCO. Empty: none"),
}


def class_table(project: Project) -> None:
    """The classes as rows; a row more is a new class, a row less removes one that nothing uses."""
    stored = projects.project_classes(session.workspace(), project.id)
    st.caption(
        "Add a row for a new class. Change a name, and its labels stay with it. A class goes with its row, if no "
        "label, image or decision names it. What the model reads for each class is on the Prompts page."
    )
    frame = pd.DataFrame(
        [(one.id, one.position + 1, one.hot_key or "", one.name, one.display_name, one.group) for one in stored],
        columns=list(_COLUMNS),
    ).astype({"id": float, "Place": float, "Key": str, "Name": str, "Shown as": str, "Group": str})
    key = f"classes-{project.id}-{hash(tuple(stored))}"  # what somebody else changed starts a new table
    rows = st.data_editor(frame, num_rows="dynamic", hide_index=True, column_config=_COLUMNS, key=key, width="stretch")
    if st.button("Save the classes", type="primary") and session.may(access.EDIT_CLASSES, project):
        told.act(project, lambda: _save(project, rows, stored))
        st.rerun()


def _save(project: Project, rows: pd.DataFrame, stored: list[ClassLabel]) -> str:
    ordered = rows.sort_values("Place", kind="stable", na_position="last").to_dict("records")
    wanted = [(None if pd.isna(row["id"]) else ClassId(int(row["id"])), _class(row)) for row in ordered]
    done = class_changes.arrange_classes(session.workspace(), project.id, wanted, stored)
    return _words(stored, done)


def _class(row: dict[Any, Any]) -> NewClass:
    given = ("" if pd.isna(row[column]) else str(row[column]) for column in ("Key", "Name", "Shown as", "Group"))
    key, name, shown, group = given
    return NewClass(name, shown, (), key.strip() or None, group)


def _words(before: list[ClassLabel], done: ChangedClasses) -> str:
    gone = len({one.id for one in before} - {one.id for one in done.classes})
    added = len(done.classes) + gone - len(before)
    changed = len(done.changed) - added
    parts = [f"{count} {what}" for count, what in ((added, "added"), (changed, "changed"), (gone, "removed")) if count]
    if not parts and [one.id for one in before] == [one.id for one in done.classes]:
        return "Nothing was changed."
    return f"Saved: {', '.join(parts) or 'the order'}. All predictions follow from now on."
