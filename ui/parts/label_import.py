"""The section Import labels of the Project page: answers that people gave in another tool."""

from shlex import quote
from typing import Any

import streamlit as st

from alflow.domain.projects import Project
from alflow.errors import InvalidInputError
from alflow.ui.components.uploader import label_uploader
from alflow.ui.door import access
from alflow.ui.parts import session, told
from alflow.ui.parts.sources import ask_place, place
from alflow.workflow.answers.bring import bring_labels
from alflow.workflow.answers.brought import remarks, summary


def label_import(project: Project) -> None:
    """What is imported and how, where to drop files, and for owners what the server sees."""
    st.write(
        "Answers that people gave in another tool come with their names and times. Images are found by hash, address "
        "or file name; only those of the pool take answers. Who has answered an image here keeps that answer, and the "
        "same file again changes nothing."
    )
    _ask_options(project)
    options = _options(project)
    label_uploader(project, options | {"strict": "1" if options["strict"] else ""})
    roots = session.workspace().settings.shown_sources
    if roots and session.may(access.NAME_SOURCES, project):
        with st.expander("Take labels from a file or a folder that the server sees", icon=":material/folder_open:"):
            what = "A file as above, or a folder that one of these tools wrote."
            ask_place(roots, f"labels-{project.id}", "export/tasks.json", what)
            given = (project, lambda: _brought(project), access.NAME_SOURCES)
            st.button("Import", on_click=told.act, args=given, key=f"labels-import-{project.id}")
    st.caption("The same in a terminal:")
    st.code(f"alflow labels import FILE --project {quote(project.name)}", language=None, wrap_lines=True)


def _ask_options(project: Project) -> None:
    """Those of `alflow labels import`, by their names."""
    left, middle, right = st.columns([2, 2, 3], vertical_alignment="bottom")
    nobody = "Who gave the answers for which a file names nobody."
    left.text_input("Annotator", key=f"labels-annotator-{project.id}", help=nobody)
    several = "Argilla's question or FiftyOne's field that holds the class, if there are several."
    middle.text_input("Field", key=f"labels-field-{project.id}", help=several)
    unusable = "Refused where an answer cannot be used, whatever the reason."
    right.toggle("Strict: all of it or nothing", key=f"labels-strict-{project.id}", help=unusable)


def _options(project: Project) -> dict[str, Any]:
    return {name: st.session_state[f"labels-{name}-{project.id}"] for name in ("annotator", "field", "strict")}


def _brought(project: Project) -> str:
    """What became of the answers, in words.

    Raises:
        InvalidInputError: no answer is new or known, or with `strict` something cannot be used.
    """
    source, options = place(f"labels-{project.id}"), _options(project)
    annotator, field = (options[name].strip() for name in ("annotator", "field"))
    report = bring_labels(session.workspace(), project, source, annotator, field=field, strict=options["strict"])
    said = "; ".join([summary(report), *remarks(report)])
    if not report.added and not report.known:
        raise InvalidInputError(f"no label was imported from {source}: {said}")
    return f"{said}."
