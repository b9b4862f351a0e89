"""The Quality page: how far annotators agree, how well each of them does, and what is left to settle."""

from collections.abc import Mapping
from math import isnan

import streamlit as st

from alflow.domain.projects import Project
from alflow.errors import AlflowError, UnavailableError
from alflow.ids import AnnotatorId, ItemId
from alflow.text import plural
from alflow.ui.parts import session
from alflow.ui.parts.images import image_address
from alflow.ui.parts.tables import table
from alflow.workflow.answers import quality, relabel
from alflow.workflow.answers.quality import AnnotatorQuality, Estimate, QualityReport
from alflow.workflow.projects import projects


def show(project: Project) -> None:
    """Figures of the project, its annotators, and pairs of them."""
    st.header("Quality")
    report = quality.quality_report(session.workspace(), project.id)
    if not report.annotators:
        st.info(
            "Nobody has answered yet: answer images on the Label page, or invite people. Speed, agreement and disputes "
            "appear here with the first answers."
        )
        return
    _figures(report)
    _annotators(project, report)
    _pairs(report)
    _advice(project)


def _figures(report: QualityReport) -> None:
    alpha, shared, disputed, settled = st.columns(4)
    alpha.metric(
        "Krippendorff's alpha",
        _number(report.alpha.value, ".2f"),
        None if isnan(report.alpha.low) else f"{report.alpha.low:.2f} to {report.alpha.high:.2f}",
        delta_color="off",
        delta_arrow="off",
        help="Agreement beyond chance, with the middle 95% of resamples of the images: 1 is perfect, 0 what chance "
        "would give. 0.8 is the usual requirement; below 0.67 conclusions are unreliable.",
        border=True,
        height="stretch",
    )
    shared.metric("Images with two votes", report.shared, border=True, height="stretch")
    disputed.metric(
        "In dispute", report.disputed, help="Settle them on the Adjudicate page", border=True, height="stretch"
    )
    settled.metric("Settled by a reviewer", report.settled, border=True, height="stretch")


def _annotators(project: Project, report: QualityReport) -> None:
    st.subheader("Annotators")
    wanted = bool(report.shared) and st.toggle(
        "Estimate each annotator's accuracy (Dawid-Skene)",
        help="From the votes alone: annotators who agree with reliable annotators are rated as reliable",
    )
    weighed, remedy = _weighed(project) if wanted else ({}, None)
    table([_row(project, one, weighed) for one in report.annotators], "annotators", column_config=_COLUMNS)
    st.caption(
        "Agreement: share of votes for the class that a reviewer chose, or else most of the others; ties are left "
        "out. Checks: test images whose class is known. Brackets hold 95% intervals."
    )
    if remedy is not None:
        st.caption(session.words(remedy))


def _weighed(project: Project) -> tuple[Mapping[AnnotatorId, float], str | None]:
    try:
        return quality.weighed_accuracy(session.workspace(), project.id), None
    except UnavailableError as error:
        return {}, str(error)


def _row(project: Project, one: AnnotatorQuality, weighed: Mapping[AnnotatorId, float]) -> dict[str, object]:
    row: dict[str, object] = {
        "Annotator": one.annotator.name,
        "Answers": one.answers,
        "Without a class": one.skips,
        "Median seconds": one.median_seconds if session.sees_speed(project, one.annotator.id) else None,
        "Compared": one.compared,
        "Agreement": _share(one.agreement),
        "Checks": one.checks,
        "Correct on checks": _share(one.gold),
    }
    return row | ({"Dawid-Skene": weighed.get(one.annotator.id)} if weighed else {})


_COLUMNS = {
    "Median seconds": st.column_config.NumberColumn(format="%.1f", help="Time that an image was on screen"),
    "Without a class": st.column_config.NumberColumn(help="Answers that name no class, such as skips"),
    "Compared": st.column_config.NumberColumn(
        help="Votes that can be compared with a reviewer's decision or with other votes"
    ),
    "Dawid-Skene": st.column_config.NumberColumn(
        format="percent", help="Accuracy, estimated from the votes alone by the model of Dawid and Skene"
    ),
    "Image": st.column_config.ImageColumn(width="small"),
    "Chance of an error": st.column_config.NumberColumn(format="percent"),
    "Worth of another vote": st.column_config.NumberColumn(format="%.2f nats"),
    "Agree": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
}


def _pairs(report: QualityReport) -> None:
    if len(report.pairs) < 1:
        return
    st.subheader("Pairs of annotators")
    names = {one.annotator.id: one.annotator.name for one in report.annotators}
    rows = [
        {"Annotator": names[one], "and": names[other], "Images": pair.items, "Agree": pair.agreement}
        for (one, other), pair in sorted(report.pairs.items(), key=lambda each: (-each[1].items, each[0]))
    ]
    table(rows, "pairs", column_config=_COLUMNS)


def _advice(project: Project) -> None:
    st.subheader("Another vote, or a new image?")
    budget = int(st.number_input("Votes to spend", 1, 10_000, project.settings.budget, width=200))
    advice = relabel.advise(session.workspace(), project.id, budget)
    if advice.new_information is None:
        st.info("There is nothing to compare until the first round.")
        return
    source = f"from {advice.compared} pairs of votes" if advice.compared else "assumed: no two votes can be compared"
    st.markdown(
        f"Of the next {budget} votes, **{len(advice.suspects)}** would be worth more as another vote on an answered "
        f"image than as the first vote on a new one ({advice.new_information:.2f} nats)."
    )
    st.caption(
        f"This assumes that every annotator is right {advice.accuracy:.0%} of the time ({source}), that errors spread "
        "evenly over the other classes, that the model's probabilities before the votes are right, and that new images "
        "resemble those of the last round. What a label says about other images is not counted."
    )
    if not advice.suspects:
        if advice.most is not None:
            st.markdown(f"Another vote on the least certain answered image would be worth {advice.most:.2f} nats.")
        return
    names = {each.id: each.display_name for each in projects.project_classes(session.workspace(), project.id)}
    rows = [
        {
            "Image": image_address(project.id, one.item_id, "thumbnail"),
            "Label now": "none" if one.class_id is None else names.get(one.class_id, "?"),
            "Chance of an error": one.error,
            "Worth of another vote": one.information,
        }
        for one in advice.suspects
    ]
    table(rows, "suspects", column_config=_COLUMNS, row_height=64)
    st.button(
        f"Request another vote on {plural(len(rows), 'image')}",
        icon=":material/replay:",
        help="In the open round, from people who have not answered the image yet",
        on_click=_request_votes,
        args=(project, tuple(one.item_id for one in advice.suspects)),
    )


def _request_votes(project: Project, item_ids: tuple[ItemId, ...]) -> None:
    try:
        asked = relabel.request_votes(session.workspace(), project.id, item_ids)
    except AlflowError as error:
        st.warning(session.sentence(error))
        return
    st.toast(f"One more vote is asked on {plural(asked, 'image')}")


def _share(found: Estimate) -> str:
    return "" if isnan(found.value) else f"{found.value:.0%} [{found.low:.0%}, {found.high:.0%}]"


def _number(value: float, form: str) -> str:
    return "not yet" if isnan(value) else format(value, form)
