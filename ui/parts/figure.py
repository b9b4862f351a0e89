"""A chart with everything a reader needs: how to read it, its data, and ways to take it along."""

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from alflow.cells import write_csv
from alflow.ui.components.saver import saver
from alflow.ui.parts.tables import table


def figure(chart: alt.TopLevelMixin, *, key: str, data: pd.DataFrame, reading: str) -> None:
    """Show a chart, a sentence how to read it, and its data as a table that is offered as CSV.

    PNG is in the menu at the chart's corner, SVG below the data. The table is also what a screen reader reads.

    Args:
        chart: of Altair, in the colours of `alflow.ui.parts.charts`.
        key: names the figure on its page, and its files; in plain letters, digits and `-`.
        data: what is drawn, one row a mark.
        reading: how to read it; shown below it.
    """
    drawn: Any = chart
    with st.container(key=f"figure-{key}"):
        st.altair_chart(drawn.properties(description=reading), key=f"chart-{key}")
    with st.container(horizontal=True, vertical_alignment="top"):
        st.caption(reading, width="stretch")
        with st.popover("Data", icon=":material/table_chart:", type="tertiary", width="content"):
            table(data, f"figure-{key}")
            _files(key, data)


def _files(key: str, data: pd.DataFrame) -> None:
    left, right = st.columns(2)
    left.download_button(
        "Save as CSV",
        data=lambda: _csv(data),
        file_name=f"{key}.csv",
        mime="text/csv",
        on_click="ignore",
        key=f"csv-{key}",
        width="stretch",
    )
    with right:
        saver(f"figure-{key}", key)


def _csv(data: pd.DataFrame) -> bytes:
    rows = ({str(name): value for name, value in row.items()} for row in data.to_dict("records"))
    return write_csv([str(name) for name in data.columns], rows)
