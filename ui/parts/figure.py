"""A chart with everything a reader needs: how to read it, its data, and ways to take it along."""

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from ui.parts.tables import table


def figure(chart: alt.TopLevelMixin, *, key: str, data: pd.DataFrame, reading: str) -> None:
    """Show a chart, a sentence how to read it, and its data as a table that is offered as CSV.

    PNG and SVG are in the menu at the chart's corner. The table is also what a screen reader reads.

    Args:
        chart: of Altair, in the colours of `ui.parts.charts`.
        key: names the figure on its page.
        data: what is drawn, one row a mark.
        reading: how to read it; shown below it.
    """
    drawn: Any = chart
    st.altair_chart(drawn, key=f"figure-{key}")
    with st.container(horizontal=True, vertical_alignment="top"):
        st.caption(reading, width="stretch")
        with st.popover("Data", icon=":material/table_chart:", type="tertiary", width="content"):
            table(data, f"figure-{key}")
