"""The Map page: all images by likeness, a selection of them to act on, and how well the model knows each slice."""

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from alflow.domain.projects import Project
from alflow.errors import AlflowError
from alflow.ids import ClassId, ItemId
from alflow.text import plural
from alflow.ui.components.map import image_map
from alflow.ui.door import access
from alflow.ui.parts import beside, session, told
from alflow.ui.parts.empty import not_embedded
from alflow.ui.parts.slices import show_slices
from alflow.workflow.answers import together
from alflow.workflow.insight import map as maps
from alflow.workflow.insight import marks, slices
from alflow.workflow.projects import projects
from alflow.workflow.rounds import chosen

_DONE, _TOLD, _LAST = "map-done", "map-told", "map-last"


def show(project: Project) -> None:
    """The map, and the slices below it."""
    st.header("Map")
    workspace = session.workspace()
    try:
        known = maps.kept_map(workspace, project.id)
    except AlflowError as error:
        not_embedded(project, str(error))
        return
    if known is None:
        _offer(project)
        return
    st.caption(
        f"Images that the model takes for alike lie near each other ({known.words} of the joint embedding). Distances "
        "between far groups, and the axes, mean nothing. An image that comes later moves none that is here."
    )
    _tell(project)
    image_map(
        project,
        f"{marks.version(workspace, project.id)}-{known.hash}",
        projects.project_classes(workspace, project.id),
        done=st.session_state.get(_DONE, 0),
        send=(lambda ids, why: _send(project, ids, why)) if session.may(access.SEND_TO_QUEUE) else None,
        label=(lambda ids, one: _label(project, ids, one)) if session.may(access.ANSWER_TOGETHER) else None,
        save=(lambda ids, name: _save(project, ids, name)) if session.may(access.MAKE_SLICES) else None,
    )
    show_slices(project)
    if session.may(access.RUN_PROJECT):
        _anew(project)


def _anew(project: Project) -> None:
    """Once much has come, a map that was made of all of it shows more."""
    opened = beside.is_fresh(project, "map")
    with st.expander("Lay the images out anew", icon=":material/scatter_plot:", expanded=opened):
        told.tell(project)
        st.caption("The map is made of all images that are here now; those that are on it move. Slices stay.")
        given = (project, "map", ["map", "--anew", f"--project={project.name}"], access.RUN_PROJECT)
        st.button("Lay them out anew", on_click=beside.start, args=given, key=f"map-anew-{project.id}")
        beside.tell(project, "map", "A map is on its way; it goes on when this page is left.")


def _offer(project: Project) -> None:
    """The map is made by the schedule; whoever cannot wait makes it here."""
    st.write(
        "The map is not made yet: the next run of the schedule makes it. You can make it now; 100,000 images take "
        "about a minute."
    )
    if st.button("Make the map", type="primary"):
        with st.spinner("Laying the images out."):
            maps.make_map(session.workspace(), project.id)
        st.rerun()


def _tell(project: Project) -> None:
    """What the last action did; the answers that were given at once are taken back here."""
    kept: tuple[str, Sequence[str]] | None = st.session_state.pop(_TOLD, None)
    if kept is not None:
        kind, lines = kept
        for line in lines:
            (st.success if kind == "done" else st.warning)(session.words(line))
    last: tuple[int, str, Sequence[ItemId]] | None = st.session_state.get(_LAST)
    if last is not None and last[0] == project.id:
        st.button(
            f"Take the {plural(len(last[2]), 'image')} back that you answered at once", on_click=lambda: _back(project)
        )


def _send(project: Project, item_ids: Sequence[ItemId], why: str) -> None:
    if not session.may(access.SEND_TO_QUEUE, project):  # there is no button: the message was forged
        return
    by = session.require_annotator().id
    try:
        report = chosen.send_to_queue(session.workspace(), project.id, by, item_ids, why)
    except AlflowError as error:
        _say("failed", [str(error)])
        return
    _say(
        "done",
        [f"{plural(len(report.queued), 'image')} sent to round {report.round_number}.", *_left_out(report.refused)],
    )


def _label(project: Project, item_ids: Sequence[ItemId], class_id: ClassId) -> None:
    if not session.may(access.ANSWER_TOGETHER, project):
        return
    by = session.require_annotator().id
    try:
        report = together.answer_together(session.workspace(), project.id, by, item_ids, class_id)
    except AlflowError as error:
        _say("failed", [str(error)])
        return
    if report.answered:
        st.session_state[_LAST] = (project.id, report.token, report.answered)
    _say("done", [f"{plural(len(report.answered), 'image')} answered.", *_left_out(report.refused)])


def _back(project: Project) -> None:
    last: tuple[int, str, Sequence[ItemId]] | None = st.session_state.pop(_LAST, None)
    if last is None or not session.may(access.ANSWER_TOGETHER, project):
        return
    by = session.require_annotator().id
    count = together.take_back_together(session.workspace(), project.id, by, last[1], last[2])
    _say("done", [f"{plural(count, 'answer')} taken back."])


def _save(project: Project, item_ids: Sequence[ItemId], name: str) -> None:
    if not session.may(access.MAKE_SLICES, project):
        return
    workspace, by = session.workspace(), session.require_annotator().id
    try:
        made = slices.make_slice(workspace, project.id, by, name, item_ids)
    except AlflowError as error:
        _say("failed", [str(error)])
        return
    lines = [f"{plural(len(set(item_ids)), 'image')} saved as the slice {made.name}."]
    try:
        slices.evaluate_slices(workspace, project.id)
    except AlflowError as error:
        lines.append(f"It is evaluated once a model can be: {error}.")
    _say("done", lines)


def _say(kind: str, lines: Sequence[str]) -> None:
    st.session_state[_TOLD] = (kind, lines)
    st.session_state[_DONE] = st.session_state.get(_DONE, 0) + 1


def _left_out(refused: Mapping[ItemId, str]) -> list[str]:
    """One line for each reason, for a lasso may hold many images."""
    reasons = Counter(refused.values()).most_common()
    return [f"{plural(count, 'image')} left out, of which each {reason}." for reason, count in reasons]
