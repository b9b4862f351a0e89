"""On the Prompts page: the draft of names and prompts, one class or all classes at a time. Nothing of it is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import streamlit as st

from alflow.domain.projects import ClassLabel, NewClass, Project
from alflow.errors import AlflowError
from alflow.ids import ClassId
from alflow.ui.parts import session
from alflow.workflow.insight import templates
from alflow.workflow.insight.prompts import Trial, edits_of, redraft
from alflow.workflow.insight.suggestions import Suggestions
from alflow.workflow.projects.class_edits import Edit, planned_classes
from alflow.workflow.projects.naming import LONGEST_PROMPT


@dataclass
class Draft:
    """What somebody edits, in the memory of their page.

    Attributes:
        edits: by class.
        version: counts what was put into the draft: fields are drawn anew.
        trial: the newest one.
        suggestions: of the labels, if they were asked for.
    """

    edits: dict[ClassId, Edit] = field(default_factory=dict)
    version: int = 0
    trial: Trial | None = None
    suggestions: Suggestions | None = None

    def put(self, edits: dict[ClassId, Edit]) -> None:
        """Let these be the edits."""
        self.edits, self.version = edits, self.version + 1


def draft_of(project: Project) -> Draft:
    """The visitor's draft for this project."""
    found = st.session_state.setdefault(f"prompts-draft-{project.id}", Draft())
    assert isinstance(found, Draft)
    return found


def drafted(draft: Draft, stored: Sequence[ClassLabel]) -> list[ClassLabel]:
    """The classes with what is edited; a draft that fits what is stored no longer is let go of."""
    try:
        return planned_classes(stored, draft.edits)
    except AlflowError as error:
        draft.put({})
        st.warning(f"The draft is gone, for somebody changed the classes: {session.sentence(error)}")
        return list(stored)


def one_class(project: Project, draft: Draft, stored: Sequence[ClassLabel], now: Sequence[ClassLabel]) -> None:
    """Fields for the names and prompts of one class."""
    by_id = {label.id: label for label in now}
    chosen = st.selectbox(
        "Class", list(by_id), format_func=lambda one: by_id[one].display_name, key=f"prompts-class-{project.id}"
    )
    label, key = by_id[chosen], f"{project.id}-{chosen}-{draft.version}"
    with st.form(f"prompts-one-{key}", border=False):
        left, right = st.columns(2)
        name = left.text_input("Name, in files and exports", label.name, key=f"prompts-name-{key}")
        shown = right.text_input("Shown as", label.display_name, key=f"prompts-shown-{key}")
        text = st.text_area(
            "Prompts, one a line",
            "\n".join(label.prompts),
            key=f"prompts-text-{key}",
            help="What the model reads. Of several the average counts: an ensemble.",
        )
        if st.form_submit_button("Try", icon=":material/play_arrow:"):
            new = NewClass(name, shown, tuple(lines(text)) or ("",), label.hot_key, label.group)
            take(draft, stored, edits_of(now, {chosen: new}))


def all_classes(project: Project, draft: Draft, stored: Sequence[ClassLabel], now: Sequence[ClassLabel]) -> None:
    """Templates that make the prompts of all classes in one step."""
    with st.form(f"prompts-all-{project.id}-{draft.version}", border=False):
        titles = st.multiselect(
            "Templates",
            [*templates.TEMPLATES, templates.EIGHTY],
            default=[templates.PHOTO],
            help="Each makes one or more prompts of the shown name; of all together the average counts.",
        )
        own = st.text_area(
            "Your own templates, one a line",
            placeholder="a blurry photo of a {} at night",
            help=f"{{}} stands for the shown name. At most {LONGEST_PROMPT:,} characters a line.",
        )
        if st.form_submit_button("Try for all classes", icon=":material/play_arrow:"):
            chosen = [template for title in titles for template in templates.templates_of(title)] + lines(own)
            if not chosen:
                st.warning("Choose a template, or write one.")
                return
            edit = Edit(templates=list(dict.fromkeys(chosen)))
            take(draft, stored, {label.id: edit for label in now})


def lines(text: str) -> list[str]:
    """The lines of a text field that are not empty."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def take(draft: Draft, stored: Sequence[ClassLabel], changes: Mapping[ClassId, Edit]) -> None:
    """Put changes into the draft and draw the page anew, or tell why they cannot be used."""
    try:
        draft.put(redraft(stored, draft.edits, changes))
    except AlflowError as error:
        st.warning(session.sentence(error))
        return
    st.rerun()
