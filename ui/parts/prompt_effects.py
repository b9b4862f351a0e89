"""On the Prompts page: what a trial would change."""

from collections.abc import Mapping
from typing import Final

import altair as alt
import pandas as pd
import streamlit as st

from alflow.domain.projects import Project
from alflow.ids import ClassId
from alflow.ui.components.gallery import Bar, Card, gallery
from alflow.ui.parts.charts import SERIES
from alflow.ui.parts.figure import figure
from alflow.ui.parts.images import image_address
from alflow.workflow.insight.comparison import Compared
from alflow.workflow.insight.effects import Effects
from alflow.workflow.insight.prompts import Trial
from alflow.workflow.insight.turns import Turn, Turned

_CLASSES: Final = 25  # in the chart, those that change most
_PICTURES: Final = 24
_COLOURS: Final = dict(zip(("As it is", "With the draft"), SERIES.values(), strict=True))


def effects(project: Project, trial: Trial, version: int) -> None:
    """Figures, then pictures of the images that turn, then each class; `version` tells one trial from another."""
    found = trial.effects
    _figures(found)
    st.caption(_next_fit(found))
    names = {label.id: label.display_name for label in trial.after}
    _turns(project, found, names, version)
    _shares(found, names)


def _figures(found: Effects) -> None:
    turned, accuracy, nlpd, labelled = st.columns(4)
    n_turned, n_images = sum(found.turned.values()), sum(found.images.values())
    turned.metric(
        "Predictions that turn",
        f"{n_turned:,}",
        f"{n_turned / max(n_images, 1):.1%} of all",
        delta_color="off",
        delta_arrow="off",
        border=True,
    )
    splits = [f"{found.turned[split]:,} of {count:,} in {split}" for split, count in found.images.items() if count]
    turned.caption(f"Of {n_images:,} images: {'; '.join(splits)}.")
    test = found.test
    if test is None:
        accuracy.metric("Test accuracy", "not known", border=True)
        accuracy.caption("No embedded image of the test split has a known class.")
        nlpd.metric("Test NLPD", "not known", border=True)
    else:
        _accuracy(accuracy, "Test accuracy", test)
        gap = test.nlpd
        nlpd.metric(
            "Test NLPD",
            f"{test.nlpd_after:.3f}",
            f"{gap.value:+.3f} nats",
            delta_color="inverse",
            border=True,
        )
        nlpd.caption(f"95% interval of the difference: {gap.low:+.3f} to {gap.high:+.3f} nats. Lower is better.")
    if found.labelled is None:
        labelled.metric("Accuracy on labelled images", "no label yet", border=True)
    else:
        _accuracy(labelled, "Accuracy on labelled images", found.labelled)
        labelled.caption("Each is predicted by a fit that has not seen it. They were chosen, so they are not typical.")


def _accuracy(where: st.delta_generator.DeltaGenerator, title: str, found: Compared) -> None:
    gap = found.accuracy
    where.metric(title, f"{found.accuracy_after:.1%}", f"{100 * gap.value:+.1f} points", border=True)
    where.caption(
        f"{found.righted:,} of {found.images:,} become right, {found.wronged:,} wrong. 95% interval of the gain: "
        f"{100 * gap.low:+.1f} to {100 * gap.high:+.1f} points."
    )


def _next_fit(found: Effects) -> str:
    if not found.number:
        return (
            "Compared with the model before any label. The labels of the first round will be fitted to what is saved."
        )
    if not found.fitted_again:
        return (
            f"The fit of round {found.number} is of an older alflow: what its labels taught stays as it is, here and "
            "after saving, until the next round is closed and everything is fitted to the new prompts."
        )
    return (
        f"The {found.labels:,} labels of round {found.number} are fitted again to the new prompts, here as after "
        "saving. Answers since then come in when the next round is closed. The queue of an open round stays as it was "
        "chosen."
    )


def _turns(project: Project, found: Effects, names: Mapping[ClassId, str], version: int) -> None:
    if not found.turns:
        st.info("No prediction turns: the most probable class of every image stays the same.")
        return
    st.subheader("Images that turn", anchor=False)
    every = sum(turn.count for turn in found.turns)
    chosen = st.selectbox(
        "From what to what",
        [None, *found.turns],
        format_func=lambda turn: f"All ({every:,})" if turn is None else _words(turn, names),
        key=f"prompts-turn-{project.id}-{version}",
    )
    turns = found.turns if chosen is None else [chosen]
    pairs = [(turn, image) for turn in turns for image in turn.images]
    pairs.sort(key=lambda pair: -(pair[1].before + pair[1].after))
    cards = [_card(project, rank, *pair, names) for rank, pair in enumerate(pairs[:_PICTURES], 1)]
    gallery(cards, key=f"prompts-turned-{project.id}-{hash(tuple(card['image'] for card in cards))}")


def _words(turn: Turn, names: Mapping[ClassId, str]) -> str:
    return f"{names[turn.before]} → {names[turn.after]} ({turn.count:,})"


def _card(project: Project, rank: int, turn: Turn, image: Turned, names: Mapping[ClassId, str]) -> Card:
    was, is_ = names[turn.before], names[turn.after]
    return Card(
        image=image_address(project.id, image.item_id, "thumbnail"),
        rank=rank,
        origin="strategy",
        believed=[Bar(name=is_, value=image.after), Bar(name=was, value=image.before)],
        facts=[("Draft", f"{is_}, {image.after:.0%}"), ("Now", f"{was}, {image.before:.0%}")],
        answers=[f"{was} → {is_}"],
        verdict="differs",
    )


def _shares(found: Effects, names: Mapping[ClassId, str]) -> None:
    st.subheader("What is expected of each class", anchor=False)
    by_change = sorted(found.classes, key=lambda one: -abs(one.share_after - one.share_before))
    rows = [
        {"class": names[one.class_id], "prompts": which, "share": share, "name": name}
        for one in by_change
        for which, share, name in zip(
            _COLOURS,
            (one.share_before, one.share_after),
            (one.deviation_before, one.deviation_after),
            strict=True,
        )
    ]
    data = pd.DataFrame(rows)
    shown = data.head(2 * _CLASSES)
    height = 22 * min(len(by_change), _CLASSES) + 40
    left, right = st.columns(2, gap="large")
    with left:
        reading = (
            "Mean probability of each class over the pool, as it is and with the draft; the largest changes on top."
        )
        figure(
            _pairs(shown, "share", "Expected share of the pool", ".1%", height),
            key="shares",
            data=data,
            reading=reading,
        )
    with right:
        reading = (
            "How far the words of a class leave the logit of a typical image open, as one standard deviation; to the "
            "left is better."
        )
        figure(
            _pairs(shown, "name", "Uncertainty of the name (nats)", ".3f", height),
            key="names",
            data=data,
            reading=reading,
        )


def _pairs(shown: pd.DataFrame, column: str, title: str, form: str, height: int) -> alt.LayerChart | alt.FacetChart:
    """Two points for each class, joined."""
    y = alt.Y("class:N", sort=None, title=None, axis=alt.Axis(labelLimit=180, labelOverlap=False, grid=True))
    x = alt.X(f"{column}:Q", title=title, axis=alt.Axis(format=form, grid=False), scale=alt.Scale(zero=False))
    colour = alt.Color(
        "prompts:N",
        title=None,
        scale=alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values())),
        legend=alt.Legend(orient="top", direction="horizontal", symbolType="circle"),
    )
    base = alt.Chart(shown)
    joined = base.mark_line(strokeWidth=1.5, opacity=0.5, color="gray").encode(x=x, y=y, detail="class:N")
    tooltip = ["class:N", "prompts:N", alt.Tooltip(f"{column}:Q", title=title, format=form)]
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=x, y=y, color=colour, shape="prompts:N", tooltip=tooltip
    )
    return alt.layer(joined, points).properties(height=height)
