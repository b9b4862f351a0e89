"""The New project page: name, classes and model; the images follow on the Project page."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from alflow.domain.projects import Project
from alflow.errors import AlflowError
from alflow.ui.door import access
from alflow.ui.parts import navigation, session, told
from alflow.workflow.projects import projects
from alflow.workflow.projects.classes import read_pasted
from alflow.workflow.projects.models import ModelChoice, model_choices
from alflow.workflow.projects.naming import TEMPLATES, complete_classes

_SHOWN: Final = 12  # of the classes that were read
_OTHER: Final = "another"
_DEMO: Final = "demo"
_NAME, _CLASSES, _TEMPLATE, _MODEL, _REFERENCE = (f"new-{one}" for one in ("name", "classes", "prompt", "model", "ref"))


def show(chosen: Project | None) -> None:
    """The form; once a project is made, its own page follows, with the images to bring."""
    if chosen is None:
        st.title("Welcome to alflow")
        st.write("There is no project yet. To look around first, `make demo` opens two with drawings to label.")
    st.header("New project")
    st.write(
        "Class names alone are enough to start: the model compares each image with their words. Classes, prompts and "
        "every setting can be changed later; the model stays."
    )
    told.tell(chosen)
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.text_input("Name", key=_NAME, placeholder="animals")
        st.text_area(
            "Classes, one a line",
            key=_CLASSES,
            height=220,
            placeholder="cat\ndog\nfrog",
            help="Or in one line, with commas between them. Or paste the text of a CSV file with the columns name, "
            "display_name, prompt and hot_key, or a JSON list of such objects.",
        )
        _read()
        st.text_input(
            "Prompt of each class", TEMPLATES[0], key=_TEMPLATE, help="What the model reads; {} stands for the class."
        )
        st.button("Create the project", type="primary", icon=":material/add:", on_click=_create)
    with right:
        _model(_choices())


def _read() -> None:
    """What the list was taken for, before anything is made of it."""
    given = str(st.session_state[_CLASSES])
    if not given.strip():
        return
    try:
        names = [session.escape(one.name) for one in read_pasted(given)]
    except AlflowError as error:
        st.caption(session.sentence(str(error)))
        return
    said = f"{len(names):,} classes: " if len(names) > 1 else "One class, and the model needs two to choose between: "
    more = [f"and {len(names) - _SHOWN:,} more"] if len(names) > _SHOWN else []
    st.caption(said + " \u00b7 ".join(names[:_SHOWN] + more))


@st.cache_data(ttl=60, show_spinner="Looking which models are on this machine")
def _choices() -> Sequence[ModelChoice]:
    return model_choices()


def _model(choices: Sequence[ModelChoice]) -> None:
    names = {one.model.reference: one.model.reference.partition("/")[0] for one in choices}
    names |= {_DEMO: "The demo's", _OTHER: "Another one"}
    words = [
        f"{one.model.words}; {one.megabytes:,} MB, {'on this machine' if one.here else 'fetched when first used'}"
        for one in choices
    ]
    words += ["drawings of everyday things; shipped with alflow, to try it", "of open_clip, by its reference"]
    default = next((one for one in choices if one.here), choices[1]).model.reference
    chosen = st.radio(
        "Model",
        list(names),
        index=list(names).index(default),
        key=_MODEL,
        format_func=names.__getitem__,
        captions=words,
    )
    if chosen == _OTHER:
        st.text_input(
            "Its reference",
            key=_REFERENCE,
            placeholder="ARCHITECTURE/TAG",
            help="ARCHITECTURE/TAG of open_clip, ARCHITECTURE:FILE of weights, hf-hub:ORGANISATION/NAME or "
            "local-dir:FOLDER on the machine that serves.",
        )


def _create() -> None:
    """Make the project and choose it, or keep why not; before the page is drawn, as a selection can be set then."""
    kept, visitor = st.session_state, session.visitor()
    chosen = session.project()
    if not (visitor.everywhere or (chosen is not None and session.may(access.PAGES["new"].role, chosen))):
        return
    templates = [str(kept[_TEMPLATE]).strip() or TEMPLATES[0]]
    model = str(kept.get(_REFERENCE, "")) if kept[_MODEL] == _OTHER else str(kept[_MODEL])
    owner = None if visitor.everywhere else visitor.annotator.id
    try:
        classes = complete_classes(read_pasted(str(kept[_CLASSES]), templates), templates)
        made = projects.create_project(
            session.workspace(), str(kept[_NAME]), model.strip(), "fp32", classes, owner=owner
        )
    except AlflowError as error:
        told.keep(chosen, str(error), done=False)
        return
    kept[session.CHOICE], kept[navigation.NEXT] = made.name, "project"
    st.query_params[session.CHOICE] = made.name  # a new role ends the page, and what it kept: its address stays
    kept[f"project-section-{made.id}"] = "Images"
