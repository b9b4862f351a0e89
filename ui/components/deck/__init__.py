"""The labelling deck: the browser owns the item on screen, and answers leave it bound to that item (see deck.js)."""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from alflow.domain import Annotator, ClassLabel, Project

HERE = Path(__file__).parent
PARTS = (
    *("outbox", "tabs", "link", "ledger", "stage", "zoom", "keys", "notes", "panels", "classes", "view", "controls"),
    *("deck", "mount"),
)
"""The scripts, which become one module: each after those it is made of, the one that exports last."""


def deck(project: Project, classes: Sequence[ClassLabel], annotator: Annotator, screen: str) -> None:
    """Show the deck of a project. It speaks with `/desk/PROJECT/sync` itself, so that no answer costs a script run.

    `screen` names what it shows to all (see `alflow.workflow.desk.screens`); every answer carries it.
    """
    data = {
        "project": project.id,
        "title": project.name,
        "annotator": annotator.id,
        "screen": screen,
        "classes": [{"id": each.id, "name": each.display_name, "key": each.hot_key} for each in classes],
        "heartbeat_ms": round(1000 * max(5.0, min(10.0, 20.0 * project.settings.lease_minutes))),
    }
    _component()(data=data, key="deck")  # one key for all projects: never two decks on one page


@cache
def version() -> str:
    """Changes with every file that the deck is made of."""
    return hashlib.sha256("".join(_files()).encode()).hexdigest()[:12]


@cache
def _component() -> ComponentRenderer:
    """Registered at its first use: before Streamlit's runtime is there, there is nowhere to register."""
    html, css, *scripts = _files()
    return st.components.v2.component("alflow_deck", html=html, css=css, js="\n".join(scripts))


def _files() -> list[str]:
    return [_read(name) for name in ("deck.html", "deck.css", *(f"{part}.js" for part in PARTS))]


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
