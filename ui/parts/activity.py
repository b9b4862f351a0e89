"""The quiet line of every page: what runs for the project, since when and how far; and why the last run failed."""

from html import escape
from typing import Final
from urllib.parse import urlsplit

import streamlit as st

from alflow.domain.projects import Project
from alflow.settings import Settings
from alflow.text import visible
from alflow.ui.door import access
from alflow.ui.parts import session
from alflow.ui.parts.clock import here
from alflow.ui.parts.live import live
from alflow.workflow.rounds.activity import Now, activity

REFRESH: Final = "5s"
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@live(REFRESH)
def line(project: Project) -> None:
    """Nothing while nothing runs and nothing is wrong."""
    now = activity(session.workspace(), project.id)
    link = _link(now) if session.may(access.RUN_PROJECT, project) else ""
    if now.words:
        st.html(f'<p class="running">{escape(_sentence(now))}{link}</p>')
    elif now.trouble is not None:
        words = escape(visible(now.trouble.message))
        st.html(f'<p class="running"><strong>The last run failed</strong>: {words}{link}</p>')


def _sentence(now: Now) -> str:
    since = "" if now.since is None else f"since {here(now.since):%H:%M}"
    return f"{', '.join(filter(None, (now.words, since, now.left_in_words)))}."


def _link(now: Now) -> str:
    """Where Prefect shows the run, if people can get there."""
    if now.link is None or not can_be_opened(now.link, session.workspace().settings):
        return ""
    return f' <a href="{escape(now.link)}" target="_blank" rel="noopener">The run in Prefect</a>'


def can_be_opened(link: str, settings: Settings) -> bool:
    """Whether this is an address of the web that people's browsers reach: of this machine, only those on it do."""
    parts = urlsplit(link)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return False
    return parts.hostname not in _LOOPBACK or (settings.is_local and not settings.public_url)
