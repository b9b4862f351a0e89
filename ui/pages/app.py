"""The script Streamlit runs: who is signed in, which project, which page.

It stands among the pages, since Streamlit takes a folder `pages` beside its script for pages of its own.
"""

from pathlib import Path

import streamlit as st

from ui.pages import adjudicate, backtest, checks, find, grid, history, label, people, project, quality, rounds
from ui.parts import navigation, session
from ui.parts.theme import FRAME

UI = Path(__file__).parents[1]

st.set_page_config(page_title="alflow", page_icon=str(UI / "icon.svg"), layout="wide")

st.logo(UI / "logo.svg", size="large")

session.enter()
st.html(f"<style>{FRAME}</style>")
session.choose_project()
PAGES = {
    "label": (label.show, "Label", ":material/ads_click:"),
    "grid": (grid.show, "Grid", ":material/grid_view:"),
    "checks": (checks.show, "Checks", ":material/fact_check:"),
    "rounds": (rounds.show, "Rounds", ":material/timeline:"),
    "quality": (quality.show, "Quality", ":material/verified:"),
    "adjudicate": (adjudicate.show, "Adjudicate", ":material/gavel:"),
    "find": (find.show, "Find", ":material/search:"),
    "history": (history.show, "History", ":material/history:"),
    "backtest": (backtest.show, "Back-test", ":material/science:"),
    "project": (project.show, "Project", ":material/folder_open:"),
    "people": (people.show, "People", ":material/group:"),
}
st.navigation([navigation.page(path, *each) for path, each in PAGES.items()]).run()
