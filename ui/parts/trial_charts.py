"""Charts of back-tests: learning curves with paired bands, and expected against realised gains of batches."""

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from alflow.ui.parts.charts import MANY
from alflow.workflow.backtests.comparison import CurvePoint

HEIGHT = 340


def paired_table(points: Sequence[CurvePoint]) -> pd.DataFrame:
    """One row per point: strategy, labels, value, low, high."""
    rows = [(each.strategy, each.labels, each.mean, each.low, each.high) for each in points]
    return pd.DataFrame(rows, columns=["strategy", "labels", "value", "low", "high"])


def paired_curves(points: Sequence[CurvePoint], title: str, form: str) -> alt.LayerChart | alt.FacetChart:
    """One line per strategy; `form` is the number format (d3) of the measure."""
    table = paired_table(points)
    legend = alt.Legend(orient="top", symbolType="circle", symbolOpacity=1, columns=6)
    color = alt.Color("strategy:N", title=None, scale=alt.Scale(range=MANY), legend=legend)
    base = alt.Chart(table).encode(
        x=alt.X("labels:Q", title="Labels", axis=alt.Axis(grid=False, tickMinStep=1, format="d")), color=color
    )
    scale = alt.Scale(zero=False)
    band = base.mark_area(opacity=0.15).encode(y=alt.Y("low:Q", title=title, scale=scale), y2="high:Q")
    line = base.mark_line(strokeWidth=2).encode(
        y=alt.Y("value:Q", title=title, axis=alt.Axis(format=form), scale=scale)
    )
    dots = base.mark_point(filled=True, size=50, opacity=1).encode(
        y="value:Q",
        tooltip=[
            alt.Tooltip("strategy:N", title="Strategy"),
            alt.Tooltip("labels:Q", title="Labels"),
            alt.Tooltip("value:Q", title=title, format=form),
            alt.Tooltip("low:Q", title="Band from", format=form),
            alt.Tooltip("high:Q", title="to", format=form),
        ],
    )
    return alt.layer(band, line, dots).properties(height=HEIGHT)


def gains_table(rows: Sequence[Mapping[str, float | int | str]]) -> pd.DataFrame:
    """One row per batch: seed, labels, information, gain."""
    return pd.DataFrame(list(rows), columns=["seed", "labels", "information", "gain"])


def gains(table: pd.DataFrame, slope: float) -> alt.LayerChart | alt.FacetChart:
    """Expected information against realised gain, one point a round, and the line that calibrates it."""
    points = (
        alt
        .Chart(table)
        .mark_point(filled=True, size=50, opacity=0.7)
        .encode(
            x=alt.X("information:Q", title="Expected: sum of the scores of the batch"),
            y=alt.Y("gain:Q", title="Realised: gain in accuracy", axis=alt.Axis(format="+.1%")),
            color=alt.Color("labels:O", title="Labels after the batch", scale=alt.Scale(scheme="teals")),
            tooltip=["seed:O", "labels:Q", "information:Q", alt.Tooltip("gain:Q", format="+.2%")],
        )
    )
    largest = float(table["information"].max()) if len(table) else 0.0
    fitted = pd.DataFrame({"information": [0.0, largest], "gain": [0.0, slope * largest]})
    line = alt.Chart(fitted).mark_line(strokeDash=[4, 4], color="#888").encode(x="information:Q", y="gain:Q")
    return alt.layer(line, points).properties(height=HEIGHT)
