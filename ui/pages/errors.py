"""The Label errors page: labels that the model doubts, classes that are confused, unclear images, near copies.

Whatever is sent goes to the Adjudicate page, with the reason; labels stay as they are until a reviewer settles them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import streamlit as st

from alflow.domain.projects import Project
from alflow.errors import AlflowError
from alflow.ids import ClassId
from alflow.text import plural
from alflow.ui.components.gallery import Bar, Card, gallery
from alflow.ui.door import access
from alflow.ui.parts import copies, sending, session, told, unclear
from alflow.ui.parts.images import image_address
from alflow.ui.parts.strips import strip
from alflow.ui.parts.tables import table
from alflow.workflow.insight.confusions import Confusion, confusions
from alflow.workflow.insight.doubts import Doubt, Doubts, doubts, refer_chosen
from alflow.workflow.projects import projects

PAGE: Final = 12
PAIRS: Final = 8

Names = Mapping[ClassId, str]


def show(project: Project) -> None:
    """One of the sections."""
    st.header("Label errors")
    chosen = st.segmented_control(
        "Section", list(SECTIONS), default=next(iter(SECTIONS)), label_visibility="collapsed", key="errors-section"
    )
    told.tell(project)
    names = {each.id: each.display_name for each in projects.project_classes(session.workspace(), project.id)}
    try:
        SECTIONS[chosen or next(iter(SECTIONS))](project, names)
    except AlflowError as error:
        st.info(session.sentence(error))


def _doubtful(project: Project, names: Names) -> None:
    found = _judged(project)
    if not found.n_labels:
        st.info("Nobody has labelled an image yet. Labels that the model doubts appear here with the first answers.")
        return
    _figures(found)
    listed, place = _filtered(project, found, names)
    if not len(listed):
        st.info(
            "No label is left to look at here: reviewers settled them, they wait on the Adjudicate page, or the "
            "filter leaves none."
        )
        return
    shown = listed.top(PAGE, place * PAGE)
    cards = [_card(project, one, place * PAGE + number, names) for number, one in enumerate(shown, 1)]
    gallery(cards, key=f"doubts-{project.id}")
    _send(project, shown, place * PAGE)
    st.caption(
        "Each label is compared with what the model holds of its image when it has not seen the label: fits to the "
        "other labels, in which doubtful ones count less. The most doubtful come first, by the log odds of the label "
        "against the most probable other class. An image that is hard for the model is doubted as well as a wrong "
        "label: look before you settle."
    )


def _judged(project: Project) -> Doubts:
    workspace = session.workspace()
    found = doubts(workspace, project.id, make=False)
    if found.is_newest:
        return found
    changed = plural(found.n_missing, "label was", "labels were")
    words = f"{changed} given or changed since the last fit: not judged here yet."
    left, right = st.columns([5, 1], vertical_alignment="center")
    left.caption(words)
    if right.button("Judge them now", width="stretch"):
        with st.spinner("Fitting the model to the labels, five times without a fifth of them"):
            return doubts(workspace, project.id)
    return found


def _figures(found: Doubts) -> None:
    judged, against, wrong, waiting = st.columns(4)
    options: Any = {"border": True, "height": "stretch"}
    judged.metric("Labels judged", f"{len(found):,}", help="Without those that reviewers settled", **options)
    against.metric("Model holds another class", f"{found.n_against:,}", **options)
    wrong.metric(
        "Wrong, by confident learning",
        f"{found.n_misplaced:,}",
        help="An estimate: labels whose image the model puts into another class as surely as others there. Where "
        "the model is poor it says more of the model than of the labels.",
        **options,
    )
    waiting.metric("Wait for a reviewer", f"{int(found.waiting().sum()):,}", help="On the Adjudicate page", **options)


def _filtered(project: Project, found: Doubts, names: Names) -> tuple[Doubts, int]:
    """What the filters leave, and the page of it, from 0."""
    left, middle, right, last = st.columns([4, 4, 5, 2], vertical_alignment="bottom")
    any_class: list[ClassId | None] = [None, *names]
    options: Any = {"format_func": lambda one: names.get(one, "any class")}
    given = left.selectbox("Labelled as", any_class, key=f"errors-given-{project.id}", **options)
    held = middle.selectbox("Model holds", any_class, key=f"errors-held-{project.id}", **options)
    if not right.toggle("Show those that wait for a reviewer", key="errors-waiting"):
        found = found.where(~found.waiting())
    if given is not None:
        found = found.where(found.given == given)
    if held is not None:
        found = found.where(found.held == held)
    pages = max(1, -(-len(found) // PAGE))
    key = f"errors-page-{project.id}-{given}-{held}"
    if st.session_state.get(key, 1) > pages:  # what was on the last one has been sent
        st.session_state[key] = pages
    place = last.number_input(f"Page of {pages}", 1, pages, key=key)
    return found, int(place) - 1


def _card(project: Project, one: Doubt, rank: int, names: Names) -> Card:
    bars = [
        Bar(name=names.get(one.held, "?"), value=one.p_held),
        Bar(name=names.get(one.given, "?"), value=one.p_given),
    ]
    return Card(
        image=image_address(project.id, one.item_id, "thumbnail"),
        rank=rank,
        origin="waits" if one.referred else "",
        believed=sorted(bars, key=lambda bar: -bar["value"]),
        facts=[("Log odds", f"{one.odds:+.1f}"), ("Image", str(one.item_id))],
        answers=[names.get(one.given, "?")],
        verdict="differs" if one.odds < 0 else "agrees",
    )


def _send(project: Project, shown: Sequence[Doubt], before: int) -> None:
    ranks = {before + number: one for number, one in enumerate(shown, 1) if not one.referred}
    if not ranks or not session.may(access.REFER):
        return
    key = f"errors-send-{project.id}-{'-'.join(str(one.item_id) for one in ranks.values())}"
    against = [rank for rank, one in ranks.items() if one.odds < 0]
    chosen = st.pills(
        "Send to adjudication, by rank", list(ranks), selection_mode="multi", default=against, key=key, width="stretch"
    )
    st.button(
        f"Send {len(chosen)} to adjudication",
        type="primary",
        icon=":material/gavel:",
        disabled=not chosen,
        on_click=_refer,
        args=(project, [ranks[rank] for rank in chosen]),
    )


def _refer(project: Project, chosen: Sequence[Doubt]) -> None:
    if session.may(access.REFER, project):
        sending.to_adjudication(
            project, lambda: refer_chosen(session.workspace(), project.id, session.require_annotator().id, chosen)
        )


def _confused(project: Project, names: Names) -> None:
    found = confusions(session.workspace(), project.id, _judged(project))
    if not found:
        st.info(
            "No two classes are confused so far: neither do answers about an image differ, nor does the model hold "
            "another class than a label."
        )
        return
    rows = [_pair_row(one, names) for one in found]
    table(rows, "confusions")
    st.caption(
        "People: images that people answered with both classes, or that a reviewer settled as the other one. Model: "
        "labels of one class where the model, not having seen the label, holds the other. What both confuse is worth a "
        "line in the guidelines."
    )
    for one in found[:PAIRS]:
        first, second = (names.get(each, "?") for each in one.pair)
        st.markdown(f"**{session.escape(first)}** or **{session.escape(second)}**")
        strip(project, [(item, f"Image {item}") for item in one.item_ids])


def _pair_row(one: Confusion, names: Names) -> dict[str, object]:
    first, second = (names.get(each, "?") for each in one.pair)
    return {"Class": first, "and": second, "People": one.people, "Model": one.model}


SECTIONS: Final[Mapping[str, Callable[[Project, Names], None]]] = {
    "Doubtful labels": _doubtful,
    "Confused classes": _confused,
    "Unclear images": unclear.section,
    "Near copies": copies.section,
}
