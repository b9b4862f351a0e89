"""Charts of a model's figures: reliability, risk, confusions, classes, uncertainty, cost. Each returns its data too."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Final

import altair as alt
import pandas as pd

from alflow.ids import ClassId
from alflow.workflow.insight.cost import Cost
from alflow.workflow.insight.evaluated import Evaluated
from alflow.workflow.insight.figures import Confusions, Histogram, classes_of, reliability_of, risk_of

HEIGHT: Final = 320
WAYS: Final = {"raw": "Raw", "temperature": "Temperature", "shown": "Shown"}
COLOURS: Final = {"Raw": "#8b8f97", "Temperature": "#d08a1d", "Shown": "#179c8c"}
PAIR: Final = ("#179c8c", "#d08a1d")
"""Of the model that is looked at, and of the one beside it."""

_RIGHT, _WRONG = ("#cfe9e4", "#3fb5a5"), ("#f3ddd2", "#de8058")
"""From few to all of a row; dark figures can be read on each, on both papers."""

_SHOWN_CLASSES: Final = 25

Chart = alt.TopLevelMixin
Drawn = tuple[Chart, pd.DataFrame]


def reliability(one: Evaluated) -> Drawn:
    """Accuracy of each bin of confidence, with its interval, and how many images of what is shown are in it."""
    rows = [
        {
            "prediction": WAYS[way], "confidence": each.confidence, "accuracy": each.accuracy,
            "from": each.accuracy_low, "to": each.accuracy_high, "images": each.items,
            "bin from": each.low, "bin to": each.high,
        }
        for way, bins in reliability_of(one).items()
        for each in bins
    ]  # fmt: skip
    data = pd.DataFrame(rows)
    ways = [WAYS[way] for way in one.ways]
    unit = alt.Scale(domain=[0, 1])
    x = alt.X("confidence:Q", title="Mean confidence", scale=unit, axis=alt.Axis(format=".0%", grid=False))
    y = alt.Y("accuracy:Q", title="Accuracy", scale=unit, axis=_percent(orient="left"))
    base = alt.Chart(data).encode(x=x, color=_color("prediction", ways, [COLOURS[way] for way in ways]))
    diagonal = alt.Chart(pd.DataFrame({"confidence": [0, 1], "accuracy": [0, 1]})).mark_line(
        strokeDash=[4, 4], color="#888", strokeWidth=1
    )
    intervals = base.mark_errorbar(thickness=1.5, opacity=0.6).encode(y=alt.Y("from:Q", title="Accuracy"), y2="to:Q")
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        y=y, shape=_shape("prediction", ways),
        tooltip=["prediction:N", "images:Q", *(alt.Tooltip(f"{name}:Q", format=".1%") for name in
                 ("confidence", "accuracy", "from", "to"))],
    )  # fmt: skip
    counts = (
        alt
        .Chart(data[data["prediction"] == WAYS["shown"]])
        .mark_rect(color="#8b8f97", opacity=0.22)
        .encode(
            x=alt.X("bin from:Q", scale=unit),
            x2="bin to:Q",
            y=alt.Y(
                "images:Q",
                title="Images (bars)",
                scale=alt.Scale(domain=[0, 3 * max(1, int(data["images"].max()))]),
                axis=alt.Axis(grid=False, tickCount=4, format="d", orient="right"),
            ),
            y2=alt.datum(0),
        )
    )
    over = alt.layer(diagonal.encode(x=x, y=y), intervals, points)
    return alt.layer(counts, over).resolve_scale(y="independent").properties(height=HEIGHT), data


def risk(named: Mapping[str, Evaluated]) -> Drawn:
    """Error rate among the most confident images: all ways of the first model, what is shown of the others."""
    rows = [
        {
            "prediction": WAYS[way], "model": name, "coverage": each.coverage, "error rate": each.risk,
            "from": each.risk_low, "to": each.risk_high, "images": each.items, "confidence from": each.confidence,
        }
        for place, (name, one) in enumerate(named.items())
        for way, curve in risk_of(one).items()
        if not place or way == "shown"
        for each in curve
    ]  # fmt: skip
    data = pd.DataFrame(rows)
    ways = [WAYS[way] for way in next(iter(named.values())).ways]
    base = alt.Chart(data).encode(
        x=alt.X("coverage:Q", title="Coverage: share of images, the most confident first", axis=_percent(grid=False)),
        color=_color("prediction", ways, [COLOURS[way] for way in ways]),
    )
    dash = alt.StrokeDash(
        "model:N", title=None, scale=alt.Scale(domain=list(named), range=[[1, 0], [5, 4]]), legend=_legend()
    )
    y = alt.Y("error rate:Q", title="Error rate", axis=_percent())
    first = alt.datum.prediction == WAYS["shown"]
    band = (
        base
        .transform_filter(first & (alt.datum.model == next(iter(named))))
        .mark_area(opacity=0.13)
        .encode(y=alt.Y("from:Q", title="Error rate"), y2="to:Q")
    )
    lines = base.mark_line(strokeWidth=2).encode(y=y, strokeDash=dash)
    dots = base.mark_point(size=40, opacity=0, filled=True).encode(
        y=y,
        tooltip=["model:N", "prediction:N", "images:Q", *(alt.Tooltip(f"{name}:Q", format=".1%") for name in
                 ("coverage", "error rate", "from", "to", "confidence from"))],
    )  # fmt: skip
    return alt.layer(band, lines, dots).properties(height=HEIGHT), data


def confusion(found: Confusions, names: Mapping[ClassId, str]) -> Drawn:
    """A heat map: the darker a cell, the larger its share of the images of its class."""
    order = [_unlike(names, class_id) for class_id in found.class_ids]
    rows = [
        {
            "class": truth, "predicted as": predicted, "images": n,
            "share of the class": n / max(1, sum(row) + elsewhere), "is": "right" if truth == predicted else "wrong",
        }
        for truth, row, elsewhere in zip(order, found.counts, found.elsewhere, strict=True)
        for predicted, n in zip(order, row, strict=True)
        if n
    ]  # fmt: skip
    data = pd.DataFrame(rows, columns=["class", "predicted as", "images", "share of the class", "is"])
    axis = alt.Axis(labelLimit=140, labelOverlap=False, domain=False, ticks=False)
    place = {
        "x": alt.X("predicted as:N", title="Predicted as", scale=alt.Scale(domain=order), axis=axis),
        "y": alt.Y("class:N", title="Class", scale=alt.Scale(domain=order), axis=axis),
        "tooltip": ["class:N", "predicted as:N", "images:Q", alt.Tooltip("share of the class:Q", format=".1%")],
    }
    shades = {"right": _RIGHT, "wrong": _WRONG}
    layers = [
        alt
        .Chart(part)
        .mark_rect(cornerRadius=2)
        .encode(
            color=alt.Color(
                "share of the class:Q",
                scale=alt.Scale(domain=[0, 1], range=shades[str(kind)], type="sqrt"),
                legend=None,
            ),
            **place,
        )
        for kind, part in data.groupby("is")  # a layer without a mark has nothing to say to a screen reader
    ]
    numbers = alt.Chart(data).mark_text(color="#1d1c1a", fontSize=11).encode(text="images:Q", **place)
    chart = alt.layer(*layers, numbers).resolve_scale(color="independent")
    return chart.properties(height=26 * len(order) + 190), data


def classes(named: Mapping[str, Evaluated], names: Mapping[ClassId, str]) -> Drawn:
    """Accuracy of the classes with its interval, the least accurate of the first model on top."""
    by_model = {name: {one.class_ids[each.column]: each for each in classes_of(one)} for name, one in named.items()}
    first = next(iter(by_model.values()))
    known = (class_id for class_id, each in first.items() if each.support)
    worst = sorted(known, key=lambda class_id: (first[class_id].accuracy, -first[class_id].support))
    order = [_unlike(names, class_id) for class_id in worst[:_SHOWN_CLASSES]]
    rows = [
        {
            "model": name, "class": _unlike(names, i), "images": found[i].support, "accuracy": found[i].accuracy,
            "from": found[i].accuracy_low, "to": found[i].accuracy_high,
        }
        for name, found in by_model.items()
        for i in worst[:_SHOWN_CLASSES]
        if i in found and isfinite(found[i].accuracy)
    ]  # fmt: skip
    data = pd.DataFrame(rows, columns=["model", "class", "images", "accuracy", "from", "to"])
    base = alt.Chart(data).encode(
        y=alt.Y("class:N", title=None, sort=order, axis=alt.Axis(labelLimit=180)),
        yOffset=alt.YOffset("model:N", sort=list(named)),
        color=_color("model", list(named), list(PAIR)),
    )
    unit = alt.Scale(domain=[0, 1])
    bars = base.mark_rule(strokeWidth=1.5, opacity=0.6).encode(x=alt.X("from:Q", scale=unit), x2="to:Q")
    points = base.mark_point(filled=True, size=60, opacity=1).encode(
        x=alt.X("accuracy:Q", title="Accuracy", scale=unit, axis=_percent()), shape=_shape("model", list(named)),
        tooltip=["model:N", "class:N", "images:Q", *(alt.Tooltip(f"{name}:Q", format=".1%") for name in
                 ("accuracy", "from", "to"))],
    )  # fmt: skip
    return alt.layer(bars, points).properties(height=max(120, 30 * len(order) + 60)), data


def histogram(named: Mapping[str, Histogram], part: str) -> Drawn:
    """How many images have how much of a part of the uncertainty, in two rounds."""
    rows = [
        {"model": name, "nats from": low, "nats to": high, "images": n}
        for name, one in named.items()
        for low, high, n in zip(one.edges, one.edges[1:], one.counts, strict=False)
    ]
    data = pd.DataFrame(rows)
    color = _color("model", list(named), list(PAIR))
    base = alt.Chart(data).encode(color=color)
    areas = base.mark_area(opacity=0.25, interpolate="step-after", line={"strokeWidth": 2}).encode(
        x=alt.X("nats from:Q", title=f"{part.capitalize()} (nats)", axis=alt.Axis(grid=False)),
        y=alt.Y("images:Q", title="Images", stack=None, axis=alt.Axis(format="~s")),
        tooltip=[
            "model:N",
            alt.Tooltip("nats from:Q", format=".3f"),
            alt.Tooltip("nats to:Q", format=".3f"),
            "images:Q",
        ],
    )
    means = pd.DataFrame([{"model": name, "mean": one.mean} for name, one in named.items()])
    rules = (
        alt
        .Chart(means)
        .mark_rule(strokeWidth=2, strokeDash=[4, 3])
        .encode(
            x="mean:Q",
            color=_color("model", list(named), list(PAIR)),
            tooltip=["model:N", alt.Tooltip("mean:Q", format=".3f")],
        )
    )
    return alt.layer(areas, rules).properties(height=240), data


def cost(found: Cost) -> Drawn:
    """The time that answers took by round: in minutes while no round took an hour."""
    unit, seconds = ("minutes", 60) if all(each.hours < 1 for each in found.rounds) else ("hours", 3600)
    rows = [
        {"round": each.name or "none", "answers": each.answers, unit: each.seconds / seconds,
         "seconds an answer": each.seconds / each.answers}
        for each in found.rounds
    ]  # fmt: skip
    data = pd.DataFrame(rows)
    bars = (
        alt
        .Chart(data)
        .mark_bar(color=PAIR[0], cornerRadiusEnd=3)
        .encode(
            x=alt.X("round:N", title="Round", sort=list(data["round"]), axis=alt.Axis(labelAngle=0)),
            y=alt.Y(f"{unit}:Q", title=unit.capitalize()),
            tooltip=["round:N", "answers:Q", alt.Tooltip(f"{unit}:Q", format=".2f"),
                     alt.Tooltip("seconds an answer:Q", format=".1f")],
        )
    )  # fmt: skip
    return bars.properties(height=240), data


def _unlike(names: Mapping[ClassId, str], class_id: ClassId) -> str:
    """The shown name; where two classes share it, with the id: an axis must keep them apart."""
    name = names.get(class_id, "?")
    return f"{name} ({class_id})" if sum(other == name for other in names.values()) > 1 else name


def _color(field: str, domain: Sequence[str], colours: Sequence[str]) -> alt.Color:
    scale = alt.Scale(domain=list(domain), range=list(colours[: len(domain)]))
    return alt.Color(f"{field}:N", title=None, scale=scale, legend=_legend())


def _shape(field: str, domain: Sequence[str]) -> alt.Shape:
    """Not by colour alone."""
    shapes = ["circle", "square", "triangle-up"][: len(domain)]
    return alt.Shape(f"{field}:N", title=None, scale=alt.Scale(domain=list(domain), range=shapes), legend=_legend())


def _legend() -> alt.Legend:
    return alt.Legend(orient="top", direction="horizontal")


def _percent(**options: Any) -> alt.Axis:
    return alt.Axis(format=".0%", **options)
