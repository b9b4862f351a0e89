"""The section that says whether labels are worth what the model expects of them."""

from math import isfinite, isinf

import streamlit as st

from alflow.ui.parts import worth_charts
from alflow.ui.parts.figure import figure
from alflow.workflow.insight.worth import Kept, Worth


def labels_worth(found: Worth) -> None:
    """Show the sentence and both figures, or what they wait for."""
    st.subheader("What labels were worth")
    if found.overall is None or not isfinite(found.overall.ratio):
        st.info(
            "This shows whether labels tell as much as the model expects of them, once a round is closed whose images "
            "were chosen by this version."
        )
        return
    all_of_them = found.overall
    between = "" if isinf(all_of_them.high) else f" (95% interval {all_of_them.low:.2f} to {all_of_them.high:.2f})"
    st.markdown(
        f"{all_of_them.items} labels told {all_of_them.ratio:.2f} times as much as was expected of them{between}: "
        f"{_verdict(all_of_them)}."
    )
    left, right = st.columns(2, gap="large")
    groups, rounds = worth_charts.group_table(found.groups), worth_charts.round_table(found.by_round)
    with left:
        if groups.empty:
            st.info("Groups of images are shown once five labels of the strategy's picks are known.")
        else:
            figure(worth_charts.promises(groups), key="promises", data=groups, reading=_READING_GROUPS)
    with right:
        figure(worth_charts.by_round(rounds), key="promises-by-round", data=rounds, reading=_READING_ROUNDS)


_READING_GROUPS = (
    "Each point is a group of images of which about the same was expected; the bar is the 95% interval of what their "
    "labels told, and both axes go by powers of ten. On the dashed line labels keep what the model promised. Above it "
    "answers surprised more often than the model thought, below it less often."
)
_READING_ROUNDS = (
    "What the labels of each round told, over what was expected of them when the round opened. At 1 the model was "
    "right about itself; the bar is the 95% interval, where there are five labels or more."
)


def _verdict(found: Kept) -> str:
    if isinf(found.high):
        return "too few labels to tell whether the model knows itself"
    if found.low > 1:
        return "answers surprised the model more often than it thought, so it was too sure"
    if found.high < 1:
        return "answers surprised the model less often than it thought, so it was not sure enough"
    return "as far as these labels can tell, the model knows what it does not know"
