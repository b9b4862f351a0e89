"""What labels were worth against what was expected: by groups of images, and by round."""

from collections.abc import Sequence
from math import isfinite

import altair as alt
import pandas as pd

from alflow.domain.rounds import Origin
from alflow.ui.parts.charts import HEIGHT, SERIES, with_rows
from alflow.workflow.insight.worth import Group, Kept

NAMES = {Origin.STRATEGY: "Strategy's picks", Origin.CONTROL: "Control slice"}
COLOURS = dict(zip(NAMES.values(), SERIES.values(), strict=True))
GROUP_COLUMNS = ["chosen by", "images", "expected", "realised", "low", "high"]
ROUND_COLUMNS = ["round", "labels", "expected", "realised", "ratio", "low", "high"]


def group_table(groups: Sequence[tuple[Origin, Group]]) -> pd.DataFrame:
    """One row a group: gains in nats, with the interval of the realised one."""
    rows = [(NAMES[origin], *group) for origin, group in groups if origin in NAMES]
    return pd.DataFrame(rows, columns=GROUP_COLUMNS)


def round_table(rounds: Sequence[tuple[int, Kept]]) -> pd.DataFrame:
    """One row a round: mean gains in nats, and the ratio with its interval (none with fewer than five labels)."""
    rows = [(number, *(value if isfinite(value) else None for value in each)) for number, each in rounds]
    found = pd.DataFrame(rows, columns=ROUND_COLUMNS)
    few = found["high"].isna()
    found.loc[few, "low"] = None
    return found.dropna(subset="ratio")


def promises(table: pd.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """Realised against expected gain of groups of images, and the line on which both are the same.

    Gains differ by powers of ten, so that both axes are logarithmic; what reaches 0 ends at the lower edge.
    """
    known = table[["expected", "realised", "low", "high"]]
    least, most = float(known.where(known > 0).min().min()) * 0.8, float(known.max().max()) * 1.25
    drawn = table.assign(**{str(name): table[name].clip(lower=least) for name in known})
    present = [name for name in NAMES.values() if name in set(table["chosen by"])]
    color = alt.Color(
        "chosen by:N",
        title=None,
        scale=alt.Scale(domain=present, range=[COLOURS[name] for name in present]),
        legend=alt.Legend(orient="top", direction="horizontal", symbolType="circle"),
    )
    scale, axis = (
        alt.Scale(type="log", domain=[least, most], nice=False),
        alt.Axis(grid=False, format="~g", tickCount=4),
    )
    base = alt.Chart(drawn).encode(
        x=alt.X("expected:Q", title="Expected gain (nats)", axis=axis, scale=scale), color=color
    )
    kept = alt.Chart(pd.DataFrame({"expected": [least, most], "realised": [least, most]}))
    line = kept.mark_line(strokeDash=[4, 4], strokeWidth=1, opacity=0.6).encode(
        x="expected:Q", y="realised:Q", color=alt.value("#888888")
    )
    title = "Realised gain (nats)"
    upright = alt.Axis(grid=False, format="~g", tickCount=4)
    band = base.mark_errorbar(thickness=1.5, opacity=0.55).encode(
        y=alt.Y("low:Q", title=title, axis=upright, scale=scale), y2="high:Q"
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        y=alt.Y("realised:Q", title=title, axis=upright, scale=scale),
        tooltip=[
            alt.Tooltip("chosen by:N", title="Chosen by"),
            alt.Tooltip("images:Q", title="Images"),
            alt.Tooltip("expected:Q", title="Expected", format=".3g"),
            alt.Tooltip("realised:Q", title="Realised", format=".3g"),
            alt.Tooltip("low:Q", title="Interval from", format=".3g"),
            alt.Tooltip("high:Q", title="to", format=".3g"),
        ],
    )
    return alt.layer(line, band, points).properties(height=HEIGHT)


def by_round(table: pd.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """Realised over expected gain of each round, and the line at 1."""
    colour = alt.value(next(iter(SERIES.values())))
    base = alt.Chart(table).encode(
        x=alt.X(
            "round:Q", title="Round", axis=alt.Axis(grid=False, tickMinStep=1, format="d"), scale=alt.Scale(zero=False)
        ),
        color=colour,
    )
    title = "Realised over expected"
    rule = alt.Chart(pd.DataFrame({"ratio": [1]})).mark_rule(strokeDash=[4, 4], opacity=0.6)
    one = rule.encode(y="ratio:Q", color=alt.value("#888888"))
    band = base.transform_filter("isValid(datum.high)").mark_errorbar(thickness=1.5, opacity=0.55)
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        y=alt.Y("ratio:Q", title=title, scale=alt.Scale(domainMin=0)),
        tooltip=[
            alt.Tooltip("round:Q", title="Round"),
            alt.Tooltip("labels:Q", title="Labels"),
            alt.Tooltip("expected:Q", title="Expected, mean", format=".3g"),
            alt.Tooltip("realised:Q", title="Realised, mean", format=".3g"),
            alt.Tooltip("ratio:Q", title="Ratio", format=".2f"),
            alt.Tooltip("low:Q", title="Interval from", format=".2f"),
            alt.Tooltip("high:Q", title="to", format=".2f"),
        ],
    )
    line = base.mark_line(strokeWidth=2).encode(y="ratio:Q")
    bands = with_rows(table, "high", band.encode(y=alt.Y("low:Q", title=title), y2="high:Q"))
    return alt.layer(one, *bands, line, points).properties(height=HEIGHT)
