"""The Checks page: an annotator's own results on checks, once they may be shown."""

from collections.abc import Mapping

import streamlit as st

from alflow.domain.answers import GoldCheck
from alflow.domain.images import Item
from alflow.domain.projects import Project
from alflow.ids import ClassId
from alflow.ui.components.gallery import Card, gallery
from alflow.ui.door import access
from alflow.ui.parts import session
from alflow.ui.parts.images import image_address
from alflow.workflow.desk import gold
from alflow.workflow.projects import projects


def show(project: Project) -> None:
    """The images, the annotator's answers, and the correct classes."""
    st.header("Checks")
    when = "at once" if project.settings.gold_feedback else "once the round is answered"
    st.caption(
        "Some of the images you are shown are checks: test images whose class is known. Your answers to them are not "
        f"labels, and appear here {when}. You see each check once."
    )
    answered = gold.disclosed(session.workspace(), project.id, session.require_annotator().id)
    if not answered:
        st.info(
            f"You have answered no check that may be shown yet: they come among those of the Label page.{_others()}"
            if project.settings.gold_rate
            else "This project shows no checks. Who may change it sets their share on the Project page, under what "
            "annotators read and see; it needs a labelled test split."
        )
        return
    judged = [check.right for check, _ in answered if check.right is not None]
    st.markdown(f"**{sum(judged)} of {len(judged)}** correct.")
    classes = projects.project_classes(session.workspace(), project.id)
    names = {each.id: each.display_name for each in classes}
    cards = [_card(project, *one, len(answered) - place, names) for place, one in enumerate(answered)]
    gallery(cards, key=f"checks-{project.id}")


def _others() -> str:
    """Where the checks of everybody are, for those who may see them."""
    seen = session.may(access.PAGES["quality"].role)
    return " How often others were right on theirs is on the Quality page." if seen else ""


def _card(project: Project, check: GoldCheck, item: Item, number: int, names: Mapping[ClassId, str]) -> Card:
    said = names.get(check.class_id, "?") if check.class_id is not None else "no class"
    facts = [("Correct class", "?" if item.truth is None else names.get(item.truth, "?"))]
    facts += [("Answered in", f"{check.seconds:.1f} s")] if check.seconds is not None else []
    return Card(
        image=image_address(project.id, item.id, "thumbnail"),
        rank=number,
        origin="strategy",  # the one that is not named
        believed=[],
        facts=facts,
        answers=[f"Your answer: {said}"],
        verdict="skipped" if check.right is None else "agrees" if check.right else "differs",
    )
