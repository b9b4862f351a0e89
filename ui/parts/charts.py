"""Learning curves: a metric over the number of labels, with its interval, on the test split and the control slice."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from alflow.domain.rounds import Evaluation

SPLITS = {"test": "Test split", "control": "Control slice"}
SERIES = {"Test split": "#179c8c", "Control slice": "#d08a1d"}  # legible on both papers, also to the colour-blind
MANY = ["#179c8c", "#d08a1d", "#8f6fd1", "#d2608f", "#4b8fd6", "#7f9c2e", "#c2593f", "#8b8f97"]
"""For series that have no colour of their own."""
HEIGHT = 300
COLUMNS = ["labels", "round", "split", "value", "low", "high", "items"]


def curve_table(evaluations: Sequence[Evaluation], metric: str) -> pd.DataFrame:
    """One row per point: labels, round, split, value, low, high, items; rounds without the metric are left out."""
    rows = [
        {
            "labels": each.n_labels,
            "round": each.round_number,
            "split": SPLITS.get(each.split, each.split),
            "value": each.metrics[metric][0],
            "low": each.metrics[metric][1],
            "high": each.metrics[metric][2],
            "items": each.n_items,
        }
        for each in evaluations
        if metric in each.metrics
    ]
    return pd.DataFrame(rows, columns=["labels", "round", "split", "value", "low", "high", "items"]).dropna(
        subset="value"
    )


def learning_curve(
    evaluations: Sequence[Evaluation], metric: str, title: str, form: str
) -> alt.LayerChart | alt.FacetChart:
    """The curve of one metric; `form` is its number format (d3)."""
    table = curve_table(evaluations, metric)
    present = [name for name in SPLITS.values() if name in set(table["split"])]
    color = alt.Color(
        "split:N",
        title=None,
        scale=alt.Scale(domain=present, range=[SERIES[name] for name in present]),
        legend=alt.Legend(orient="top", direction="horizontal", symbolType="circle", symbolOpacity=1),
    )
    base = alt.Chart(table).encode(
        x=alt.X("labels:Q", title="Labels", axis=alt.Axis(grid=False, tickMinStep=1, format="d")),
        color=color,
    )
    value = alt.Y("value:Q", title=title, axis=alt.Axis(format=form), scale=alt.Scale(zero=False))
    band = base.mark_errorbar(thickness=1.5, opacity=0.55).encode(y=alt.Y("low:Q", title=title), y2="high:Q")
    line = base.mark_line(strokeWidth=2).encode(y=value)
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        y=value,
        tooltip=[
            alt.Tooltip("split:N", title="Evaluated on"),
            alt.Tooltip("round:Q", title="Round"),
            alt.Tooltip("labels:Q", title="Labels"),
            alt.Tooltip("value:Q", title=title, format=form),
            alt.Tooltip("low:Q", title="Interval from", format=form),
            alt.Tooltip("high:Q", title="to", format=form),
            alt.Tooltip("items:Q", title="Images"),
        ],
    )
    return alt.layer(*with_rows(table, "high", band), line, points).properties(height=HEIGHT)


def with_rows(table: pd.DataFrame, column: str, layer: alt.Chart) -> list[alt.Chart]:
    """The layer, unless nothing of its column is known: Vega calls an empty one a picture, which then has no name."""
    return [layer] if table[column].notna().any() else []
