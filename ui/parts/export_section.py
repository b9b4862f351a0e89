"""On the Project page: everything that `alflow export` writes, as files to save, and the report."""

from shlex import quote
from urllib.parse import urlencode

import streamlit as st

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.domain.rounds import RoundState
from alflow.ui.door import access
from alflow.ui.door.prefix import below
from alflow.ui.parts import session
from alflow.ui.parts.exports import EXPORTS, LABELS, Export
from alflow.ui.parts.report import report_button
from alflow.workflow.rounds.review import round_summaries

_NEWEST, _NO_LABEL, _EVERY_SPLIT = "the newest", "before any label", "every split"


def exports(project: Project) -> None:
    """What there is to save, in which format, and the link that saves it."""
    past = [summary.round for summary in round_summaries(session.workspace(), project.id)]
    offered = EXPORTS if session.may(access.EXPORT, project) else {LABELS: EXPORTS[LABELS]}
    left, right = st.columns([3, 2], gap="large")
    with left:
        what = st.selectbox(
            "What", list(offered), format_func=lambda one: EXPORTS[one].title, key=f"export-{project.id}"
        )
        kind = EXPORTS[what]
        st.caption(kind.caption)
        query = {"format": st.selectbox("Format", kind.formats, key=f"export-format-{what}-{project.id}")}
        if kind.of_round:
            closed = what == "predictions"
            numbers = [one.number for one in past if not closed or one.state is RoundState.CLOSED]
            rounds = [_NEWEST, *reversed(numbers), *([0] if closed else [])]
            key = f"export-round-{what}-{project.id}"
            number = st.selectbox("Round", rounds, format_func=lambda one: str(one or _NO_LABEL), key=key)
            query |= {} if number == _NEWEST else {"round": str(number)}
        if what == "embeddings":
            split = st.selectbox("Images of", [_EVERY_SPLIT, *Split], format_func=str, key=f"export-split-{project.id}")
            query |= {} if split == _EVERY_SPLIT else {"split": str(split)}
        if what == "dataset" and st.toggle("Also images without a class and a vote", key=f"export-all-{project.id}"):
            query |= {"all": "1"}
        address = below(f"/export/{project.id}/{what}?{urlencode(query)}")
        st.link_button(f"Save {kind.title.lower()}", address, icon=":material/download:")
        st.caption("It is made first, which takes a while where there are many images. In a terminal:")
        st.code(_command(project, what, kind, query), language=None, wrap_lines=True)
    with right:
        st.subheader("Report", anchor=False)
        report_button(project, [one.number for one in reversed(past)])


def _command(project: Project, what: str, kind: Export, query: dict[str, str]) -> str:
    if what == "posterior":
        return f"alflow posterior export {what} --project {quote(project.name)}"
    place = f"{what} --format {query['format']}" if kind.is_folder else f"{what}{query['format']}"
    more = f" --round {query['round']}" if "round" in query else ""
    more += f" --split {query['split']}" if "split" in query else ""
    every = " --all" if "all" in query else ""
    return f"alflow export {what} {place}{more}{every} --project {quote(project.name)}"
