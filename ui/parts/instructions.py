"""On the Project page: what annotators read and see while they label, how they are checked, and what they reported."""

from dataclasses import replace

import streamlit as st

from alflow.domain.projects import Project, Suggestion
from alflow.workflow.desk import guidelines
from alflow.workflow.desk.guidelines import Remark
from alflow.workflow.projects import projects
from ui.door import access
from ui.parts import session
from ui.parts.cards import WITHOUT_CLASS
from ui.parts.images import image_address
from ui.parts.tables import table

WHEN = {
    Suggestion.NEVER: "Never",
    Suggestion.AFTER: "After each answer",
    Suggestion.BEFORE: "Before each answer (this biases people towards it)",
}
TOLD = {False: "On the Checks page, once the round is answered", True: "At once"}


def editor(project: Project) -> None:
    """Guidelines, when to show the model's guess, and checks, for those who may change them."""
    if not session.may(access.EDIT_GUIDELINES):
        return
    with (
        st.expander("What annotators read and see", icon=":material/edit_note:"),
        st.form("instructions", border=False),
    ):
        text = st.text_area(
            "Guidelines, in Markdown", project.guidelines, height=220, max_chars=projects.MAX_GUIDELINES
        )
        suggestion = st.selectbox(
            "The model's guess is shown",
            list(WHEN),
            index=list(WHEN).index(project.settings.suggestion),
            format_func=WHEN.__getitem__,
        )
        left, right = st.columns(2)
        rate = left.number_input(
            "Share of images shown that are checks",
            0.0,
            0.5,
            project.settings.gold_rate,
            0.01,
            help="Checks are test images whose class is known; answers to them are not labels. 0: none. While the "
            "model's guess is shown before the answer there are no checks either, as it would give them away.",
        )
        feedback = right.selectbox(
            "Annotators see the results of checks",
            list(TOLD),
            index=list(TOLD).index(project.settings.gold_feedback),
            format_func=TOLD.__getitem__,
        )
        if st.form_submit_button("Save"):
            projects.set_guidelines(session.workspace(), project.id, text)
            settings = replace(project.settings, suggestion=suggestion, gold_rate=rate, gold_feedback=feedback)
            projects.change_settings(session.workspace(), project.id, settings)
            st.toast("Saved. Open pages show it at the next answer or reload.")


def remarks(project: Project) -> None:
    """Classes that annotators miss, images they flagged, and their comments."""
    reports = guidelines.remarks(session.workspace(), project.id)
    if not reports.remarks:
        return
    st.subheader("What annotators reported")
    if reports.proposals:
        names = ", ".join(f"**{session.escape(name)}** {count}" for name, count in reports.proposals.items())
        st.write(f"Classes that annotators proposed: {names}")
    rows = [_row(project, each) for each in reports.remarks]
    image = st.column_config.ImageColumn("Image", width="small")
    table(rows, "remarks", column_config={"Image": image}, row_height=56)


def _row(project: Project, remark: Remark) -> dict[str, object]:
    label = remark.label
    return {
        "Image": image_address(project.id, remark.item.id, "thumbnail"),
        "Answer": WITHOUT_CLASS.get(label.verdict, "a class"),
        "Proposed class": label.proposed_class,
        "Comment": label.comment,
        "By": remark.annotator,
        "At": label.at,
        "File": remark.item.uri,
    }
