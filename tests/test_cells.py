"""What a spreadsheet would run is quoted, and read back it is what it was."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alflow.cells import quoted, unquoted, write_csv

RUN = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\tx",
    "\r=1",
    "\n=1",
    "\nx",
    " =1",
    "  @x",
    "\u00a0=1",
    "\ufeff=1",
    "=",
    "-",
]
RUN += ["\u200b=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x", "\ufe621", "\ufe631", "\ufe661", "\ufe6bx", "\u207a1"]
RUN += ["\u207c1", " \u3000\uff1d1", "\x00=1", "\x0b=1"]
PLAIN = ["", "robin", "a=b", "a-b", "'", "'robin'", "''", "'90s", "1", "  x", "日本", "é=", "#=1", "\u2028x", "'  x"]


@pytest.mark.parametrize("text", RUN)
def test_what_would_be_run_begins_with_an_apostrophe(text: str) -> None:
    for before in ("", "'", "''"):
        assert quoted(before + text) == f"'{before}{text}"
        assert unquoted(quoted(before + text)) == before + text


@pytest.mark.parametrize("text", PLAIN)
def test_everything_else_stays_as_it_is(text: str) -> None:
    assert quoted(text) == text
    assert unquoted(text) == text


@given(st.lists(st.sampled_from([*RUN, *PLAIN, "=", "'", "\t", " "]), max_size=4).map("".join) | st.text())
def test_writing_and_reading_is_nothing(text: str) -> None:
    assert unquoted(quoted(text)) == text
    assert not quoted(text).lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


_CELLS = st.none() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.tuples(_CELLS, _CELLS), max_size=5))
def test_a_file_says_what_went_in(rows: list[tuple[object, object]]) -> None:
    written = write_csv(["a", "b"], [{"a": one, "b": other} for one, other in rows]).decode()
    read = list(csv.reader(io.StringIO(written, newline="")))
    for row, cells in zip(rows, read[1:], strict=True):
        for value, cell in zip(row, cells, strict=True):
            assert (unquoted(cell) if isinstance(value, str) else cell) == ("" if value is None else str(value))


def test_numbers_stay_numbers_and_no_text_is_cut() -> None:
    written = write_csv(["a", "b", "c"], [{"a": -0.5, "b": "x;=1", "c": "y\t=1"}, {"a": 3, "b": "-0.5", "c": None}])
    assert written.decode() == '"a","b","c"\r\n-0.5,"x;=1","y\t=1"\r\n3,"\'-0.5",""\r\n'
