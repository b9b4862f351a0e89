"""The script Streamlit runs: who is signed in, which project, which page.

It stands among the pages, since Streamlit takes a folder `pages` beside its script for pages of its own.
"""

from pathlib import Path
from typing import Literal

import streamlit as st

from alflow.ui import pages
from alflow.ui.parts import navigation, session
from alflow.ui.parts.theme import FRAME

UI = Path(__file__).parents[1]

# By itself the menu opens over half the screen when a phone is turned on its side.
menu: Literal["collapsed", "auto"] = "collapsed" if "Mobi" in st.context.headers.get("User-Agent", "") else "auto"
st.set_page_config(page_title="alflow", page_icon=str(UI / "icon.svg"), layout="wide", initial_sidebar_state=menu)

st.logo(UI / "logo.svg", size="large")

session.enter()
st.html(f"<style>{FRAME}</style>")
session.choose_project()
navigation.run(pages.load())
