"""The map: all images as points, selected with a lasso, a box or the legend (see map.js)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from alflow.domain.projects import ClassLabel, Project
from alflow.ids import ClassId, ItemId
from alflow.ui.components import modules


def image_map(
    project: Project,
    version: str,
    classes: Sequence[ClassLabel],
    *,
    done: int,
    send: Callable[[list[ItemId], str], None] | None,
    label: Callable[[list[ItemId], ClassId], None] | None,
    save: Callable[[list[ItemId], str], None] | None,
) -> None:
    """Show the map. It reads the images at `/map/PROJECT/points` itself; what is selected stays in the browser.

    Args:
        project: whose images.
        version: of what the map shows: with another one it reads anew.
        classes: to choose from.
        done: how many actions were handled; with the next one the browser empties the fields of the last.
        send: called with the selection and a reason; None where the visitor may not send.
        label: called with the selection and a class; None where the visitor may not.
        save: called with the selection and the name of a slice; None where the visitor may not.
    """
    key = f"map-{project.id}"
    acts = {"send": send, "label": label, "save": save}
    data = {
        "project": project.id,
        "title": project.name,
        "version": version,
        "classes": [{"id": each.id, "name": each.display_name} for each in classes],
        "may": [name for name, act in acts.items() if act is not None],
        "done": done,
    }

    def act() -> None:
        asked: Mapping[str, Any] = dict(st.session_state[key]["act"])
        ids = [ItemId(int(one)) for one in asked["ids"]]
        what = asked["what"]
        if what == "label" and label is not None:
            label(ids, ClassId(int(asked["class_id"])))
        elif what == "send" and send is not None:
            send(ids, str(asked["words"]))
        elif what == "save" and save is not None:
            save(ids, str(asked["words"]))

    modules.component("map", "mount.js")(data=data, key=key, on_act_change=act)
