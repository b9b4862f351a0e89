"""The section Posterior of the Model page: where that of the pretraining is from, and another one in its place."""

from shlex import quote
from typing import Final

import streamlit as st

from alflow.domain.projects import Project
from alflow.errors import AlflowError
from alflow.ui.door import access
from alflow.ui.parts import beside, session, told
from alflow.ui.parts.sources import ask_place, place
from alflow.workflow.rounds.review import overview

_FACTORS: Final = "Published factors, a folder"
_PAIRS: Final = "Images with captions, a manifest"


def posterior(project: Project) -> None:
    """What the project has; for those who may, an estimate from the pool, or what the server sees."""
    told.tell(project)
    _known(project)
    beside.tell(project, "posterior", "A posterior is on its way; it goes on when this page is left.", st.warning)
    if not session.may(access.RUN_PROJECT, project):
        return
    st.write("Another one changes predictions, and what the next round asks; a round that is open stays as it is.")
    given = (project, "posterior", ["posterior", "estimate", f"--project={project.name}"], access.RUN_PROJECT)
    st.button("Estimate from the pool", on_click=beside.start, args=given, key=f"posterior-pool-{project.id}")
    roots = session.workspace().settings.shown_sources
    if roots and session.may(access.NAME_SOURCES, project):
        _from_sources(project, roots)
    st.caption("The same in a terminal, and from published factors or images with captions:")
    named = f"--project {quote(project.name)}"
    commands = (f"alflow posterior {what} {named}" for what in ("estimate", "estimate PAIRS.csv", "import FOLDER"))
    st.code("\n".join(commands), language=None, wrap_lines=True)


def _known(project: Project) -> None:
    found = overview(session.workspace(), project.id).posterior
    if project.posterior is None:
        st.write("The project has no posterior of its own yet: the first round brings it.")
    else:
        words = "" if found is None else f", {session.words(found.words)}"
        st.write(f"The project has `{project.posterior[:12]}`{words}. It says how sure the model is before any label.")


def _from_sources(project: Project, roots: list[str]) -> None:
    with st.expander("Make it of what the server sees", icon=":material/folder_open:"):
        key = f"posterior-{project.id}"
        st.selectbox("What it is", [_FACTORS, _PAIRS], key=f"{key}-kind")
        ask_place(roots, key, "factors, or pairs/captions.csv", "A folder of factors, or a manifest with captions.")
        pairs = "As many as the method's authors used, where it is empty."
        st.number_input(
            "Pairs that the factors were estimated on", 2, value=None, step=1, key=f"{key}-pairs", help=pairs
        )
        st.toggle("Leave out pairs that cannot be used, instead of failing", key=f"{key}-missing")
        st.button("Make it", on_click=_make, args=(project,), key=f"{key}-make")


def _make(project: Project) -> None:
    key, kept = f"posterior-{project.id}", st.session_state
    try:
        source = place(key)
    except AlflowError as error:
        told.keep(project, str(error), done=False)
        return
    if kept[f"{key}-kind"] == _PAIRS:
        options = ["estimate", *(["--allow-missing"] if kept[f"{key}-missing"] else [])]
    else:
        pairs = kept[f"{key}-pairs"]
        options = ["import", *([] if pairs is None else [f"--pairs={int(pairs)}"])]
    arguments = ["posterior", *options, f"--project={project.name}", "--", source]
    beside.start(project, "posterior", arguments, access.NAME_SOURCES)
