"""The Rounds page: the model after each round, and why each image was chosen."""

from collections.abc import Mapping, Sequence
from itertools import groupby

import pandas as pd
import streamlit as st

from alflow.domain.projects import ClassLabel, Project
from alflow.domain.rounds import Evaluation
from alflow.ui.components.gallery import gallery
from alflow.ui.parts import cards, session, told
from alflow.ui.parts.charts import curve_table, learning_curve
from alflow.ui.parts.empty import no_rounds
from alflow.ui.parts.figure import figure
from alflow.ui.parts.live import live
from alflow.ui.parts.replaying import replaying
from alflow.ui.parts.report import report_button
from alflow.ui.parts.run_button import run_button
from alflow.ui.parts.tables import table
from alflow.ui.parts.worth import labels_worth
from alflow.workflow.insight.leaks import leak
from alflow.workflow.insight.worth import worth
from alflow.workflow.projects import projects
from alflow.workflow.rounds import review
from alflow.workflow.rounds.review import CandidateReview, RoundSummary
from alflow.workflow.rounds.why import why

REFRESH = "4s"

_CURVES = (
    (
        "accuracy",
        "Accuracy",
        ".0%",
        "The share of images whose most probable class is right, over the labels so far; bars are 95% intervals. "
        "Where the bars of two rounds do not overlap, the difference is hardly chance.",
    ),
    (
        "nlpd",
        "NLPD (nats, lower is better)",
        ".2f",
        "How surprised the model is by the right class, on average: sure errors cost most. Where it falls while the "
        "accuracy stays, the stated probabilities get better.",
    ),
)
"""Metric, title, number format and how to read it."""


def show(project: Project) -> None:
    """The curves and rounds, which refresh themselves, and the candidates of one round."""
    summaries = review.round_summaries(session.workspace(), project.id)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.header("Rounds", width="content")
        with st.container(horizontal=True, width="content"):
            run_button(project, summaries[-1].round if summaries else None)
            report_button(project, [each.round.number for each in reversed(summaries)])
    told.tell(project)
    _live(project, _state(summaries))
    if words := leak(session.workspace(), project.id):
        st.warning(words)
    if summaries:
        labels_worth(worth(session.workspace(), project.id))
        _candidates(project, summaries)


@live(REFRESH)
def _live(project: Project, known: Sequence[object]) -> None:
    """What changes while people label; when a round opens or closes, the whole page is drawn again."""
    summaries = review.round_summaries(session.workspace(), project.id)
    if _state(summaries) != known:
        st.rerun()
    evaluations = review.learning_curve(session.workspace(), project.id)
    overview = review.overview(session.workspace(), project.id)
    (st.warning if overview.trouble else st.caption)(f"Waiting for {session.words(overview.waiting_for)}.")
    if not summaries and not evaluations:
        no_rounds(project)
        return
    _figures(overview.n_settled, evaluations)
    _curves(evaluations)
    if summaries:
        st.subheader("All rounds")
        table(_table(summaries, evaluations), "rounds", column_config=_COLUMNS)


def _figures(n_labels: int, evaluations: Sequence[Evaluation]) -> None:
    test = [each for each in evaluations if each.split == "test"]
    labels, accuracy, nlpd, rounds = st.columns(4)
    labels.metric("Labels", n_labels, border=True, height="stretch")
    rounds.metric(
        "Rounds closed", max((each.round_number for each in evaluations), default=0), border=True, height="stretch"
    )
    if not test:
        accuracy.metric("Test accuracy", "no test split", border=True, height="stretch")
        nlpd.metric("Test NLPD", "no test split", border=True, height="stretch")
        return
    (start, _, _), (now, _, _) = (each.metrics["accuracy"] for each in (test[0], test[-1]))
    gain = f"{100 * (now - start):+.1f} points since zero-shot" if len(test) > 1 else None
    accuracy.metric("Test accuracy", f"{now:.1%}", gain, border=True, height="stretch")
    (start, _, _), (now, _, _) = (each.metrics["nlpd"] for each in (test[0], test[-1]))
    gain = f"{now - start:+.3f} nats since zero-shot" if len(test) > 1 else None
    nlpd.metric("Test NLPD", f"{now:.3f}", gain, delta_color="inverse", border=True, height="stretch")


def _curves(evaluations: Sequence[Evaluation]) -> None:
    if not evaluations:
        st.info("The curve starts once a round is closed; with a labelled test split it starts before the first label.")
        return
    for place, (metric, title, form, reading) in zip(st.columns(2, gap="large"), _CURVES, strict=True):
        with place:
            figure(
                learning_curve(evaluations, metric, title, form),
                key=metric,
                data=curve_table(evaluations, metric),
                reading=reading,
            )


def _table(summaries: Sequence[RoundSummary], evaluations: Sequence[Evaluation]) -> pd.DataFrame:
    test = {each.round_number: each.metrics for each in evaluations if each.split == "test"}
    rows = [
        {
            "Round": each.round.number,
            "State": each.round.state.value,
            "Strategy": each.round.strategy,
            "Answered": each.answered / each.total if each.total else 0.0,
            "Images": each.total,
            "Extra": each.extra,
            "Near-duplicates": each.round.configuration.get("near_duplicates"),
            "Skipped": each.skipped,
            "Corrected": each.corrected,
            "Accuracy": _metric(test.get(each.round.number), "accuracy"),
            "NLPD": _metric(test.get(each.round.number), "nlpd"),
            "Opened": each.round.opened_at,
            "Closed": each.round.closed_at,
        }
        for each in reversed(summaries)
    ]
    return pd.DataFrame(rows)


_COLUMNS = {
    "Near-duplicates": st.column_config.NumberColumn(help="Images that nearly duplicate another one of the round"),
    "Extra": st.column_config.NumberColumn(
        help="Further images that people answered while the next round was prepared: the next fit learns from them too"
    ),
    "Answered": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
    "Corrected": st.column_config.NumberColumn(help="Answers that differ from the model's most probable class"),
    "Accuracy": st.column_config.NumberColumn(format="percent", help="On the test split, after the round"),
    "NLPD": st.column_config.NumberColumn(format="%.3f", help="Negative log predictive density, after the round"),
    "Opened": st.column_config.DatetimeColumn(format="D MMM, HH:mm"),
    "Closed": st.column_config.DatetimeColumn(format="D MMM, HH:mm"),
}


def _metric(metrics: Mapping[str, tuple[float, float, float]] | None, name: str) -> float | None:
    return metrics[name][0] if metrics and name in metrics else None


def _candidates(project: Project, summaries: Sequence[RoundSummary]) -> None:
    st.subheader("Why these images")
    numbers = [each.round.number for each in reversed(summaries)]
    left, right = st.columns([1, 3], vertical_alignment="bottom")
    number = left.selectbox("Round", numbers, format_func=lambda number: f"Round {number}")
    chosen = right.segmented_control("Show", list(cards.FILTERS), default="All", label_visibility="collapsed")
    round_, candidates = why(session.workspace(), project.id, number)
    classes = projects.project_classes(session.workspace(), project.id)
    replaying(project, round_)
    kept = [each for each in candidates if cards.FILTERS[chosen or "All"](each.review)]
    st.caption(_legend([each.review for each in kept], classes))
    known = round_.configuration
    st.caption(_uncertain_names(known.get("class_deviations", {}), classes))
    st.caption(
        "Uncertainty in nats: total is the entropy of the prediction. Its epistemic part is what more labels could "
        "remove, its aleatoric part what would remain."
    )
    novelty = known.get("novelty", {})
    if novelty:
        st.caption(
            "Novelty: distance from the pretraining data; 1 is the average of that data, an image above 2 is unlike it."
        )
    shown = [cards.card(project, each, classes, novelty.get(str(each.review.item.id))) for each in kept]
    gallery(shown, key=f"cards-{number}-{chosen}")


def _legend(kept: Sequence[CandidateReview], classes: Sequence[ClassLabel]) -> str:
    names = {each.id: each.display_name for each in classes}
    predicted = sorted(names.get(each.candidate.predicted_class_id, "?") for each in kept)
    counts = [(name, len(list(same))) for name, same in groupby(predicted)]
    counted = ", ".join(
        f"{session.escape(name)} {count}" for name, count in sorted(counts, key=lambda each: -each[1])[:8]
    )
    return (
        f"{len(kept)} images; most probable class when the round opened: {counted}."
        if kept
        else "The round has no such image."
    )


def _uncertain_names(deviations: Mapping[str, float], classes: Sequence[ClassLabel]) -> str:
    """The names that the text tower is least sure of; other prompts may help."""
    names = {str(each.id): each.display_name for each in classes}
    worst = sorted((each for each in deviations.items() if each[0] in names), key=lambda each: -each[1])[:5]
    if not worst:
        return ""
    listed = ", ".join(f"{session.escape(names[one])} ±{deviation:.2g}" for one, deviation in worst)
    return (
        f"Class names the model is least sure of (standard deviation of the logit): {listed}. Other prompts may help."
    )


def _state(summaries: Sequence[RoundSummary]) -> list[object]:
    return [(each.round.id, each.round.state) for each in summaries]
