"""The Model page: how far the model after each round can be trusted, what it mistakes, and what a fit changed."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from alflow.domain.projects import ClassLabel, Project
from alflow.errors import AlflowError
from alflow.ui.parts import fit_sections, model_sections, session
from alflow.ui.parts.empty import no_known_classes, require_classes
from alflow.ui.parts.posterior import posterior
from alflow.ui.parts.unbiased import unbiased
from alflow.workflow.insight.evaluated import Evaluated, KnownSplit, closed_rounds, evaluated
from alflow.workflow.rounds import review

SPLITS: Final[dict[str, KnownSplit]] = {"Test split": "test", "Control slice": "control"}
SECTIONS: Final = (
    "Calibration", "Confusions", "Classes", "Whole pool", "Uncertainty", "What changed", "Cost", "Strategies",
    "Posterior",
)  # fmt: skip
KNOWN: Final = SECTIONS[:3]
"""Sections about images whose class is known."""


def show(project: Project) -> None:
    """Two models side by side; one section at a time, so that none waits for the others."""
    st.header("Model")
    classes = require_classes(project)
    numbers, split = _choices(project)
    section = st.segmented_control(
        "Section", SECTIONS, default=SECTIONS[0], key=f"model-section-{project.id}", label_visibility="collapsed"
    )
    try:
        _section(project, section or SECTIONS[0], numbers, split, classes)
    except AlflowError as error:
        st.info(session.sentence(error))


def _choices(project: Project) -> tuple[tuple[int, int], KnownSplit]:
    """The round to look at, the one beside it, and the images."""
    rounds = closed_rounds(session.workspace(), project.id)
    left, middle, right = st.columns([2, 2, 3], vertical_alignment="bottom")
    here = left.selectbox("Model", rounds, format_func=_called, key=f"model-here-{project.id}")
    beside = middle.selectbox(
        "Beside", rounds, index=len(rounds) - 1, format_func=_called, key=f"model-beside-{project.id}"
    )
    chosen = right.segmented_control(
        "Images whose class is known", list(SPLITS), default="Test split", key=f"model-split-{project.id}"
    )
    return (here, beside), SPLITS[chosen or "Test split"]


def _section(
    project: Project, section: str, numbers: tuple[int, int], split: KnownSplit, classes: Sequence[ClassLabel]
) -> None:
    called = _names(numbers)
    if section in KNOWN:
        _of_known(project, section, numbers, split, classes)
    elif section == "Whole pool":
        unbiased(project)
    elif section == "Uncertainty":
        with st.spinner("Reading what both models say of every image; where it is not kept, they are asked once more."):
            fit_sections.uncertainty(project, numbers, called)
    elif section == "What changed":
        fit_sections.changed(project, numbers, called, classes)
    elif section == "Cost":
        fit_sections.cost(project, numbers, called)
    elif section == "Posterior":
        posterior(project)
    else:
        fit_sections.strategies(project)


def _of_known(
    project: Project, section: str, numbers: tuple[int, int], split: KnownSplit, classes: Sequence[ClassLabel]
) -> None:
    with st.spinner("Reading the figures; those of a round that was never looked at are made once."):
        found = [evaluated(session.workspace(), project.id, number, split) for number in dict.fromkeys(numbers)]
    pair = dict(zip(_names(numbers), found, strict=True))
    if not any(pair.values()):
        no_known_classes(project, split)
        return
    _about(project, split, [one for one in found if one is not None])
    if section == "Calibration":
        model_sections.calibration(pair)
    elif section == "Confusions":
        model_sections.confusions(project, pair, classes)
    else:
        model_sections.by_class(pair, classes)


def _about(project: Project, split: KnownSplit, found: Sequence[Evaluated]) -> None:
    """Which images these are, and where they are no longer those that a round was evaluated on."""
    if split == "control":
        st.caption(
            "The control slice: images that the rounds drew at random, each by what was predicted before its label "
            "was known. An unbiased look at the pool."
        )
    stored = {(one.round_number, one.split): one for one in review.learning_curve(session.workspace(), project.id)}
    for one in found:
        before = stored.get((one.number, split))
        now = one.metrics["shown"].get("accuracy")
        if before is None or now is None or (before.n_items, before.metrics["accuracy"]) == (len(one), tuple(now)):
            continue
        value, low, high = before.metrics["accuracy"]
        st.caption(
            f"{_called(one.number)} was evaluated on {before.n_items:,} images: accuracy {value:.1%} [{low:.1%}, "
            f"{high:.1%}]. Since then labels, images, classes or prompts have changed; below are the figures of today."
        )


def _names(numbers: tuple[int, int]) -> list[str]:
    """What the models are called, once each."""
    return [_called(number).lower() for number in dict.fromkeys(numbers)]


def _called(number: int) -> str:
    return f"After round {number}" if number else "Before any label"
