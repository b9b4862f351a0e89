"""The way to a report: what is to be in it, and the link that saves it."""

from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from alflow.domain.projects import Project
from alflow.ui.door.prefix import below


def report_button(project: Project, rounds: Sequence[int]) -> None:
    """Offer the report of the project, or of one of its rounds; `alflow.ui.door.access.ROUTES` says who gets it."""
    with st.popover("Report", icon=":material/description:"):
        st.caption(
            "One HTML file for people without an account: it opens without a network, and prints. It holds no file "
            "names and no comments."
        )
        number = st.selectbox(
            "Of",
            [None, *rounds],
            format_func=lambda one: "the project as it is now" if one is None else f"the project after round {one}",
            key=f"report-round-{project.id}",
        )
        pictures = st.toggle("With pictures", value=True, key=f"report-pictures-{project.id}")
        names = st.toggle("With the names of people", key=f"report-names-{project.id}")
        query = {"round": number or "", "pictures": int(pictures), "names": int(names)}
        address = f"/report/{project.id}?{urlencode({name: value for name, value in query.items() if value != ''})}"
        st.link_button("Save the report", below(address), icon=":material/download:", width="stretch")
