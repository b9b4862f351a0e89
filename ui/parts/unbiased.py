"""What holds of the whole pool, whatever the strategy chose: estimates with intervals, and how many labels to draw."""

from math import isnan
from typing import Any, Final, Protocol

import pandas as pd
import streamlit as st

from alflow.domain.projects import Project
from alflow.errors import AlflowError
from alflow.ui.parts import session
from alflow.ui.parts.tables import table
from alflow.workflow.answers.unbiased import Unbiased
from alflow.workflow.answers.unbiased import unbiased as estimate
from alflow.workflow.projects import projects


class _Ends(Protocol):
    """What is read of an estimate."""

    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


WIDTHS = {"±10%": 0.1, "±5%": 0.05, "±3%": 0.03, "±2%": 0.02, "±1%": 0.01}


def unbiased(project: Project) -> None:
    """The section: accuracy, calibration and class shares of the pool."""
    st.subheader("The whole pool")
    try:
        found = estimate(session.workspace(), project.id)
    except AlflowError as error:
        st.info(session.sentence(error))
        return
    if not found.n_slice:
        st.info(
            "No random image of the pool is answered yet. The control slice of a round counts once all of it is "
            "answered; it is drawn while the setting control_fraction is above 0."
        )
    else:
        _figures(found)
        _shares(project, found)
    _advice(project, found)


def _figures(found: Unbiased) -> None:
    accuracy, confidence, gap, labels = st.columns(4)
    accuracy.metric("Accuracy", f"{found.accuracy.value:.1%}", _ends(found.accuracy), **_QUIET)
    confidence.metric("Mean confidence", f"{found.confidence:.1%}", "of every image", **_QUIET)
    gap.metric(
        "Overconfidence",
        f"{100 * found.overconfidence.value:+.1f} points",
        _ends(found.overconfidence, sign="+"),
        help="Mean confidence less accuracy: above 0 the model is surer than it is right. An expected calibration "
        "error of so few labels would be too large by chance, so none is shown.",
        **_QUIET,
    )
    weighted = f"and {found.n_weighted} picks with weights" if found.n_weighted else "none chosen by the strategy"
    labels.metric("Random labels", found.n_slice, weighted, **_QUIET)
    st.caption(
        "Estimated from images that were drawn at random, with 95% intervals, so that the strategy's choice biases "
        "nothing. The model is the one after the newest closed round, fitted without the labels that it is judged by."
    )


def _shares(project: Project, found: Unbiased) -> None:
    names = {one.id: one.display_name for one in projects.project_classes(session.workspace(), project.id)}
    rows = [
        {"Class": names.get(class_id, "?"), "Share of the pool": share.value, "From": share.low, "To": share.high}
        for class_id, share in sorted(found.shares.items(), key=lambda pair: -pair[1].value)
    ]
    if found.without_class.value > 0:
        rows.append({
            "Class": "without a class",
            "Share of the pool": found.without_class.value,
            "From": found.without_class.low,
            "To": found.without_class.high,
        })
    with st.expander(f"Shares of the {len(found.shares)} classes in the pool"):
        table(pd.DataFrame(rows), "shares", column_config=_COLUMNS)


def _advice(project: Project, found: Unbiased) -> None:
    left, right = st.columns([1, 3], vertical_alignment="bottom")
    wanted = left.selectbox("Wanted for the accuracy", list(WIDTHS), index=2, key=f"width-{project.id}")
    size = found.wanted(WIDTHS[wanted])
    missing = max(0, size - int(found.accuracy.images))
    more = f"{missing:,} more than there are" if missing else "as many as there are, or fewer"
    right.markdown(
        f"An interval of {wanted} takes about **{size:,} random labels**: {more}. With a budget of "
        f"{project.settings.budget} and a control fraction of {project.settings.control_fraction:.0%}, "
        f"{_rounds(project, missing)}."
    )


def _rounds(project: Project, missing: int) -> str:
    each = project.settings.budget * project.settings.control_fraction
    if not missing:
        return "no further round is needed for that"
    if not each:
        return "no round brings any"
    return f"that is {-(-missing // max(1, round(each))):,} more rounds"


def _ends(share: _Ends, sign: str = "") -> str:
    return "" if isnan(share.low) else f"{100 * share.low:{sign}.1f} to {100 * share.high:{sign}.1f}%"


_QUIET: Final[dict[str, Any]] = {"delta_color": "off", "delta_arrow": "off", "border": True, "height": "stretch"}
_COLUMNS: Final = {
    "Share of the pool": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
    "From": st.column_config.NumberColumn(format="percent"),
    "To": st.column_config.NumberColumn(format="percent"),
}
