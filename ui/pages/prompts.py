"""The Prompts page: what the model reads for each class, and what other prompts would change before they are saved."""

from collections.abc import Mapping, Sequence

import streamlit as st

from alflow.domain.projects import ClassLabel, Project
from alflow.errors import AlflowError
from alflow.ids import ClassId
from alflow.ui.door import access
from alflow.ui.parts import prompt_effects, prompt_suggestions, session
from alflow.ui.parts.empty import require_classes
from alflow.ui.parts.prompt_editor import Draft, all_classes, draft_of, drafted, one_class
from alflow.ui.parts.tables import table
from alflow.workflow.insight.effects import standing
from alflow.workflow.insight.prompts import Trial, save_prompts, try_prompts
from alflow.workflow.insight.turns import ClassEffect


def show(project: Project) -> None:
    """The classes, the editor for those who may edit, and what the draft would change."""
    stored = require_classes(project)
    st.header("Prompts")
    st.caption(
        "What the model reads for each class. Try other names and prompts here: the page shows what would change on "
        "every image before anything is saved."
    )
    may_edit = session.may(access.EDIT_CLASSES)
    draft = draft_of(project) if may_edit else Draft()
    now = drafted(draft, stored)
    place = st.empty()  # always there: what follows must not move, or tabs would open anew
    with place.container():
        trial = _trial(project, draft, stored) if draft.edits else None
    left, right = st.columns([3, 2], gap="large") if may_edit else (st.container(), None)
    with left:
        _classes(stored, now, _standing(project, trial))
    if right is not None:
        with right:
            one, every, by_labels = st.tabs(["One class", "All classes", "By the labels"])
            with one:
                one_class(project, draft, stored, now)
            with every:
                all_classes(project, draft, stored, now)
            with by_labels:
                prompt_suggestions.suggestions(project, draft, stored)
    if not may_edit:
        st.caption("Engineers and owners of the project can edit and try prompts.")
    if draft.edits:
        _draft(project, draft, stored, now, trial)


def _trial(project: Project, draft: Draft, stored: Sequence[ClassLabel]) -> Trial | None:
    """The trial of the draft, made once for it; None where it cannot be made, which is told."""
    known = draft.trial
    if known is not None and known.edits == draft.edits and known.before == tuple(stored):
        return known
    workspace = session.workspace()
    loading = "Loading the text tower, once; this takes some seconds" if not workspace.holds_encoder(project) else None
    bar = st.progress(0.0, loading or "Reading the prompts")

    def tell(done: int, total: int | None) -> None:
        part = min(1.0, done / total) if total else 0.0
        bar.progress(part, f"{done:,} of {total:,} prompts read" if done != total else "Predicting every image")

    try:
        draft.trial = try_prompts(workspace, project.id, draft.edits, tell)
    except AlflowError as error:
        draft.trial = None
        st.warning(session.sentence(error))
    bar.empty()
    return draft.trial


def _standing(project: Project, trial: Trial | None) -> Mapping[ClassId, ClassEffect]:
    """Figures of each class: those of the trial, or as it is; none where nothing can be predicted yet."""
    if trial is not None:
        return {one.class_id: one for one in trial.effects.classes}
    try:
        with st.spinner("Reading what the model says"):
            return {one.class_id: one for one in standing(session.workspace(), project.id)}
    except AlflowError as error:
        st.info(f"There are no predictions to compare yet: {session.sentence(error)}")
        return {}


def _classes(stored: Sequence[ClassLabel], now: Sequence[ClassLabel], figures: Mapping[ClassId, ClassEffect]) -> None:
    rows, edited = [], list(stored) != list(now)
    for old, new in zip(stored, now, strict=True):
        row: dict[str, object] = {"Class": new.display_name, "Prompts": "; ".join(new.prompts)}
        if edited:
            row["Draft"] = "" if new == old else "changed"
        if (one := figures.get(new.id)) is not None:
            row |= {"Share": one.share_after, "Name": one.deviation_after}
        rows.append(row)
    table(rows, "prompts", column_config=_COLUMNS, height=35 * min(len(rows) + 1, 17) + 3)
    if figures:
        st.caption(
            "Share: mean probability of the class over the pool. Name: how uncertain its words are, as the standard "
            "deviation of the logit of a typical image; the higher, the more other words may help."
        )


_COLUMNS = {
    "Share": st.column_config.NumberColumn(format="percent", help="Expected share of the pool", width=80),
    "Name": st.column_config.NumberColumn(format="± %.3f", help="How uncertain the name is, in nats", width=80),
}


def _draft(
    project: Project, draft: Draft, stored: Sequence[ClassLabel], now: Sequence[ClassLabel], trial: Trial | None
) -> None:
    changed = [new.display_name for old, new in zip(stored, now, strict=True) if new != old]
    st.subheader("What would change")
    words, save, discard = st.columns([6, 1, 1], vertical_alignment="center")
    listed = ", ".join(session.escape(name) for name in changed[:8]) + (" and others" if len(changed) > 8 else "")
    words.write(f"Not saved yet: {listed}.")
    if save.button("Save", type="primary", width="stretch", disabled=trial is None) and trial is not None:
        _save(project, draft, trial)
    if discard.button("Discard", width="stretch"):
        draft.put({})
        st.rerun()
    if trial is not None:
        prompt_effects.effects(project, trial, draft.version)


def _save(project: Project, draft: Draft, trial: Trial) -> None:
    if not session.may(access.EDIT_CLASSES, project):
        return
    try:
        save_prompts(session.workspace(), project.id, trial)
    except AlflowError as error:
        st.warning(session.sentence(error))
        return
    draft.put({})
    draft.suggestions = None
    st.toast("Saved. All predictions follow from now on.")
    st.rerun()
