"""Cells of a CSV file that a spreadsheet would run: quoted where alflow writes them, and given back where it reads.

A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or a line end for a formula, whoever wrote it.
Such a text gets one apostrophe in front, as OWASP advises ("CSV injection"). A text that has apostrophes before such a
sign gets one more, so that nothing is ambiguous: to read is to take one away. Numbers are numbers and stay as they are.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any, Final

_QUOTE: Final = "'"
_RUN: Final = frozenset("=+-@")
_CUT: Final = re.compile(r"[\t\r\n]")
_PASSED_OVER: Final = re.compile(r"[\s\x00\u00ad\u200b-\u200f\u2060-\u2064\ufeff]*")  # some programs trim these


def quoted(text: str) -> str:
    """The text as a cell that no spreadsheet runs."""
    return _QUOTE + text if is_run(text.lstrip(_QUOTE)) else text


def unquoted(cell: str) -> str:
    """The text of a cell: what `quoted` made of it is undone, everything else stays as it is."""
    return cell[1:] if cell.startswith(_QUOTE) and is_run(cell.lstrip(_QUOTE)) else cell


def is_run(cell: str) -> bool:
    """Whether a spreadsheet may take the cell for a formula; full-width signs count as the plain ones."""
    if _CUT.match(cell):
        return True
    sign = _PASSED_OVER.sub("", cell, count=1)[:1]
    return unicodedata.normalize("NFKC", sign)[:1] in _RUN if sign else False


def write_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """A CSV file with a header; every text stands in quotation marks, so that `;` and tabs cut none either."""
    file = io.BytesIO()
    stream_csv(file, columns, rows)
    return file.getvalue()


def stream_csv(file: IO[bytes], columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """What `write_csv` makes, row by row into a file that is open."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    try:
        writer = csv.DictWriter(text, columns, quoting=csv.QUOTE_NONNUMERIC)
        writer.writeheader()
        writer.writerows(
            {name: quoted(value) if isinstance(value, str) else value for name, value in row.items()} for row in rows
        )
    finally:
        text.detach()  # the file stays open
