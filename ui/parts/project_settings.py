"""On the Project page: every setting with its meaning, for those who may change them."""

from collections.abc import Mapping
from dataclasses import fields, replace
from types import NoneType
from typing import Any, Final, get_args, get_type_hints

import streamlit as st

from alflow.bounds import bounds_of, has_bounds, meaning_of, title_of
from alflow.domain.projects import Project, ProjectSettings, Suggestion
from alflow.ui.door import access
from alflow.ui.parts import session, told
from alflow.workflow.projects import projects
from alflow.workflow.rounds.strategies import strategy_captions

GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "What is asked": ("strategy", "budget", "control_fraction", "reserve", "votes"),
    "The desk": (
        "suggestion",
        "sort_classes",
        "likewise",
        "gold_rate",
        "gold_feedback",
        "lease_minutes",
        "break_minutes",
        "show_speeds",
    ),
    "When to stop": ("max_labels", "plateau_rounds", "plateau_gain", "min_information", "label_price"),
    "The model": ("pretraining_weight", "fit_accepted", "seed"),
}
WHEN: Final = {
    Suggestion.NEVER: "Never",
    Suggestion.AFTER: "After each answer",
    Suggestion.BEFORE: "Before each answer (this biases people towards it)",
}


def settings(project: Project) -> None:
    """A form of all settings; a round that is open keeps what it was opened with."""
    st.caption("A round that is open keeps what it was opened with; a rule that is empty is off.")
    values: dict[str, Any] = {}
    with st.form(f"settings-{project.id}", border=False):
        for group, names in GROUPS.items():
            st.subheader(group)
            for place, name in zip(_places(len(names)), names, strict=True):
                with place:
                    values[name] = _field(project, name)
        if st.form_submit_button("Save", type="primary") and session.may(access.EDIT_SETTINGS, project):
            told.act(project, lambda: _save(project, values))
            st.rerun()


def _places(count: int) -> list[Any]:
    return [place for _ in range(0, count, 2) for place in st.columns(2, gap="large")][:count]


def _save(project: Project, values: Mapping[str, Any]) -> str:
    now = replace(project.settings, **values)
    changed = [each.name for each in fields(now) if getattr(now, each.name) != getattr(project.settings, each.name)]
    projects.change_settings(session.workspace(), project.id, now)
    if not changed:
        return "Nothing was changed."
    return f"Saved: {', '.join(title_of(ProjectSettings, name) for name in changed)}."


def _field(project: Project, name: str) -> Any:
    """The widget of a setting, by its kind."""
    hint, value = get_type_hints(ProjectSettings)[name], getattr(project.settings, name)
    common: dict[str, Any] = {
        "label": title_of(ProjectSettings, name),
        "help": meaning_of(ProjectSettings, name),
        "key": f"setting-{name}-{project.id}",
    }
    if name == "strategy":
        captions = {value: "not offered here"} | strategy_captions()
        options = list(captions)
        return st.selectbox(
            **common, options=options, index=options.index(value), format_func=lambda one: f"{one}: {captions[one]}"
        )
    if hint is Suggestion:
        return st.selectbox(**common, options=list(WHEN), index=list(WHEN).index(value), format_func=WHEN.__getitem__)
    if hint is bool:
        return st.checkbox(**common, value=value)
    kinds = get_args(hint) or (hint,)
    kind = next(one for one in kinds if one is not NoneType)
    return st.number_input(**common, value=value, **_range(name, kind), placeholder="off" if NoneType in kinds else "")


def _range(name: str, kind: type) -> dict[str, Any]:
    if not has_bounds(ProjectSettings, name):
        return {}
    bounds = bounds_of(ProjectSettings, name)
    if kind is int:
        return {"min_value": int(bounds.low), "max_value": int(bounds.high), "step": 1}
    small = bounds.high <= 1
    return {
        "min_value": float(bounds.low),
        "max_value": float(bounds.high),
        "step": 0.01 if small else 1.0,
        "format": "%.3f" if small else "%.1f",
    }
