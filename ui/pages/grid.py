"""The Grid page: images by predicted class, a page at once."""

import streamlit as st

from alflow.workflow.desk import screens
from alflow.workflow.desk.screens import Screen
from alflow.workflow.projects import projects
from ui.components import grid
from ui.parts import session
from ui.parts.empty import no_classes, no_project


def show() -> None:
    """Let the annotator mark what is wrong on a page, and accept the rest."""
    project = session.project()
    if project is None:
        no_project()
        return
    classes = projects.project_classes(session.workspace(), project.id)
    if not classes:
        no_classes(project)
        return
    st.header("Grid")
    seen = Screen("grid", grid.version(), classes, suggestion=True, probabilities=True)
    grid.grid(project, classes, session.require_annotator(), screens.remember(session.workspace(), seen))
