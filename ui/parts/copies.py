"""On the Label errors page: near copies that have different labels, or one of which is in the test split."""

from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.ids import ClassId, ItemId
from alflow.ui.door import access
from alflow.ui.parts import sending, session
from alflow.ui.parts.strips import strip
from alflow.ui.parts.tables import table
from alflow.workflow.answers.refer import refer
from alflow.workflow.insight import near_copies
from alflow.workflow.insight.near_copies import Copies

PAIRS: Final = 8
"""Shown with pictures."""

Names = Mapping[ClassId, str]


def section(project: Project, names: Names) -> None:
    """How many there are at a likeness, those whose labels differ, and test images with one outside."""
    least, usual = near_copies.LEAST, near_copies.USUAL
    likeness = st.slider("Likeness of near copies", least, 1.0, usual, 0.005, format="%.3f", width=420)
    with st.spinner("Comparing images"):
        found = near_copies.near_copies(session.workspace(), project.id, likeness)
    pairs, differ, leak = st.columns(3)
    more = "or more, " if found.capped else ""
    pairs.metric(
        "Near copies",
        f"{found.n_pairs:,}",
        f"{more}in {found.n_compared:,} images",
        delta_color="off",
        delta_arrow="off",
        border=True,
        height="stretch",
    )
    differ.metric("With different labels", f"{len(found.contradicting):,}", border=True, height="stretch")
    leak.metric(
        "Test images with a copy outside",
        f"{found.n_test:,}",
        f"{len(found.learnt):,} of a labelled image",
        delta_color="off",
        delta_arrow="off",
        border=True,
        height="stretch",
    )
    st.caption(
        "Likeness is the cosine of two images as the model sees them from the centre of all. A picture that was stored "
        "anew or scaled has .99 and more; photographs taken one after the other can have as much. A test image with a "
        "copy among the labelled ones makes the accuracy look better than it is."
    )
    _listed(project, "Near copies with different labels", found.contradicting, names, send=True)
    _listed(project, "Test images with a near copy in pool or target", found.leaking, names)


def _listed(project: Project, title: str, found: Sequence[Copies], names: Names, *, send: bool = False) -> None:
    st.subheader(title)
    if not found:
        st.write("There are none at this likeness.")
        return
    why = _reasons(found[:PAIRS], names) if send else {}
    if why and session.may(access.REFER):
        st.button(
            f"Send {len(why)} {'image' if len(why) == 1 else 'images'} of the pool to adjudication",
            icon=":material/gavel:",
            on_click=_refer_copies,
            args=(project, why),
        )
    columns = st.columns(4)
    for place, one in enumerate(found[:PAIRS]):
        with columns[place % 4]:
            strip(project, _sides(one, names))
            st.caption(f"Images {one.first} and {one.second}, likeness {one.likeness:.3f}")
    if len(found) > PAIRS:
        rows = [{"Image": one.first, "and": one.second, "Likeness": one.likeness} for one in found]
        with st.expander(f"All {len(found):,} pairs"):
            table(rows[:10_000], title)


def _sides(one: Copies, names: Names) -> list[tuple[ItemId, str]]:
    """Both images, each with its split and label."""
    sides = zip((one.first, one.second), one.splits, one.classes, strict=True)
    return [(item, f"{split}: {names.get(of, '?') if of else 'no label'}") for item, split, of in sides]


def _reasons(found: Sequence[Copies], names: Names) -> dict[ItemId, str]:
    """Images of the pool -> why each may be wrong; those of other splits have no answers to settle."""
    why: dict[ItemId, str] = {}
    for one in found:
        sides = (
            (one.first, one.splits[0], one.second, one.classes[1]),
            (one.second, one.splits[1], one.first, one.classes[0]),
        )
        for item, split, other, of in sides:
            if split is Split.POOL:
                label = names.get(of, "?") if of else "?"
                why.setdefault(item, f"a near copy, image {other} (likeness {one.likeness:.3f}), is labelled {label}")
    return why


def _refer_copies(project: Project, why: Mapping[ItemId, str]) -> None:
    if session.may(access.REFER, project):
        workspace, by = session.workspace(), session.require_annotator().id
        sending.to_adjudication(project, lambda: refer(workspace, project.id, by, why))
