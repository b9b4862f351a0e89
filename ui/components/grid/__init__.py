"""The grid: a page of images of one predicted class, answered at once (see grid.js)."""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from alflow.domain import Annotator, ClassLabel, Project

HERE = Path(__file__).parent


def grid(project: Project, classes: Sequence[ClassLabel], annotator: Annotator, screen: str) -> None:
    """Show the grid of a project. It speaks with `/grid/PROJECT` itself, so that no page costs a script run.

    `screen` names what it shows to all (see `alflow.workflow.desk.screens`); every answer carries it.
    """
    data = {
        "project": project.id,
        "annotator": annotator.id,
        "screen": screen,
        "classes": [{"id": each.id, "name": each.display_name} for each in classes],
        "heartbeat_ms": round(1000 * max(5.0, min(30.0, 20.0 * project.settings.lease_minutes))),
    }
    _component()(data=data, key="grid")


@cache
def version() -> str:
    """Changes with every file that the grid is made of."""
    return hashlib.sha256("".join(_files()).encode()).hexdigest()[:12]


@cache
def _component() -> ComponentRenderer:
    """Registered at its first use: before Streamlit's runtime is there, there is nowhere to register."""
    html, css, js = _files()
    return st.components.v2.component("alflow_grid", html=html, css=css, js=js)


def _files() -> list[str]:
    return [(HERE / f"grid.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js")]
