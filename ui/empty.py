"""What a page says when there is nothing to show yet: the next step, ready to copy."""

from shlex import quote

import streamlit as st

from alflow.domain import Project


def no_project() -> None:
    """The database holds no project."""
    st.title("Welcome to alflow")
    st.write("There is no project yet. Name one with its classes, give it images, and the first round opens by itself.")
    st.code(
        "alflow init animals --class cat --class dog --class frog\n"
        "alflow import ./photos --project animals\n"
        "alflow posterior import ./factors --project animals",
        language="bash",
    )
    st.caption("Or look around first: `make demo` opens two projects with drawings to label.")


def no_classes(project: Project) -> None:
    """The project has no class to answer with."""
    st.header(project.name)
    st.write("This project has no classes yet, so there is nothing to answer with.")
    st.code(f"alflow classes set cat dog frog --project {quote(project.name)}", language="bash")


def no_rounds(project: Project) -> None:
    """The project has never opened a round."""
    st.subheader("No round yet")
    st.write(
        "The schedule opens the first one as soon as images, classes and a posterior are there. To see what is missing:"
    )
    st.code(f"alflow status --project {quote(project.name)}", language="bash")
