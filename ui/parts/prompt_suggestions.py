"""On the Prompts page: which prompts the labels prefer, offered with their gain; a click takes them into the draft."""

from collections.abc import Sequence

import altair as alt
import pandas as pd
import streamlit as st

from alflow.domain.projects import ClassLabel, Project
from alflow.errors import AlflowError
from alflow.ui.parts import session
from alflow.ui.parts.charts import SERIES
from alflow.ui.parts.figure import figure
from alflow.ui.parts.prompt_editor import Draft, lines, take
from alflow.ui.parts.tables import table
from alflow.workflow.insight.suggestions import Suggestions, suggest_prompts


def suggestions(project: Project, draft: Draft, stored: Sequence[ClassLabel]) -> None:
    """The form, and what came of it."""
    st.caption(
        "Which prompts do the labels prefer? Templates are compared with what is saved, by labels that the fit has not "
        "seen; another one is offered only if it is better by more than chance. Nothing is saved by itself."
    )
    with st.form(f"prompts-suggest-{project.id}", border=False):
        own = st.text_area("One candidate more, of your own: templates, one a line", height=68)
        if st.form_submit_button("Compare", icon=":material/balance:"):
            _compare(project, draft, lines(own))
    if draft.suggestions is not None:
        _found(draft, draft.suggestions, stored)


def _compare(project: Project, draft: Draft, own: Sequence[str]) -> None:
    workspace = session.workspace()
    loading = "" if workspace.holds_encoder(project) else "Loading the text tower, once. "
    try:
        with st.spinner(f"{loading}Reading prompts and fitting each candidate"):
            draft.suggestions = suggest_prompts(workspace, project.id, own)
    except AlflowError as error:
        draft.suggestions = None
        st.warning(session.sentence(error))


def _found(draft: Draft, found: Suggestions, stored: Sequence[ClassLabel]) -> None:
    names = {label.id: label.display_name for label in stored}
    if found.classes:
        st.write(f"The {found.labels:,} labels prefer other prompts for {len(found.classes)} of {len(stored)} classes.")
        _gain(found)
        rows = [{"Class": names.get(one.class_id, "?"), "Prompts": "; ".join(one.prompts)} for one in found.classes]
        table(rows, "suggested", height=35 * min(len(rows) + 1, 8) + 3)
        if st.button("Try these", icon=":material/play_arrow:"):
            take(draft, stored, found.edits)
    else:
        st.write(f"The {found.labels:,} labels prefer no other prompts: no difference is larger than chance.")
    data = pd.DataFrame([
        {"candidate": one.title, "gain": one.gain.value, "low": one.gain.low, "high": one.gain.high}
        for one in found.fits
    ])
    if len(data):
        reading = (
            "Held-out log-likelihood if one candidate made the prompts of all classes, above that of what is saved; "
            "the lines are 95% intervals. To the right is better. Of many the best looks better than it is."
        )
        figure(_chart(data), key="suggestions", data=data, reading=reading)
    if found.left_out:
        st.caption(f"Not compared, for they would be too many texts: {', '.join(found.left_out)}.")


def _gain(found: Suggestions) -> None:
    gain = found.gain
    if gain is None:
        return
    sure = gain.nlpd.high < 0
    st.write(
        f"Expected gain, on labels that neither the choice nor the fit has seen: NLPD {gain.nlpd.value:+.3f} nats "
        f"(95%: {gain.nlpd.low:+.3f} to {gain.nlpd.high:+.3f}; lower is better), accuracy "
        f"{100 * gain.accuracy.value:+.1f} points (95%: {100 * gain.accuracy.low:+.1f} to "
        f"{100 * gain.accuracy.high:+.1f})." + ("" if sure else " That is no sure gain.")
    )


def _chart(data: pd.DataFrame) -> alt.LayerChart | alt.FacetChart:
    colour = next(iter(SERIES.values()))
    y = alt.Y("candidate:N", sort=None, title=None, axis=alt.Axis(labelLimit=160, labelOverlap=False))
    base = alt.Chart(data).encode(y=y)
    zero = alt.Chart(pd.DataFrame({"x": [0.0]})).mark_rule(strokeDash=[4, 4], opacity=0.6, color="gray").encode(x="x:Q")
    bars = base.mark_rule(strokeWidth=2, color=colour).encode(x=alt.X("low:Q", title="Nats a label"), x2="high:Q")
    tooltip = ["candidate:N", *(alt.Tooltip(f"{each}:Q", format="+.3f") for each in ("gain", "low", "high"))]
    points = base.mark_point(filled=True, size=60, opacity=1, color=colour).encode(x="gain:Q", tooltip=tooltip)
    return alt.layer(zero, bars, points).properties(height=22 * len(data) + 30)
