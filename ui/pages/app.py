"""The script Streamlit runs: who is signed in, which project, which page.

It stands among the pages, since Streamlit takes a folder `pages` beside its script for pages of its own.
"""

from pathlib import Path

import streamlit as st

from ui import session
from ui.pages import adjudicate, backtest, label, project, quality, rounds
from ui.theme import FRAME

UI = Path(__file__).parents[1]

st.set_page_config(page_title="alflow", page_icon=str(UI / "icon.svg"), layout="wide")

st.logo(UI / "logo.svg", size="large")

PAGES = [
    st.Page(label.show, title="Label", icon=":material/ads_click:", url_path="label", default=True),
    st.Page(rounds.show, title="Rounds", icon=":material/timeline:", url_path="rounds"),
    st.Page(quality.show, title="Quality", icon=":material/verified:", url_path="quality"),
    st.Page(adjudicate.show, title="Adjudicate", icon=":material/gavel:", url_path="adjudicate"),
    st.Page(backtest.show, title="Back-test", icon=":material/science:", url_path="backtest"),
    st.Page(project.show, title="Project", icon=":material/folder_open:", url_path="project"),
]

session.require_annotator()
st.html(f"<style>{FRAME}</style>")
page = st.navigation(PAGES)
session.choose_project()
page.run()
