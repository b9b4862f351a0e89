"""What a page says when there is nothing to show yet: the next step, ready to copy."""

import streamlit as st

from alflow.domain import Project


def no_project() -> None:
    """The database holds no project."""
    st.title("Welcome to alflow")
    st.write("There is no project yet. Name one with its classes, give it images, and the first round opens by itself.")
    st.code(
        "alflow init animals --classes cat,dog,frog\n"
        "alflow import animals ./photos --split pool\n"
        "alflow posterior import animals ./factors",
        language="bash",
    )
    st.caption("Or look around first: `make demo` opens two projects with drawings to label.")


def no_classes(project: Project) -> None:
    """The project has no class to answer with."""
    st.header(project.name)
    st.write("This project has no classes yet, so there is nothing to answer with.")
    st.code(f"alflow classes {project.name} cat dog frog", language="bash")


def no_rounds(project: Project) -> None:
    """The project has never opened a round."""
    st.subheader("No round yet")
    st.write(
        "The schedule opens the first one as soon as images, classes and a posterior are there. To see what is missing:"
    )
    st.code(f"alflow status {project.name}", language="bash")
