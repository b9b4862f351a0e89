"""Sections of the Model page about images whose class is known: calibration, confusions, classes."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Final

import pandas as pd
import streamlit as st

from alflow.domain.projects import ClassLabel, Project
from alflow.ids import ClassId
from alflow.ui.components.gallery import Bar, Card, gallery
from alflow.ui.parts import model_charts
from alflow.ui.parts.figure import figure
from alflow.ui.parts.images import image_address
from alflow.ui.parts.tables import table
from alflow.workflow.insight import figures
from alflow.workflow.insight.evaluated import Evaluated
from alflow.workflow.insight.figures import Confusions, PredictedImage

IMAGES: Final = 24
"""Of a cell, at first."""

Names = Mapping[ClassId, str]
Pair = Mapping[str, Evaluated | None]
"""By what it is called: the model that is looked at, and the one beside it."""

_METRICS: Final = {
    "accuracy": ("Accuracy", ".1%"),
    "nlpd": ("NLPD (nats)", ".3f"),
    "ece": ("ECE", ".1%"),
    "brier": ("Brier score", ".3f"),
    "aurc": ("Area under risk", ".3f"),
}
_RISKS: Final = (0.01, 0.02, 0.05, 0.1)


def calibration(pair: Pair) -> None:
    """Metrics, reliability and risk of each model."""
    known = {name: one for name, one in pair.items() if one is not None}
    table([row for name, one in known.items() for row in _metrics(name, one)], "metrics")
    st.caption(
        "Raw: the pretrained model at its own scale, the same at every round. Temperature: the logits of the round's "
        "model over one temperature, fitted to labels of these very images in five folds; the other two never see "
        "these labels. Shown: what the project shows and acts on. Brackets hold 95% intervals (bootstrap)."
    )
    for column, (name, one) in zip(st.columns(len(pair), gap="large"), pair.items(), strict=True):
        with column:
            st.subheader(name.capitalize())
            _reliability(one)
    _risk(known)


def _metrics(name: str, one: Evaluated) -> list[dict[str, str]]:
    return [
        {"Model": name.capitalize(), "Prediction": model_charts.WAYS[way]}
        | {title: _interval(one.metrics[way].get(key), form) for key, (title, form) in _METRICS.items()}
        for way in one.ways
    ]


def _reliability(one: Evaluated | None) -> None:
    if one is None:
        st.caption("No image of this split has a known class here.")
        return
    temperature = "" if one.temperature is None else f" The temperature is {one.temperature:.2f} on average."
    chart, data = model_charts.reliability(one)
    figure(
        chart,
        key=f"reliability-{one.number}",
        data=data,
        reading=f"{len(one):,} images in bins of confidence. A model is calibrated where its points lie on the dashed "
        "line; below it, it is surer than it is right. Lines are 95% intervals (Wilson). Bars count the images of "
        f"what is shown.{temperature}",
    )


def _risk(known: Mapping[str, Evaluated]) -> None:
    st.subheader("Risk against coverage")
    chart, data = model_charts.risk(known)
    left, right = st.columns([3, 2], gap="large")
    with left:
        figure(
            chart,
            key="risk",
            data=data,
            reading="The error rate among the most confident images, from few of them to all: the lower, the better "
            "confidence tells right from wrong. The band is the 95% interval of what the chosen model shows, at each "
            "coverage by itself.",
        )
    with right:
        rows = []
        for risk in _RISKS:
            row: dict[str, object] = {"Error rate at most": f"{risk:.0%}"}
            for name, one in known.items():
                found = figures.covered_at(figures.risk_of(one)["shown"], risk)
                told = "none" if found is None else f"{found.coverage:.1%} (above {found.confidence:.0%})"
                row[name.capitalize()] = told
            rows.append(row)
        table(rows, "coverage")
        st.caption(
            "The largest share of these images, by what is shown, that has so few errors, and the confidence it begins "
            "at. It is what was seen on them, not a promise about others."
        )


def confusions(project: Project, pair: Pair, classes: Sequence[ClassLabel]) -> None:
    """The matrix of each model, and the images of a cell of the first."""
    names = {each.id: each.display_name for each in classes}
    found = {name: None if one is None else figures.confusions(one) for name, one in pair.items()}
    for column, (name, matrix) in zip(st.columns(len(pair), gap="large"), found.items(), strict=True):
        with column:
            st.subheader(name.capitalize())
            if matrix is None:
                st.caption("No image of this split has a known class here.")
                continue
            chart, data = model_charts.confusion(matrix, names)
            figure(chart, key=f"confusion-{'-'.join(name.split())}", data=data, reading=_how_to_read(matrix))
    first, matrix = next(iter(pair.values())), next(iter(found.values()))
    if first is not None and matrix is not None:
        _cell(project, first, matrix, names)


def _how_to_read(found: Confusions) -> str:
    part = ""
    if found.n_classes > len(found.class_ids):
        part = (
            f" These are the {len(found.class_ids)} most confused of {found.n_classes:,} classes: those of the most "
            f"frequent mistakes. {sum(found.elsewhere):,} of their images are predicted as a class that is not shown."
        )
    return (
        "Images by known class (rows) and prediction (columns); right ones are green. The stronger a cell, the larger "
        f"its share of its row. Empty cells have none.{part}"
    )


def _cell(project: Project, one: Evaluated, found: Confusions, names: Names) -> None:
    st.subheader("Images behind a cell")
    choices: list[tuple[ClassId | None, ClassId | None, int]] = [
        (one.class_ids[each.truth], one.class_ids[each.predicted], each.items) for each in found.mistakes
    ]
    if not choices:
        st.caption("Every one of these images is predicted right.")
    wrong = sum(n for _, _, n in choices) if found.n_mistakes <= len(choices) else _n_wrong(one)
    offered = [*choices, (None, None, wrong)] if choices else [(None, None, 0)]
    left, middle, right = st.columns([3, 2, 2], vertical_alignment="bottom")
    chosen = left.selectbox(
        "Mistakes, the most frequent first",
        offered,
        format_func=lambda each: _mistake(each, names),
        key=f"model-mistake-{project.id}",
    )
    ids = [None, *(class_id for class_id in one.class_ids if class_id in names)]
    truth = middle.selectbox(
        "Or any cell: class", ids, format_func=lambda each: _any(each, names), key=f"model-truth-{project.id}"
    )
    predicted = right.selectbox(
        "predicted as", ids, format_func=lambda each: _any(each, names), key=f"model-predicted-{project.id}"
    )
    only_wrong = truth is None and predicted is None
    if only_wrong:
        truth, predicted = chosen[:2]
    key = f"cell-{project.id}-{one.number}-{one.split}-{truth}-{predicted}"
    limit = IMAGES * st.session_state.get(f"more-{key}", 1)
    images, n = figures.images_of(one, truth, predicted, only_wrong=only_wrong, limit=limit)
    st.caption(f"{len(images):,} of {n:,} images, those first whose prediction is the most confident.")
    gallery([_card(project, each, place, names) for place, each in enumerate(images, 1)], key=f"{key}-{limit}")
    if len(images) < n:
        st.button("Show more", on_click=_more, args=(key,), icon=":material/expand_more:")


def _more(key: str) -> None:
    st.session_state[f"more-{key}"] = st.session_state.get(f"more-{key}", 1) + 1


def _n_wrong(one: Evaluated) -> int:
    return figures.images_of(one, None, None, only_wrong=True, limit=0)[1]


def _mistake(each: tuple[ClassId | None, ClassId | None, int], names: Names) -> str:
    truth, predicted, n = each
    if truth is None or predicted is None:
        return f"All mistakes: {n:,}"
    return f"{names.get(truth, '?')}, predicted as {names.get(predicted, '?')}: {n:,}"


def _any(class_id: ClassId | None, names: Names) -> str:
    return "any" if class_id is None else names.get(class_id, "?")


def _card(project: Project, one: PredictedImage, place: int, names: Names) -> Card:
    known, predicted = (names.get(each, "?") for each in (one.class_id, one.predicted_class_id))
    is_right = one.class_id == one.predicted_class_id
    believed = [Bar(name=predicted, value=one.confidence)]
    return Card(
        image=image_address(project.id, one.item_id, "thumbnail"),
        rank=place,
        origin="strategy",  # no badge
        believed=believed if is_right else [*believed, Bar(name=known, value=one.density)],
        facts=[("Known class", known), ("Predicted", predicted)],
        answers=[known],
        verdict="agrees" if is_right else "differs",
    )


def by_class(pair: Pair, classes: Sequence[ClassLabel]) -> None:
    """Accuracy, support and calibration of every class."""
    names = {each.id: each.display_name for each in classes}
    known = {name: one for name, one in pair.items() if one is not None}
    if not known:
        return
    chart, data = model_charts.classes(known, names)
    n = sum(each.support > 0 for each in figures.classes_of(next(iter(known.values()))))
    part = f" The {len(set(data['class']))} least accurate of {n:,} classes with images." if n > 25 else ""
    figure(
        chart,
        key="classes",
        data=data,
        reading=f"The share of each class's images that is predicted right, with its 95% interval (Wilson).{part}",
    )
    beside = {f"Accuracy {name}": _PERCENT for name in [*known][1:]}
    table(_class_rows(known, names), "classes", column_config=_COLUMNS | beside)
    st.caption(
        "Overconfidence: mean confidence less the share that is right, among the images that are predicted as the "
        "class. Where its whole interval is above 0, the model is surer of this class than it is right. Brackets hold "
        "95% intervals (Wilson)."
    )


def _class_rows(known: Mapping[str, Evaluated], names: Names) -> pd.DataFrame:
    first, *others = known.items()
    beside = {name: {one.class_ids[e.column]: e for e in figures.classes_of(one)} for name, one in others}
    rows = []
    for each in figures.classes_of(first[1]):
        class_id = first[1].class_ids[each.column]
        row: dict[str, object] = {
            "Class": names.get(class_id, "?"),
            "Images": each.support,
            "Accuracy": _percent(each.accuracy),
            "Accuracy interval": _ends(each.accuracy_low, each.accuracy_high),
        }
        for name, found in beside.items():
            row[f"Accuracy {name}"] = _percent(found[class_id].accuracy) if class_id in found else None
        row |= {
            "Predicted": each.predicted,
            "Precision": _percent(each.precision),
            "Precision interval": _ends(each.precision_low, each.precision_high),
            "Overconfidence": _percent(each.overconfidence),
            "Overconfidence interval": _ends(each.overconfidence_low, each.overconfidence_high, "+.0%"),
        }
        rows.append(row)
    return pd.DataFrame(rows)


_PERCENT: Final = st.column_config.NumberColumn(format="percent")
_COLUMNS: Final = dict.fromkeys(("Accuracy", "Precision", "Overconfidence"), _PERCENT)


def _percent(value: float) -> float | None:
    return value if isfinite(value) else None


def _ends(low: float, high: float, form: str = ".0%") -> str:
    return f"[{low:{form}}, {high:{form}}]" if isfinite(low) else ""


def _interval(found: tuple[float, float, float] | None, form: str) -> str:
    return "" if found is None else f"{found[0]:{form}} [{found[1]:{form}}, {found[2]:{form}}]"
