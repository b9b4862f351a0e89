"""The Project page: what it holds, what happens next, what can be saved and changed of it."""

from collections.abc import Callable, Mapping
from html import escape
from typing import Final

import streamlit as st

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.ui.door import access
from alflow.ui.parts import bringing, instructions, session, told
from alflow.ui.parts.channels import messages
from alflow.ui.parts.class_table import class_table
from alflow.ui.parts.empty import no_classes
from alflow.ui.parts.export_section import exports
from alflow.ui.parts.installation import installation
from alflow.ui.parts.label_import import label_import
from alflow.ui.parts.project_settings import settings
from alflow.ui.parts.project_state import state
from alflow.ui.parts.tables import table
from alflow.workflow.rounds import review
from alflow.workflow.rounds.review import Overview
from alflow.workflow.rounds.stopping import in_words

SPLIT_HELP = {
    Split.POOL: "Unlabelled images that alflow may ask about",
    Split.TARGET: "Unlabelled images whose predictions matter: alflow asks about the images that improve these most",
    Split.TEST: "Labelled images, set apart to evaluate the model",
}


def show(project: Project) -> None:
    """The project at a glance; for those who may, what can be changed of it."""
    overview = review.overview(session.workspace(), project.id)
    st.header(session.escape(project.name), anchor=False)
    st.caption(f"Since {project.created_at:%d %B %Y}. Waiting for {session.words(overview.waiting_for)}.")
    told.tell(project)
    sections = {
        "At a glance": _glance,
        "Images": bringing.images,
        **(EDITORS if session.may(access.EDIT_SETTINGS) else {}),
    }
    if session.may(access.IMPORT_LABELS, project):
        sections["Import labels"] = lambda overview: label_import(overview.project)
    sections["Export"] = lambda overview: exports(overview.project)
    if session.may(access.STOP_PROJECT):
        sections["Stop or delete"] = lambda overview: state(overview.project)
    if session.may(access.KEEP_HOUSE, project):
        sections["Installation"] = lambda overview: installation(overview.project)
    name = st.segmented_control(
        "Section",
        list(sections),
        default="At a glance",
        required=True,
        label_visibility="collapsed",
        key=_section(project),
    )
    sections[name](overview)


def _section(project: Project) -> str:
    return f"project-section-{project.id}"


def _glance(overview: Overview) -> None:
    _counts(overview)
    if not sum(overview.counts.values()) and session.may(access.BRING_IMAGES, overview.project):
        st.button(
            "Bring the first images",
            key=f"bring-first-{overview.project.id}",
            on_click=lambda: st.session_state.update({_section(overview.project): "Images"}),
            icon=":material/add_photo_alternate:",
            type="primary",
        )
    left, right = st.columns([3, 2], gap="large")
    with left:
        _classes(overview)
    with right:
        _setup(overview)
    instructions.remarks(overview.project)


EDITORS: Final[Mapping[str, Callable[[Overview], None]]] = {
    "Classes": lambda overview: class_table(overview.project),
    "Guidelines": lambda overview: instructions.editor(overview.project),
    "Settings": lambda overview: settings(overview.project),
    "Messages": lambda overview: messages(overview.project),
}


def _counts(overview: Overview) -> None:
    columns = st.columns(4)
    for column, split in zip(columns, Split, strict=False):
        count = f"{overview.counts.get(split, 0):,}"
        column.metric(split.value.capitalize(), count, help=SPLIT_HELP[split], border=True, height="stretch")
    columns[3].metric(
        "Labelled",
        f"{overview.n_settled:,}",
        help="Images that have all the answers they need",
        border=True,
        height="stretch",
    )


def _classes(overview: Overview) -> None:
    st.subheader("Classes")
    if not overview.classes:
        no_classes(overview.project)
        return
    most = max(overview.labels_per_class.values(), default=0) or 1
    rows = [
        {
            "Key": each.hot_key or "",
            "Class": each.display_name,
            "Labels": overview.labels_per_class.get(each.id, 0),
            "Prompts": "; ".join(each.prompts),
        }
        for each in overview.classes
    ]
    labels = st.column_config.ProgressColumn(format="%d", min_value=0, max_value=most)
    config = {"Labels": labels, "Key": st.column_config.TextColumn(width=50)}
    height = 35 * min(len(rows) + 1, 23) + 3
    table(rows, "classes", column_config=config, height=height)


def _setup(overview: Overview) -> None:
    settings = overview.project.settings
    st.subheader("Set-up")
    facts = {
        "Model": f"{overview.project.model} ({overview.project.precision})",
        "Posterior": (overview.project.posterior or "none yet")[:12]
        + ("" if overview.posterior is None else f", {overview.posterior.words}"),
        "Strategy": settings.strategy,
        "Round": f"{settings.budget} images, {settings.control_fraction:.0%} of them drawn at random as control"
        + (
            f"; up to {extra} more while the next is prepared"
            if (extra := min(settings.reserve, settings.budget))
            else ""
        ),
        "Answers per image": str(settings.votes),
        "Stops": in_words(settings),
    }
    if settings.gold_rate:
        facts["Checks"] = f"{settings.gold_rate:.0%} of the images shown"
    if overview.novel_share is not None:
        facts["Pool"] = f"{overview.novel_share:.0%} of the images are unlike the model's pretraining data"
    rows = [f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items()]
    st.html(f'<dl class="facts">{"".join(rows)}</dl>')
