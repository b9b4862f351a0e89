"""On the Project page: what annotators read while they label, and what they reported."""

import streamlit as st

from alflow.domain.projects import Project
from alflow.ui.door import access
from alflow.ui.parts import session, told
from alflow.ui.parts.cards import WITHOUT_CLASS
from alflow.ui.parts.images import image_address
from alflow.ui.parts.tables import table
from alflow.workflow.desk import guidelines
from alflow.workflow.desk.guidelines import Remark
from alflow.workflow.projects import projects


def editor(project: Project) -> None:
    """Guidelines, for those who may change them."""
    with st.form("instructions", border=False):
        text = st.text_area(
            "Guidelines, in Markdown", project.guidelines, height=320, max_chars=projects.MAX_GUIDELINES
        )
        if st.form_submit_button("Save", type="primary") and session.may(access.EDIT_GUIDELINES, project):
            told.act(project, lambda: _save(project, text))
            st.rerun()


def _save(project: Project, text: str) -> str:
    projects.set_guidelines(session.workspace(), project.id, text)
    return "Saved. Open pages show it at the next answer or reload."


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
