"""The Grid page: images by predicted class, one page at a time."""

import streamlit as st

from alflow.domain.projects import Project
from alflow.ui.components import grid
from alflow.ui.parts import session
from alflow.ui.parts.empty import require_classes
from alflow.workflow.desk import screens
from alflow.workflow.desk.screens import Screen


def show(project: Project) -> None:
    """Let the annotator mark what is wrong on a page, and accept the rest."""
    classes = require_classes(project)
    st.header("Grid")
    seen = Screen("grid", grid.version(), classes, suggestion=True, probabilities=True)
    grid.grid(project, classes, session.require_annotator(), screens.remember(session.workspace(), seen))
