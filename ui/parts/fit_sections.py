"""Sections of the Model page about all images and about the work: uncertainty, what changed, cost, two strategies."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Final, get_args

import pandas as pd
import streamlit as st

from alflow.domain.images import Split
from alflow.domain.projects import ClassLabel, Project
from alflow.errors import AlflowError
from alflow.ids import ClassId
from alflow.ui.components.gallery import Bar, Card, gallery
from alflow.ui.door import access
from alflow.ui.parts import model_charts, session
from alflow.ui.parts.figure import figure
from alflow.ui.parts.images import image_address
from alflow.ui.parts.tables import table
from alflow.ui.parts.trial_charts import paired_curves
from alflow.workflow.backtests import comparison, study
from alflow.workflow.backtests.comparison import Difference, Measure
from alflow.workflow.insight import changes, figures
from alflow.workflow.insight.changes import Changes, Turn, TurnedImage
from alflow.workflow.insight.cost import cost as spent

SCOPES: Final[Mapping[str, Split | None]] = {
    "all images": None, "the pool": Split.POOL, "the targets": Split.TARGET, "the test split": Split.TEST,
}  # fmt: skip
FORMS: Final[Mapping[Measure, tuple[str, str]]] = {
    "accuracy": ("Accuracy", ".1%"),
    "nlpd": ("NLPD (nats)", ".3f"),
    "ece": ("ECE", ".1%"),
    "total": ("Uncertainty (nats)", ".3f"),
    "aleatoric": ("Aleatoric part (nats)", ".3f"),
    "epistemic": ("Epistemic part (nats)", ".3f"),
}
_IMAGES: Final = 48
Numbers = tuple[int, int]
"""The round that is looked at, and the one beside it."""


def uncertainty(project: Project, numbers: Numbers, called: Sequence[str]) -> None:
    """Histograms of the total and of its parts, before and after."""
    split = SCOPES[_scope(project)]
    found = figures.histograms(session.workspace(), project.id, *numbers, split)
    if not sum(found["total"][0].counts):
        st.info("None of these images is embedded.")
        return
    for column, (part, both) in zip(st.columns(3), found.items(), strict=True):
        named = dict(zip(called, both, strict=False))  # one name where both are the same model
        chart, data = model_charts.histogram(named, part)
        means = ", ".join(f"{one.mean:.3f} {name}" for name, one in named.items())
        with column:
            figure(chart, key=f"histogram-{part}", data=data, reading=f"Means (dashed): {means}.")
    st.caption(
        "Total is the entropy of a prediction. Its epistemic part is what more labels could remove, and should shrink "
        "from round to round; its aleatoric part is what would remain."
    )


def changed(project: Project, numbers: Numbers, called: Sequence[str], classes: Sequence[ClassLabel]) -> None:
    """The images whose prediction turned from the second model to the first."""
    after, before = numbers
    if after == before:
        st.info("These are the same model: choose another round to compare with.")
        return
    names = {each.id: each.display_name for each in classes}
    split = SCOPES[_scope(project)]
    kinds: dict[str, Turn | None] = {"All": None} | {turn.value.capitalize(): turn for turn in Turn}
    above = st.container()  # the figures stand above the choice, and are counted with it
    chosen = st.segmented_control(
        "Images that turned", list(kinds), default="All", key=f"model-turn-{project.id}", label_visibility="collapsed"
    )
    kind = kinds[chosen or "All"]
    found = changes.changes(session.workspace(), project.id, before, after, split, kind, _IMAGES)
    with above:
        _counts(found, called)
    n = found.n_turned if kind is None else found.counts[kind]
    st.caption(f"{len(found.images):,} of {n:,} images, those first whose new prediction is the most probable.")
    cards = [_card(project, one, place, names) for place, one in enumerate(found.images, 1)]
    gallery(cards, key=f"turned-{project.id}-{before}-{after}-{split}-{kind}")
    if found.moves:
        with st.expander("From which class to which"):
            rows = [{"Before": names.get(a, "?"), "After": names.get(b, "?"), "Images": n} for a, b, n in found.moves]
            table(rows, "moves")


def _counts(found: Changes, called: Sequence[str]) -> None:
    boxes = st.columns(5)
    share = f"{found.n_turned / found.n_images:.1%} of {found.n_images:,} images" if found.n_images else None
    boxes[0].metric("Predictions that turned", f"{found.n_turned:,}", share, delta_color="off", delta_arrow="off",
                    border=True, height="stretch")  # fmt: skip
    for box, (turn, n) in zip(boxes[1:], found.counts.items(), strict=True):
        box.metric(turn.value.capitalize(), f"{n:,}", border=True, height="stretch")
    st.caption(
        f"From {called[1]} to {called[0]}. A class is known where its answers settled it, and for the test split. "
        "Labelled images may be among those that the model was fitted to."
    )


def _card(project: Project, one: TurnedImage, place: int, names: Mapping[ClassId, str]) -> Card:
    before, after = (names.get(each, "?") for each in (one.before, one.after))
    known = "not known" if one.class_id is None else names.get(one.class_id, "?")
    verdict = {Turn.FIXED: "agrees", Turn.UNKNOWN: "open"}.get(one.turn, "differs")
    return Card(
        image=image_address(project.id, one.item_id, "thumbnail"),
        rank=place,
        origin="strategy",  # no badge
        believed=[Bar(name=after, value=one.p_after), Bar(name=before, value=one.p_before)],
        facts=[
            ("Before", f"{before} {one.p_before:.0%}"),
            ("After", f"{after} {one.p_after:.0%}"),
            ("Known class", known + (", by people" if one.is_labelled else "")),
        ],
        answers=[one.turn.value],
        verdict=verdict,
    )


def cost(project: Project, numbers: Numbers, called: Sequence[str]) -> None:
    """Answers and hours until each of the two rounds; by person for those who may see that."""
    for number, name in zip(dict.fromkeys(numbers), called, strict=True):
        until = spent(session.workspace(), project.id, until=number).total
        st.markdown(f"**{name.capitalize()}**")
        answers, hours, each = st.columns(3)
        answers.metric("Answers until then", f"{until.answers:,}", border=True, height="stretch")
        hours.metric("Time on screen", _duration(until.seconds), border=True, height="stretch")
        speed = f"{until.seconds / until.answers:.1f} s" if until.answers else "none yet"
        each.metric("An answer took", speed, border=True, height="stretch")
    found = spent(session.workspace(), project.id)
    if not found.total.answers:
        st.info("Nobody has answered yet. Answers and the time they took appear here with the first ones.")
        return
    chart, data = model_charts.cost(found)
    figure(
        chart,
        key="cost",
        data=data,
        reading=f"Time that images were on screen before an answer, by round. In all {found.total.answers:,} answers, "
        f"{found.total.answers - found.total.standing:,} of them taken back, gave {found.settled:,} images a class. "
        "Checks and reviews are not counted.",
    )
    if session.may(access.SEE_COST_BY_PERSON):
        st.subheader("By person")
        rows = [
            {"Person": one.name, "Answers": one.answers, "Standing": one.standing}
            | (
                {"Hours": one.hours, "Seconds an answer": one.seconds / one.answers}
                if session.sees_speed(project, one.annotator_id)
                else {}
            )
            for one in found.people
        ]
        table(rows, "people", column_config=_COLUMNS)


_COLUMNS: Final = {
    "Hours": st.column_config.NumberColumn(format="%.2f"),
    "Seconds an answer": st.column_config.NumberColumn(format="%.1f", help="Mean time that an image was on screen"),
    "Standing": st.column_config.NumberColumn(help="Answers that were not taken back"),
}


def strategies(project: Project) -> None:
    """Two strategies of a back-test side by side."""
    workspace = session.workspace()
    tried = [*study.list_backtests(workspace, project.id), *study.list_backtests(workspace, None)]
    grids = [(one, grid) for one in tried for grid in study.known_grids(workspace, one.id) if len(grid.strategies) > 1]
    if not grids:
        st.info("No back-test of two strategies yet: start one on the Back-test page.")
        return
    boxes = st.columns([3, 2, 2, 2], vertical_alignment="bottom")
    one, grid = boxes[0].selectbox(
        "Back-test",
        grids,
        format_func=lambda each: f"{each[0].name} of {each[0].created_at:%d %b %Y}: {each[1].rounds} x {each[1].batch}",
        key=f"model-backtest-{project.id}",
    )
    first = boxes[1].selectbox("Strategy", grid.strategies, key=f"model-first-{project.id}-{one.id}")
    others = [name for name in grid.strategies if name != first]
    second = boxes[2].selectbox("Compare with", others, key=f"model-second-{project.id}-{one.id}")
    measure: Measure = boxes[3].selectbox(
        "Measure", get_args(Measure), format_func=lambda name: FORMS[name][0], key=f"model-measure-{project.id}"
    )
    found = study.load_study(workspace, one.id, grid).points
    mine = {trial: points for trial, points in found.items() if trial.strategy in {first, second}}
    title, form = FORMS[measure]
    try:
        points = comparison.curves(mine, measure)
        gaps = comparison.gaps(mine, first, second, measure)
    except AlflowError as error:
        st.info(session.sentence(error))
        return
    rows = [
        {"strategy": each.strategy, "labels": each.labels, "mean": each.mean, "from": each.low, "to": each.high}
        for each in points
    ]
    figure(
        paired_curves(points, title, form),
        key="strategies",
        data=pd.DataFrame(rows),
        reading="Means over the seeds that both have finished, with paired 95% bands: what a split does to both is "
        "taken out. A back-test keeps these measures of each round, not what was predicted of each image: so there is "
        "no reliability diagram, matrix or image of it here.",
    )
    means = {(each.strategy, each.labels): each.mean for each in points}
    table(
        [
            {"Labels": labels, first: format(means[first, labels], form), second: format(means[second, labels], form),
             "Difference": _difference(gap)}
            for labels, gap in gaps.items()
        ],
        "gaps",
    )  # fmt: skip


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.1f} minutes" if seconds < 3600 else f"{seconds / 3600:,.2f} hours"


def _difference(found: Difference) -> str:
    interval = f" [{found.low:+.4f}, {found.high:+.4f}]" if isfinite(found.low) else ""  # of one seed there is none
    return f"{found.mean:+.4f}{interval}"


def _scope(project: Project) -> str:
    return st.selectbox("Images", list(SCOPES), key=f"model-scope-{project.id}", width=260)
