"""On the Label errors page: images between classes, for the guidelines; and unfamiliar ones, perhaps of no class."""

from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st

from alflow.domain.projects import Project
from alflow.errors import AlflowError
from alflow.ids import ClassId
from alflow.workflow.insight.strange import Strange, strange_images
from alflow.workflow.projects import projects
from alflow.workflow.rounds import chosen
from ui.components.gallery import Bar, Card, gallery
from ui.door import access
from ui.parts import session
from ui.parts.images import image_address

COUNT: Final = 8
_TOLD = "unclear-told"


def section(project: Project, names: Mapping[ClassId, str]) -> None:
    """Both kinds, by the newest model, and what to do about each."""
    found = strange_images(session.workspace(), project.id, COUNT)
    project_id, message, done = st.session_state.pop(_TOLD, (None, "", False))
    if project_id == project.id:
        (st.success if done else st.warning)(session.escape(message))
    st.subheader("Between classes: candidates for the guidelines")
    st.caption(
        "The images of the pool with the highest aleatoric part: uncertainty that stays however many labels come, as "
        "classes overlap there. A sentence in the guidelines can say which class such an image belongs to."
    )
    _cards(project, found.ambiguous, names, "Aleatoric", "ambiguous")
    if found.ambiguous and session.may(access.EDIT_GUIDELINES):
        st.button(
            "Add the first of these to the guidelines, to be completed",
            icon=":material/edit_note:",
            on_click=_draft,
            args=(project, found.ambiguous[0], names),
        )
    st.subheader("Unfamiliar: candidates for “none of the classes”")
    st.caption(
        "The images of the pool without a label that are least like what the model was pretrained on; 1 is average. "
        "Some show what no class names: ask people, who can answer that none of the classes fits."
    )
    if not found.unfamiliar:
        st.write("Every image of the pool has a label.")
        return
    _cards(project, found.unfamiliar, names, "Novelty", "unfamiliar")
    if session.may(access.SEND_TO_QUEUE):
        st.button(
            f"Ask people about these {len(found.unfamiliar)}",
            icon=":material/playlist_add:",
            on_click=_ask,
            args=(project, found.unfamiliar),
        )


def _cards(project: Project, found: Sequence[Strange], names: Mapping[ClassId, str], what: str, key: str) -> None:
    cards = [
        Card(
            image=image_address(project.id, one.item_id, "thumbnail"),
            rank=rank,
            origin="",
            believed=[Bar(name=names.get(each, "?"), value=p) for each, p in one.top],
            facts=[(what, f"{one.value:.2f}"), ("Image", str(one.item_id))],
            answers=[] if one.label is None else [names.get(one.label, "?")],
            verdict="open" if one.label is None else "agrees" if one.label == one.top[0][0] else "differs",
        )
        for rank, one in enumerate(found, 1)
    ]
    gallery(cards, key=f"{key}-{project.id}")


def _draft(project: Project, one: Strange, names: Mapping[ClassId, str]) -> None:
    """A line with the picture, at the end of the guidelines."""
    if not session.may(access.EDIT_GUIDELINES, project):
        return
    first, second = (session.escape(names.get(each, "?")) for each, _ in one.top)
    picture = f"![Image {one.item_id}]({image_address(project.id, one.item_id, 'thumbnail')})"
    workspace = session.workspace()
    text = projects.project(workspace, project.id).guidelines.rstrip()
    line = f"**{first} or {second}?** {picture} To be decided."
    if picture in text:
        st.session_state[_TOLD] = (
            project.id,
            "The guidelines show this image already: the Project page edits them.",
            True,
        )
        return
    try:
        projects.set_guidelines(workspace, project.id, f"{text}\n\n{line}\n".lstrip())
    except AlflowError as error:
        st.session_state[_TOLD] = (project.id, str(error), False)
        return
    st.session_state[_TOLD] = (
        project.id,
        "The image is in the guidelines: say on the Project page which class it is.",
        True,
    )


def _ask(project: Project, found: Sequence[Strange]) -> None:
    if not session.may(access.SEND_TO_QUEUE, project):
        return
    by, ids = session.require_annotator().id, [one.item_id for one in found]
    try:
        report = chosen.send_to_queue(session.workspace(), project.id, by, ids, "unlike the pretraining: of no class?")
    except AlflowError as error:
        _tell(project, str(error), done=False)
        return
    message = f"{len(report.queued)} images wait in round {report.round_number}."
    message += "".join(f" Image {item} {reason}." for item, reason in report.refused.items())
    _tell(project, message)


def _tell(project: Project, message: str, *, done: bool = True) -> None:
    st.session_state[_TOLD] = (project.id, message, done)
