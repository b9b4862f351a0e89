"""The Images section of the Project page: bring images, see how far they are, what was left out and why."""

import base64
import time
from datetime import timedelta
from html import escape
from typing import Final

import streamlit as st

from alflow.domain.projects import Project
from alflow.text import plural, visible
from alflow.ui.components.uploader import uploader
from alflow.ui.door import access
from alflow.ui.door.prefix import below
from alflow.ui.parts import session, sources, told
from alflow.ui.parts.live import live
from alflow.ui.parts.tables import table
from alflow.workflow.images import once
from alflow.workflow.images.left_out import LeftOut, left_out
from alflow.workflow.insight.leaks import leak
from alflow.workflow.rounds.activity import time_left
from alflow.workflow.rounds.arrival import Arrival, arrival
from alflow.workflow.rounds.review import Overview

_SHOWN: Final = 24  # files that were left out, with their pictures; the table below has all
_SECONDS: Final = 2.0  # between two looks how far images are
_SAMPLES: Final = 15


def images(overview: Overview) -> None:
    """The whole section."""
    project = overview.project
    if session.may(access.BRING_IMAGES, project):
        uploader(project, fresh=not any(overview.counts.values()))
    st.session_state.pop(_seen(project), None)
    _progress(project)
    if words := leak(session.workspace(), project.id):
        st.warning(words)
    sources.sources(project)
    _rejections(overview)
    _not_embedded(overview)


@live(_SECONDS)
def _progress(project: Project) -> None:
    """One quiet line; the page is drawn anew when there is more to see on it."""
    now = arrival(session.workspace(), project)
    if st.session_state.setdefault(_seen(project), now.version) != now.version:
        st.rerun()
    st.caption(told_of(now, _time_left(project, now)))
    if now.opened:
        address = below(f"/label?{session.CHOICE}={project.name}")
        st.html(f'<a class="quiet" href="{escape(address)}" target="_self">Label these</a>')


def _seen(project: Project) -> str:
    """Under which name is kept what the page was last drawn with."""
    return f"arrival-seen-{project.id}"


def told_of(now: Arrival, left: timedelta | None) -> str:
    """How far images are, in words."""
    if not now.here + now.ready:
        return "No image is here yet."
    said = [f"{plural(now.here, 'image is', 'images are')} here, {now.embedded:,} of them embedded"]
    if now.ready:
        said.append(f"{plural(now.ready, 'file waits', 'files wait')} to be taken")
    if now.left and left is not None:
        said.append(time_left(left))
    if now.sending:
        said.append("more arrive")
    return f"{'; '.join(said)}. Waiting for {session.words(now.waiting_for)}."


def _time_left(project: Project, now: Arrival) -> timedelta | None:
    """By how fast images were embedded while this page was open; None where that is not known."""
    seen: list[tuple[float, int]] = st.session_state.setdefault(f"arrival-pace-{project.id}", [])
    if not now.left:
        seen.clear()
        return None
    seen.append((time.monotonic(), now.embedded))
    del seen[:-_SAMPLES]
    (began, before), (at, done) = seen[0], seen[-1]
    return timedelta(seconds=now.left * (at - began) / (done - before)) if done > before else None


def _rejections(overview: Overview) -> None:
    rejected, project = overview.rejections, overview.project
    if not rejected:
        return
    with st.expander(f"Rejected files: {len(rejected):,}", icon=":material/block:"):
        newest = left_out(session.workspace(), project, _SHOWN)
        st.html(f'<div class="left-out">{"".join(map(_figure, newest))}</div>')
        rows = [{"File": each.uri, "Reason": each.reason, "At": each.at} for each in rejected]
        table(rows, "rejections")
        if session.may(access.BRING_IMAGES, project):
            given = (project, lambda: _again(project), access.BRING_IMAGES)
            st.button("Try them again", on_click=told.act, args=given)


def _again(project: Project) -> str:
    count = once.try_again(session.workspace(), project)
    if not count:
        return "None of these files was kept: mend them, and send them again."
    return f"{plural(count, 'file is', 'files are')} tried again by the next run."


def _figure(one: LeftOut) -> str:
    name = escape(visible(one.name))
    shown = (
        f'<img src="data:image/jpeg;base64,{base64.b64encode(one.picture).decode()}" alt="{name}">'
        if one.picture
        else f"<span>No picture: {escape(one.unseen)}</span>"
    )
    why, remedy = escape(visible(one.why)), escape(visible(one.remedy))
    words = f"<b>{name}</b><span>{why}.</span><span>To do: {remedy}.</span>"
    return f"<figure>{shown}<figcaption>{words}</figcaption></figure>"


def _not_embedded(overview: Overview) -> None:
    failed = overview.not_embedded
    if not failed:
        return
    with st.expander(f"Images that could not be embedded so far: {len(failed):,}", icon=":material/block:"):
        rows = [
            {"File": each.uri, "Reason": each.reason, "Tries": each.attempts, "Next try": each.next_at}
            for each in failed
        ]
        table(rows, "unembedded")
