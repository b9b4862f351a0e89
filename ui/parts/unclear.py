"""On the Label errors page: images between classes, for the guidelines; and unfamiliar ones, perhaps of no class."""

from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st

from alflow.domain.projects import Project
from alflow.ids import ClassId
from alflow.ui.components.gallery import Bar, Card, gallery
from alflow.ui.door import access
from alflow.ui.parts import sending, session, told
from alflow.ui.parts.images import image_address
from alflow.workflow.insight.strange import Strange, strange_images
from alflow.workflow.projects import projects

COUNT: Final = 8


def section(project: Project, names: Mapping[ClassId, str]) -> None:
    """Both kinds, by the newest model, and what to do about each."""
    found = strange_images(session.workspace(), project.id, COUNT)
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
            on_click=sending.to_queue,
            args=(project, [one.item_id for one in found.unfamiliar], "unlike the pretraining: of no class?"),
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

    def draft() -> str:
        workspace = session.workspace()
        text = projects.project(workspace, project.id).guidelines.rstrip()
        if picture in text:
            return "The guidelines show this image already: the Project page edits them."
        line = f"**{first} or {second}?** {picture} To be decided."
        projects.set_guidelines(workspace, project.id, f"{text}\n\n{line}\n".lstrip())
        return "The image is in the guidelines: say on the Project page which class it is."

    told.act(project, draft)
