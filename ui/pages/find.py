"""The Find page: images by words or by similarity, and sending a selection to the queue."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import streamlit as st

from alflow.domain.images import Split
from alflow.domain.projects import ClassLabel, Project
from alflow.errors import AlflowError
from alflow.ids import ClassId, ItemId
from alflow.ui.components.finder import Tile, finder
from alflow.ui.door import access
from alflow.ui.door.prefix import below
from alflow.ui.parts import sending, session, told
from alflow.ui.parts.empty import no_images
from alflow.ui.parts.images import image_address
from alflow.workflow.images import pool
from alflow.workflow.model import find
from alflow.workflow.model.find import Filter, Found, Search
from alflow.workflow.projects import projects

LABELLED: Mapping[str, bool | None] = {"any": None, "Without a label": False, "With a label": True}
COUNTS = (24, 48, 96, 192)
SUGGESTED = 8
_LIKE = "find-like"


def show(project: Project) -> None:
    """The query, the filters and the results."""
    st.header("Find")
    classes = projects.project_classes(session.workspace(), project.id)
    text = st.text_input(
        "What to look for",
        placeholder="a few words, such as: a red car at night",
        key=f"find-text-{project.id}",
        on_change=_forget,
    )
    where, count = _filters(project, classes)
    told.tell(project)
    like = st.session_state.get(_LIKE)
    item_id = like[1] if like and like[0] == project.id else None
    if item_id is None and not text.strip():
        if not sum(pool.image_counts(session.workspace(), project.id).values()):
            no_images(project)
            return
        _invite(project, classes)
        return
    try:
        search = _search(project, text, item_id, where, count)
    except AlflowError as error:
        st.warning(session.sentence(error))
        return
    _results(project, search, classes, f"{item_id or text}")


def _invite(project: Project, classes: Sequence[ClassLabel]) -> None:
    """What to look for, as a start: the classes by their words."""
    st.caption(
        "The model's text tower compares your words with the images. To search by similarity, press “More like this” "
        "on a result."
    )
    st.pills(
        "For example",
        [each.display_name for each in classes[:SUGGESTED]],
        format_func=session.escape,
        key=f"find-example-{project.id}",
        on_change=_take,
        args=(project,),
    )


def _take(project: Project) -> None:
    """Look for the example that was pressed."""
    st.session_state[f"find-text-{project.id}"] = st.session_state.pop(f"find-example-{project.id}", None) or ""


def _filters(project: Project, classes: Sequence[ClassLabel]) -> tuple[Filter, int]:
    names = {each.id: each.display_name for each in classes}
    columns = st.columns([2, 3, 3, 3, 2])
    split = columns[0].selectbox("Split", ["all", *Split], key=f"find-split-{project.id}")
    labelled = columns[1].selectbox("Labels", list(LABELLED), key=f"find-labelled-{project.id}")
    ids = [None, *names]
    label = columns[2].selectbox(
        "Labelled as", ids, format_func=lambda one: names.get(one, "any class"), key=f"find-label-{project.id}"
    )
    predicted = columns[3].selectbox(
        "Predicted class", ids, format_func=lambda one: names.get(one, "any class"), key=f"find-predicted-{project.id}"
    )
    count = columns[4].selectbox("Results", COUNTS, key=f"find-count-{project.id}")
    return Filter(None if split == "all" else Split(split), LABELLED[labelled], label, predicted), count


def _search(project: Project, text: str, item_id: ItemId | None, where: Filter, count: int) -> Search:
    workspace = session.workspace()
    if item_id is not None:
        _example(project, item_id)
        return find.find_like(workspace, project, item_id, where, count)
    if workspace.holds_encoder(project):
        return find.find_text(workspace, project, text, where, count)
    with st.spinner(
        f"Loading {session.escape(project.model)} for the text search. It stays loaded, so the next search is fast."
    ):
        return find.find_text(workspace, project, text, where, count)


def _example(project: Project, item_id: ItemId) -> None:
    left, right = st.columns([1, 7], vertical_alignment="center")
    source = image_address(project.id, item_id, "thumbnail")
    left.html(f'<figure class="example"><img src="{source}" alt="Image {item_id}"></figure>')
    right.markdown(
        f"The images most similar to image {item_id}, by the kernel that also plans batches: 1 is identical."
    )
    right.button("Back to the text search", icon=":material/arrow_back:", on_click=_forget)


def _results(project: Project, search: Search, classes: Sequence[ClassLabel], about: str) -> None:
    if not search.found:
        st.info("No embedded image matches the filters.")
        return
    shown = f"The nearest {len(search.found):,}" if len(search.found) < search.searched else "All"
    scale = "similarity" if st.session_state.get(_LIKE) else "cosine"
    st.caption(f"{shown} of {search.searched:,} images, by {scale}.")
    names = {each.id: each.display_name for each in classes}
    tiles = [_tile(project, one, names) for one in search.found]
    finder(
        tiles,
        key=f"finder-{project.id}-{about}",
        may_send=session.may(access.SEND_TO_QUEUE),
        like=lambda item_id: st.session_state.update({_LIKE: (project.id, item_id)}),
        send=lambda ids, why: sending.to_queue(project, ids, why),
    )


def _tile(project: Project, one: Found, names: Mapping[ClassId, str]) -> Tile:
    query = urlencode({session.CHOICE: project.name, "item": one.item.id})
    believed = ""
    if one.predicted_class_id is not None and one.probability is not None:
        believed = f"{names.get(one.predicted_class_id, '?')}? {one.probability:.0%}"
    return Tile(
        id=one.item.id,
        image=image_address(project.id, one.item.id, "thumbnail"),
        score=f"{one.score:.3f}",
        label="" if one.class_id is None else names.get(one.class_id, "?"),
        believed=believed,
        mark="in the round" if one.asked else "" if one.item.split is Split.POOL else one.item.split.value,
        free=one.item.split is Split.POOL and not one.asked and one.class_id is None,
        history=below(f"/history?{query}"),
    )


def _forget() -> None:
    st.session_state.pop(_LIKE, None)
