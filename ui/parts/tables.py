"""Tables on pages. Streamlit offers each as a CSV file, whose cells it does not quote."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
import streamlit as st

from alflow.cells import is_run
from alflow.ui.parts.clock import zone

BARE: Final = "bare-table"
"""Key of tables with cells that a spreadsheet would run: the theme hides their download."""
_FIGURES: Final = re.compile(r"[\d\s.,%±()\[\]+-]*")  # as `+0.1 (0.2)`, of our own


def table(rows: Sequence[Mapping[str, Any]] | pd.DataFrame, name: str, **options: Any) -> None:
    """Show the rows, times in the zone of the visitor; `name` identifies the table on the page."""
    options = {"placeholder": "", **options}
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows)
    times = frame.select_dtypes("datetimetz")
    frame = frame.assign(**{str(name): times[name].dt.tz_convert(zone()) for name in times})
    texts = (value for column in frame for value in (column, *frame[column]) if isinstance(value, str))
    if any(is_run(text) and not _FIGURES.fullmatch(text) for text in texts):
        st.container(key=f"{BARE}-{name}").dataframe(frame, hide_index=True, **options)
    else:
        st.dataframe(frame, hide_index=True, **options)
