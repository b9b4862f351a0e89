"""Slices on a page: how well the model after each round knows the images of each."""

from collections.abc import Sequence

import altair as alt
import pandas as pd
import streamlit as st

from alflow.domain.projects import Project
from alflow.errors import AlflowError
from alflow.ui.door import access
from alflow.ui.parts import session
from alflow.ui.parts.charts import HEIGHT
from alflow.ui.parts.figure import figure
from alflow.ui.parts.tables import table
from alflow.workflow.insight import slices
from alflow.workflow.insight.slices import SliceReport


def show_slices(project: Project) -> None:
    """Below the map: every slice by round, as curves and as a table, and a way to remove one."""
    st.subheader("Slices")
    reports = slices.slice_reports(session.workspace(), project.id)
    if not reports:
        st.write(
            "There is no slice yet. Select images on the map, by lasso or by group, and save them under a name: the "
            "model after every round is then evaluated on them."
        )
        return
    rows = _rows(reports)
    curves = rows.dropna(subset="Accuracy")
    if len(curves):
        figure(
            _curves(curves),
            key="slices",
            data=curves,
            reading="Accuracy of the model after each round on the images of a slice whose class is known; the bars "
            "are 95% intervals. A slice whose line stays low needs labels, or other prompts.",
        )
    table(rows, "slices", column_config=_COLUMNS)
    st.caption(
        "Known are test images with a class, and images that were first answered after the round was closed, so that "
        "no model is evaluated on what it was fitted to. The second kind differs from round to round."
    )
    if session.may(access.MAKE_SLICES):
        left, right = st.columns([1, 3], vertical_alignment="bottom")
        name = left.selectbox("Slice", [one.slice.name for one in reports])
        right.button("Remove this slice", on_click=lambda: _remove(project, name))


def _remove(project: Project, name: str) -> None:
    if not session.may(access.MAKE_SLICES, project):
        return
    try:
        slices.remove_slice(session.workspace(), project.id, name)
    except AlflowError:  # somebody else was faster
        return


def _rows(reports: Sequence[SliceReport]) -> pd.DataFrame:
    rows = []
    for report in reports:
        for each in report.evaluations or (None,):
            accuracy = each.metrics.get("accuracy") if each else None
            nlpd = each.metrics.get("nlpd") if each else None
            rows.append({
                "Slice": report.slice.name,
                "Images": report.images,
                "After round": each.round_number if each else None,
                "Test images": each.n_test if each else None,
                "Labelled later": each.n_later if each else None,
                "Accuracy": accuracy[0] if accuracy else None,
                "From": accuracy[1] if accuracy else None,
                "To": accuracy[2] if accuracy else None,
                "NLPD": nlpd[0] if nlpd else None,
            })
    return pd.DataFrame(rows)


_COLUMNS = {
    "Test images": st.column_config.NumberColumn(help="Of this slice, with a known class"),
    "Labelled later": st.column_config.NumberColumn(help="First answered after the round was closed"),
    "Accuracy": st.column_config.NumberColumn(format="percent"),
    "From": st.column_config.NumberColumn(format="percent", help="95% interval of the accuracy"),
    "To": st.column_config.NumberColumn(format="percent", help="95% interval of the accuracy"),
    "NLPD": st.column_config.NumberColumn(format="%.3f", help="Negative log predictive density, in nats"),
}


def _curves(rows: pd.DataFrame) -> alt.LayerChart | alt.FacetChart:
    base = alt.Chart(rows).encode(
        x=alt.X("After round:O", title="After round", axis=alt.Axis(labelAngle=0)),
        color=alt.Color("Slice:N", title=None, legend=alt.Legend(orient="top"), scale=alt.Scale(range=_SERIES)),
    )
    value = alt.Y("Accuracy:Q", title="Accuracy", axis=alt.Axis(format=".0%"), scale=alt.Scale(domain=[0, 1]))
    bars = base.mark_rule(opacity=0.5).encode(y=alt.Y("From:Q", title="Accuracy"), y2="To:Q")
    line = base.mark_line(strokeWidth=2).encode(y=value)
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        y=value,
        shape=alt.Shape("Slice:N", title=None),
        tooltip=[
            "Slice:N",
            "After round:O",
            alt.Tooltip("Accuracy:Q", format=".1%"),
            "Test images:Q",
            "Labelled later:Q",
        ],
    )
    return alt.layer(bars, line, points).properties(height=HEIGHT)


_SERIES = ["#179c8c", "#d08a1d", "#8a63c9", "#c2577f", "#4f86c6", "#8a8f3c"]  # legible on both papers
