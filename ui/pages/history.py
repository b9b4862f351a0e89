"""The History page: changes of labels, what was on screen, and taking an answer back or changing it."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from alflow.domain.answers import Label
from alflow.domain.projects import ClassLabel, Project
from alflow.errors import AlflowError
from alflow.ids import ClassId, ItemId, LabelId, ProjectId
from alflow.text import LONGEST_REASON
from alflow.ui.parts import session
from alflow.ui.parts.cards import WITHOUT_CLASS
from alflow.ui.parts.images import image_address
from alflow.ui.parts.tables import table
from alflow.workflow.answers import history
from alflow.workflow.answers.audit import check_history
from alflow.workflow.answers.history import Change, Happening, ItemHistory
from alflow.workflow.desk.submission import LARGEST_ID
from alflow.workflow.projects import projects

_TROUBLE = "history-refused"
_WORDS = {
    Happening.GIVEN: "answered",
    Happening.WITHDRAWN: "took back",
    Happening.ALTERED: "was changed outside alflow",
    Happening.DELETED: "was deleted",
}


def show(project: Project) -> None:
    """The last changes of the project, or all of one image."""
    st.header("History")
    asked = st.query_params.get("item", "")
    item_id = st.number_input(
        "Image number",
        min_value=1,
        max_value=LARGEST_ID,
        value=_number(asked),
        placeholder="leave empty for the latest changes of all images",
        key=f"history-item-{project.id}-{asked}",
    )
    if (trouble := st.session_state.pop(_TROUBLE, None)) is not None:
        st.warning(session.sentence(trouble))
    if item_id is None:
        _recent(project)
        return
    try:
        found = history.item_history(session.workspace(), project.id, ItemId(item_id))
    except AlflowError as error:
        st.warning(session.sentence(error))
        return
    _item(project, found)


def _number(asked: str) -> ItemId | None:
    """The image that the address names, if it can be one."""
    number = int(asked) if asked.isdecimal() and len(asked) <= len(str(LARGEST_ID)) else 0
    return ItemId(number) if 0 < number <= LARGEST_ID else None


def _recent(project: Project) -> None:
    changes = history.recent_changes(session.workspace(), project.id, 100)
    if not changes:
        st.info(
            "There are no answers yet: give some on the Label page, or import them (`alflow labels import FILE`). "
            "Every answer appears here, and every one that is taken back."
        )
        return
    st.caption("The last 100 changes. A database trigger records each change and refuses edits to the record.")
    rows = [
        {
            "At": each.at,
            "Image": image_address(project.id, each.item_id, "thumbnail"),
            "Number": each.item_id,
            "Answer": _answer(each),
            "What": each.happening.value,
            "Annotator": each.annotator,
            "By": each.by or "outside alflow",
            "Why": each.why or "",
        }
        for each in changes
    ]
    config = {"Image": st.column_config.ImageColumn(), "At": st.column_config.DatetimeColumn(format="D MMM, HH:mm:ss")}
    height = 48 * min(len(rows), 12) + 40
    table(rows, "changes", column_config=config, row_height=48, height=height)
    if st.button("Compare every label with its history", icon=":material/rule:", key=f"history-check-{project.id}"):
        _compare(project)


def _compare(project: Project) -> None:
    wrong = check_history(session.workspace(), project.id)
    if not wrong:
        st.success("Every label follows from its history.")
        return
    st.error(f"Labels that do not follow from their history, since somebody went past the triggers: {len(wrong):,}")
    table([{"What": each} for each in wrong], "contradictions")


def _item(project: Project, found: ItemHistory) -> None:
    classes = projects.project_classes(session.workspace(), project.id)
    left, right = st.columns([2, 3], gap="large")
    with left:
        source = image_address(project.id, found.item.id, "rendition")
        st.html(f'<figure class="judged"><img src="{source}" alt="Image {found.item.id}"></figure>')
        st.caption(f"{session.escape(found.item.uri.rsplit('/', 1)[-1])}, {found.item.split} split")
    with right:
        names = {each.id: each.display_name for each in classes}
        settled = names.get(found.settled_class_id) if found.settled_class_id else None
        st.markdown(f"Label now: **{session.escape(settled)}**" if settled else "This image has no settled label.")
        if not found.changes:
            st.info("Nobody has labelled this image yet.")
        for change in reversed(found.changes):
            _change(change)
        _standing(project, found.labels, classes)


def _change(change: Change) -> None:
    who = change.by or "Somebody"
    answer = f"<strong>{escape(_answer(change))}</strong>"
    if change.happening is Happening.GIVEN:
        sentence = f"{escape(who)} answered {answer}"
    elif change.happening is Happening.WITHDRAWN:
        of = "" if change.by == change.annotator else f"{escape(change.annotator)}'s answer "
        sentence = f"{escape(who)} took back {of}{answer}"
    else:
        sentence = f"{escape(change.annotator)}'s answer {answer} {_WORDS[change.happening]}"
    why = f"<br>“{escape(change.why)}”" if change.why else ""
    st.html(
        f'<div class="change"><time>{change.at:%d %b %Y, %H:%M:%S} UTC</time> {sentence} '
        f"<small>label {change.label_id}</small>{why}</div>"
    )
    facts = {**_altered(change), **_on_screen(change)} if change.happening is not Happening.WITHDRAWN else {}
    if facts:
        with st.expander("What was on screen" if not change.altered else "What was altered"):
            rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
            st.html(f'<dl class="facts">{rows}</dl>')


def _altered(change: Change) -> dict[str, str]:
    return {name: f"{before!r}, now {after!r}" for name, (before, after) in change.altered.items()}


def _on_screen(change: Change) -> dict[str, str]:
    """The record of the answer, and of the page it was given on."""
    shown, screen = dict(change.shown), change.screen or {}
    names = {each["id"]: each["display_name"] for each in screen.get("classes", ())}
    facts = {"Page": f"{screen['page']}, version {screen['version']}"} if screen else {}
    shown.pop("screen", None)
    if "suggestion" in shown:
        facts["Suggestion"] = _suggestion(shown.pop("suggestion"), shown.pop("probability", None), names)
    if names:
        facts["Classes"] = ", ".join(names.values())
        prompts = (prompt for each in screen["classes"] for prompt in each["prompts"])
        facts["Prompts"] = "; ".join(prompts)
    rest = {name.replace("_", " ").capitalize(): str(value) for name, value in shown.items() if value is not None}
    return facts | rest


def _suggestion(suggestion: Any, probability: Any, names: Mapping[ClassId, str]) -> str:
    if suggestion is None:
        return "not shown"
    told_whole = isinstance(suggestion, dict)  # the deck sends both in one object
    class_id, share = (suggestion["class_id"], suggestion["probability"]) if told_whole else (suggestion, probability)
    name = names.get(ClassId(int(class_id)), "?")
    return f"{name}, {share:.0%}" if isinstance(share, float) else name


def _standing(project: Project, given: Sequence[Label], classes: Sequence[ClassLabel]) -> None:
    """The reviewer's actions on the answers that stand."""
    standing = [each for each in given if each.withdrawn_at is None]
    if not standing:
        return
    names = {each.id: each.display_name for each in classes}
    st.subheader("Take back or change an answer")
    chosen = st.selectbox(
        "Answer",
        standing,
        format_func=lambda each: f"{_said(each, names)} (label {each.id})",
        key=f"history-label-{standing[0].item_id}",
    )
    why = st.text_input("Why", max_chars=LONGEST_REASON, key=f"history-why-{chosen.id}")
    left, right = st.columns(2, vertical_alignment="bottom")
    left.button(
        "Take it back",
        icon=":material/undo:",
        disabled=not why.strip(),
        on_click=_withdraw,
        args=(project.id, chosen.id, why),
        key=f"history-withdraw-{chosen.id}",
        width="stretch",
    )
    others = [each for each in classes if each.id != chosen.class_id]
    other = right.selectbox(
        "Or change it to",
        others,
        index=None,
        format_func=lambda each: each.display_name,
        key=f"history-other-{chosen.id}",
    )
    if other is not None:
        right.button(
            f"Change it to {session.escape(other.display_name)}",
            disabled=not why.strip(),
            on_click=_exchange,
            args=(project.id, chosen.id, other.id, why),
            key=f"history-change-{chosen.id}",
            width="stretch",
        )


def _withdraw(project_id: ProjectId, label_id: LabelId, why: str) -> None:
    try:
        history.withdraw_label(session.workspace(), project_id, session.require_annotator().id, label_id, why)
    except AlflowError as error:
        st.session_state[_TROUBLE] = str(error)


def _exchange(project_id: ProjectId, label_id: LabelId, class_id: ClassId, why: str) -> None:
    by = session.require_annotator().id
    try:
        history.change_label(session.workspace(), project_id, by, label_id, class_id, why)
    except AlflowError as error:
        st.session_state[_TROUBLE] = str(error)


def _answer(change: Change) -> str:
    return next((word for verdict, word in WITHOUT_CLASS.items() if verdict.value == change.answer), change.answer)


def _said(label: Label, names: Mapping[ClassId, str]) -> str:
    return WITHOUT_CLASS[label.verdict] if label.class_id is None else names.get(label.class_id, "?")
