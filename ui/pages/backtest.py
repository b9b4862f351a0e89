"""The Back-test page: how strategies compare where labels are known, and where stopping rules would stop."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import isfinite
from typing import Final, get_args

import streamlit as st

from alflow.domain.projects import Project, ProjectSettings
from alflow.domain.trials import Backtest, Trial, TrialPoint
from alflow.errors import AlflowError
from alflow.text import plural
from alflow.ui.door import access
from alflow.ui.parts import backtest_form, session, told
from alflow.ui.parts.figure import figure
from alflow.ui.parts.live import live
from alflow.ui.parts.tables import table
from alflow.ui.parts.trial_charts import gains, gains_table, paired_curves, paired_table
from alflow.workflow.backtests import comparison, study
from alflow.workflow.backtests.comparison import Difference, Measure
from alflow.workflow.backtests.study import Grid, Study
from alflow.workflow.rounds import stopping

_REFRESH: Final = "4s"
FORMS: Final[Mapping[Measure, tuple[str, str]]] = {
    "accuracy": ("Accuracy", ".0%"),
    "nlpd": ("NLPD (nats, lower is better)", ".2f"),
    "ece": ("ECE (lower is better)", ".1%"),
    "total": ("Uncertainty (nats)", ".2f"),
    "aleatoric": ("Aleatoric part (nats that labels leave)", ".2f"),
    "epistemic": ("Epistemic part (nats that labels could remove)", ".2f"),
}


def show(project: Project) -> None:
    """Start a back-test, and show the existing ones."""
    st.header("Back-test")
    st.caption(
        "Compare strategies on images whose labels are known. All use the same split, start and fit; a label "
        "is revealed only when the strategy asks for it."
    )
    if session.may(access.RUN_BACKTEST):
        backtest_form.form(project)
    told.tell(project)
    backtest_form.status(project)
    _results(project)


def _results(project: Project) -> None:
    workspace, grids = session.workspace(), _grids(project)
    running = backtest_form.is_running(project)
    if running:
        _await(project, grids)
    if not grids and not running:
        st.info(
            "No back-test yet: choose strategies above and start one, or run `alflow backtest`. It needs labels: "
            "answers, or a test split."
            if session.may(access.RUN_BACKTEST)
            else "No back-test yet. An engineer of the project can start one here."
        )
    if not grids:
        return
    left, middle, right = st.columns([4, 2, 2], vertical_alignment="bottom")
    one, grid = left.selectbox("Back-test", grids, _newest(project, grids), lambda pair: _title(*pair))
    measure: Measure = middle.selectbox("Measure", get_args(Measure), format_func=lambda name: FORMS[name][0])
    reference = right.selectbox("Compare with", grid.strategies, index=_index(grid.strategies, "random"))
    level = None
    if measure == "accuracy":
        wanted = st.number_input(
            "Labels needed for an accuracy of", 0.0, 1.0, 0.0, 0.01, help="0: the final accuracy of the reference"
        )
        level = wanted or None
    if (problem := study.warning(one)) is not None:
        st.warning(session.words(problem))
    _live(one, grid, measure, reference, level)
    _stops(study.load_study(workspace, one.id, grid), project.settings)


def _grids(project: Project) -> list[tuple[Backtest, Grid]]:
    workspace = session.workspace()
    found = [*study.list_backtests(workspace, project.id), *study.list_backtests(workspace, None)]
    return [(one, grid) for one in found for grid in study.known_grids(workspace, one.id)]


def _newest(project: Project, grids: Sequence[tuple[Backtest, Grid]]) -> int:
    """What the visitor started is shown by itself; before its first point, what is there."""
    mine = backtest_form.started(project)
    alike = (number for number, (_, grid) in enumerate(grids) if mine and grid.set_up == mine.set_up)
    return next(alike, 0)


@live(_REFRESH)
def _await(project: Project, known: Sequence[tuple[Backtest, Grid]]) -> None:
    """Draw the page anew when there are seeds, rounds or set-ups that it does not show."""
    if _grids(project) != known:
        st.rerun()


@live(_REFRESH)
def _live(one: Backtest, grid: Grid, measure: Measure, reference: str, level: float | None) -> None:
    found = study.load_study(session.workspace(), one.id, grid)
    title, form = FORMS[measure]
    wanted = len(grid.trials) * (grid.rounds + 1)
    made = sum(len(points) for points in found.points.values())
    if made < wanted:
        st.progress(made / wanted, f"{made} of {wanted} points")
    try:
        points = comparison.curves(found.points, measure)
        standings = comparison.standings(found.points, measure, reference, level)
    except AlflowError as error:
        st.info(session.sentence(error))
        return
    figure(
        paired_curves(points, title, form),
        key="curves",
        data=paired_table(points),
        reading=f"Means over {plural(standings[0].seeds, 'seed')}. The 95% bands are paired: the effect of a split on "
        "all strategies is removed, so strategies differ where their bands do not overlap.",
    )
    rows = [
        {
            "Strategy": each.strategy,
            "Area": each.area,
            "Standard error": each.standard_error,
            f"Minus {reference}": _words(each.to_reference),
            "Minus the best other": _words(each.to_best_other),
            "Labels needed": each.labels_needed,
            "Seconds per batch": each.seconds,
        }
        for each in standings
    ]
    table(rows, "standings", column_config=_COLUMNS)


def _stops(found: Study, settings: ProjectSettings) -> None:
    """Where rules would have stopped each trial, and how expected information became accuracy."""
    st.subheader("When to stop")
    columns = st.columns(4)
    limit = columns[0].number_input("Limit on labels", 0, None, settings.max_labels or 0, help="0: no limit")
    last = columns[1].number_input("Plateau: rounds without gain", 0, 1_000, settings.plateau_rounds or 0)
    share = columns[2].number_input(
        "Smallest information gain (share of the best round)", 0.0, 1.0, settings.min_information or 0.0
    )
    price = columns[3].number_input(
        "Price of a label (accuracy)", 0.0, 1.0, settings.label_price or 0.0, step=0.0001, format="%.4f"
    )
    tried = replace(
        settings,
        max_labels=int(limit) or None,
        plateau_rounds=int(last) or None,
        min_information=share or None,
        label_price=price or None,
    )
    stops = stopping.stops(found.points, stopping.rules_of(tried))
    rows = [
        {
            "Strategy": trial.strategy,
            "Seed": trial.seed,
            "Stops at": None if stop is None else stop.labels,
            "Accuracy there": points[-1 if stop is None else stop.number].accuracy,
            "Accuracy at the end": points[-1].accuracy,
            "Reason": "no rule applied" if stop is None else stop.reason,
        }
        for (trial, points), stop in zip(found.points.items(), stops.values(), strict=True)
    ]
    table(rows, "stops", column_config=_COLUMNS)
    strategy = st.selectbox("Calibration of", list(dict.fromkeys(trial.strategy for trial in found.points)))
    _calibration({trial: each for trial, each in found.points.items() if trial.strategy == strategy})


def _calibration(points: Mapping[Trial, Sequence[TrialPoint]]) -> None:
    rows = gains_table([
        {
            "seed": trial.seed,
            "labels": after.labels,
            "information": after.information,
            "gain": after.accuracy - before.accuracy,
        }
        for trial, each in points.items()
        for before, after in pairwise(each)
    ])
    slopes = [stopping.calibrated(each).slope for each in points.values()]
    usable = [slope for slope in slopes if isfinite(slope)]
    figure(
        gains(rows, sum(usable) / len(usable) if usable else 0.0),
        key="gains",
        data=rows,
        reading="Each point is a batch: the information gain that its scores predicted, and the gain in accuracy. The "
        "dashed line converts the first into the second, to be compared with the price of a label.",
    )


_COLUMNS = {
    "Area": st.column_config.NumberColumn(format="%.4f", help="Mean over the rounds after the first label"),
    "Standard error": st.column_config.NumberColumn(format="%.4f"),
    "Labels needed": st.column_config.NumberColumn(format="%.0f", help="Where the mean curve reaches the level"),
    "Seconds per batch": st.column_config.NumberColumn(format="%.3f", help="Time to choose it, on this machine"),
    "Accuracy there": st.column_config.NumberColumn(format="percent"),
    "Accuracy at the end": st.column_config.NumberColumn(format="percent"),
}


def _title(one: Backtest, grid: Grid) -> str:
    domain = "" if grid.domain is None else f", domain {grid.domain}"
    control = f", {grid.control_fraction:.0%} control" if grid.control_fraction else ""
    return (
        f"{one.name} of {one.created_at:%d %b %Y}: {one.n_items} images, {grid.rounds} x {grid.batch} labels, "
        f"{grid.mode.value}, pool {grid.pool}{domain}{control}"
    )


def _index(names: Sequence[str], wanted: str) -> int:
    return names.index(wanted) if wanted in names else 0


def _words(found: Difference | None) -> str:
    return "" if found is None else f"{found.mean:+.4f} ± {found.standard_error:.4f}"
