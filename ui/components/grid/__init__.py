"""The grid: a page of images of one predicted class, answered at once (see grid.js)."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from alflow.domain import Annotator, ClassLabel, Project

HERE = Path(__file__).parent


def grid(project: Project, classes: Sequence[ClassLabel], annotator: Annotator) -> None:
    """Show the grid of a project. It speaks with `/grid/PROJECT` itself, so that no page costs a script run."""
    data = {
        "project": project.id,
        "annotator": annotator.id,
        "classes": [{"id": each.id, "name": each.display_name} for each in classes],
        "heartbeat_ms": round(1000 * max(5.0, min(30.0, 20.0 * project.settings.lease_minutes))),
    }
    _component()(data=data, key="grid")


@cache
def _component() -> ComponentRenderer:
    """Registered at its first use: before Streamlit's runtime is there, there is nowhere to register."""
    html, css, js = ((HERE / f"grid.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component("alflow_grid", html=html, css=css, js=js)
