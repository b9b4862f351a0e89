"""The Adjudicate page: items whose votes disagree, one at a time, and the decision that overrides them.

Every widget that decides carries the item's id in its key, so that a click always applies to the item it was drawn for.
"""

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

from alflow.domain.answers import Adjudication, Label, Verdict
from alflow.domain.projects import ClassLabel, Project
from alflow.errors import AlflowError
from alflow.ids import ClassId, ItemId, ProjectId
from alflow.ui.parts import markdown, session
from alflow.ui.parts.images import image_address
from alflow.workflow.answers import adjudicate, quality
from alflow.workflow.answers.adjudicate import Dispute
from alflow.workflow.answers.refer import is_referral, referred_items
from alflow.workflow.desk import guidelines
from alflow.workflow.projects import projects

_LAST = "adjudicated"
_TROUBLE = "adjudication_refused"
RESERVED = frozenset("cr")
"""Keys that Streamlit reserves."""

QUEUES = {"In dispute": adjudicate.disputed, "Doubted": referred_items, "Settled": adjudicate.settled_items}


def show(project: Project) -> None:
    """Settle what is in dispute, or review what was settled."""
    st.header("Adjudicate")
    queues = {name: find(session.workspace(), project.id) for name, find in QUEUES.items()}
    left, right = st.columns([3, 2], vertical_alignment="center")
    chosen = left.segmented_control(
        "Images",
        list(queues),
        default="In dispute",
        format_func=lambda name: f"{name}: {len(queues[name])}",
        label_visibility="collapsed",
        key=f"adjudicate-queue-{project.id}",
    )
    named = right.toggle("Show who voted", help="When off, votes are anonymous, so that only their content counts")
    _last(project)
    if (trouble := st.session_state.pop(_TROUBLE, None)) is not None:
        st.warning(session.sentence(trouble))
    queue = queues[chosen or "In dispute"]
    if not queue:
        _nothing(chosen or "In dispute")
        return
    _one(project, adjudicate.dispute(session.workspace(), project.id, queue[_place(queue, chosen)]), named=named)


def _place(queue: Sequence[ItemId], chosen: str | None) -> int:
    """Disputes are settled in order; settled images may be browsed."""
    if chosen != "Settled" or len(queue) == 1:
        return 0
    return int(st.number_input("Decision, newest first", 1, len(queue), 1)) - 1


def _one(project: Project, one: Dispute, *, named: bool) -> None:
    classes = projects.project_classes(session.workspace(), project.id)
    names = {each.id: each.display_name for each in classes}
    left, right = st.columns([3, 2], gap="large")
    with left:
        source = image_address(project.id, one.item.id, "rendition")
        st.html(f'<figure class="judged"><img src="{source}" alt="The image to settle"></figure>')
        st.caption(session.escape(one.item.uri.rsplit("/", 1)[-1]))
    with right:
        _votes(project, [vote for vote in one.votes if not is_referral(vote)], names, named=named)
        _doubted(one.votes)
        _decide(project, one, classes)
        _guidelines(project)
        _believed(one, names)
        _history(one.decisions, names)


def _speed(project: Project, vote: Label) -> str:
    return f" in {vote.seconds:.1f} s" if session.sees_speed(project, vote.annotator_id) else ""


def _votes(project: Project, votes: Sequence[Label], names: Mapping[ClassId, str], *, named: bool) -> None:
    people = quality.annotator_names(session.workspace()) if named else {}
    rows = [
        f"<dt>{escape(people.get(vote.annotator_id, f'Vote {place}'))}</dt>"
        f"<dd><strong>{escape(_said(vote.class_id, names, _WORDS[vote.verdict]))}</strong>"
        f"{escape(_remarks(vote))}{_speed(project, vote)}</dd>"
        for place, vote in enumerate(votes, 1)
    ]
    st.html(f'<dl class="facts">{"".join(rows)}</dl>')


def _doubted(votes: Sequence[Label]) -> None:
    """Who sent the image from the Label errors page, and why."""
    people = quality.annotator_names(session.workspace())
    for vote in votes:
        if is_referral(vote):
            sender = session.escape(people.get(vote.annotator_id, "?"))
            st.info(f"Sent by {sender}: {session.escape(vote.comment)}.", icon=":material/report:")


def _decide(project: Project, one: Dispute, classes: Sequence[ClassLabel]) -> None:
    note = st.text_input("Why (optional)", max_chars=adjudicate.LONGEST_NOTE, key=f"note-{one.item.id}")
    voted = {vote.class_id for vote in one.votes if vote.class_id is not None}
    for each in sorted(classes, key=lambda each: (each.id not in voted, each.position))[: max(8, len(voted))]:
        st.button(
            session.escape(each.display_name),
            key=f"settle-{one.item.id}-{each.id}",
            type="primary" if each.id in voted else "secondary",
            shortcut=each.hot_key if each.hot_key and each.hot_key not in RESERVED else None,
            on_click=_settle,
            args=(project.id, one, each.id, note),
            width="stretch",
        )
    if len(classes) > 8:
        other = st.selectbox(
            "Another class", classes, index=None, format_func=lambda each: each.display_name, key=f"other-{one.item.id}"
        )
        if other is not None:
            st.button(
                f"Settle as {session.escape(other.display_name)}",
                key=f"settle-other-{one.item.id}",
                on_click=_settle,
                args=(project.id, one, other.id, note),
                width="stretch",
            )
    st.button(
        "Nobody can tell: leave the image without a label",
        key=f"settle-{one.item.id}-none",
        on_click=_settle,
        args=(project.id, one, None, note),
        width="stretch",
    )


def _settle(project_id: ProjectId, one: Dispute, class_id: ClassId | None, note: str) -> None:
    workspace, reviewer = session.workspace(), session.require_annotator()
    try:
        st.session_state[_LAST] = adjudicate.settle(workspace, project_id, reviewer.id, one, class_id, note)
    except AlflowError as error:
        st.session_state[_TROUBLE] = str(error)


def _last(project: Project) -> None:
    """The button that takes back the last decision of whoever looks."""
    last: Adjudication | None = st.session_state.get(_LAST)
    if last is not None and last.project_id == project.id:
        st.button("Take back my last decision", icon=":material/undo:", on_click=_reopen, args=(last,))


def _reopen(decision: Adjudication) -> None:
    st.session_state.pop(_LAST, None)
    try:
        adjudicate.reopen(session.workspace(), decision.project_id, session.require_annotator().id, decision)
    except AlflowError as error:
        st.session_state[_TROUBLE] = str(error)


def _believed(one: Dispute, names: Mapping[ClassId, str]) -> None:
    if one.candidate is None:
        return
    top = sorted(one.candidate.probabilities.items(), key=lambda pair: -pair[1])[:3]
    with st.expander("What the model predicted before these votes"):
        listed = ", ".join(f"{session.escape(names.get(class_id, '?'))} {value:.0%}" for class_id, value in top)
        st.write(f"{listed}.")


def _history(decisions: Sequence[Adjudication], names: Mapping[ClassId, str]) -> None:
    if not decisions:
        return
    people = quality.annotator_names(session.workspace())
    st.markdown("**Decisions so far**")
    for one in reversed(decisions):
        state = "in force" if one.withdrawn_at is None else f"taken back on {one.withdrawn_at:%d %b, %H:%M}"
        note = f": {session.escape(one.note)}" if one.note else ""
        said = session.escape(_said(one.class_id, names, "no label"))
        st.caption(f"{said}, by {session.escape(people[one.annotator_id])}, {one.at:%d %b, %H:%M}, {state}{note}")


def _guidelines(project: Project) -> None:
    guide = guidelines.guidelines(session.workspace(), project.id)
    if guide.text:
        with st.expander("Guidelines"):
            st.html(f'<div class="guidelines">{markdown.render(guide.text)}</div>')


_WORDS = {
    Verdict.CLASS: "?",
    Verdict.SKIP: "skipped",
    Verdict.UNSURE: "unsure",
    Verdict.NONE: "none of the classes",
    Verdict.BAD: "bad image",
}


def _remarks(vote: Label) -> str:
    """What was proposed instead of a class, and the comment."""
    proposed = f' but "{vote.proposed_class}"' if vote.proposed_class else ""
    return proposed + (f" ({vote.comment})" if vote.comment else "")


def _said(class_id: ClassId | None, names: Mapping[ClassId, str], otherwise: str) -> str:
    return otherwise if class_id is None else names.get(class_id, "?")


def _nothing(chosen: str) -> None:
    if chosen == "Settled":
        st.info("No reviewer has settled an image yet.")
        return
    if chosen == "Doubted":
        st.info("No label waits to be looked at again. The Label errors page lists those that the model doubts.")
        return
    st.info(
        "No votes disagree. Votes can differ only where an image gets several: set the project's `votes` above 1, or "
        "request another vote on the images that the Quality page suggests."
    )
