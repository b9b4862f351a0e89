"""Manifests: tables that name images. An error in a row is reported for that row; the rest goes on.

A table has a column `path` or `uri` and, if wanted, `label`, `split`, `group` and `caption`; other columns are left
alone. Case and spaces of a column's name do not count. Rows have the number that an editor shows for the line on which
they begin.
"""

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pyarrow import Table, parquet

from alflow.cells import unquoted
from alflow.errors import InvalidInputError
from alflow.store.rows import storable
from alflow.text import LONGEST_NAME
from alflow.workflow.images.reading import is_web_page

COLUMNS: Final = ("path", "uri", "label", "split", "caption", "group")

_SEPARATOR: Final = re.compile(r'"?sep=(.)"?\r?\n')  # the line before the header in which Excel names the separator


@dataclass(frozen=True)
class Row:
    """One row of a manifest: what it names, or the problem for which it cannot be used."""

    number: int
    where: str = ""
    label: str = ""
    split: str = ""
    caption: str = ""
    problem: str = ""
    group: str = ""


def rows(suffix: str, data: bytes) -> list[Row]:
    """All rows of a manifest; lines without anything on them are no rows.

    Raises:
        InvalidInputError: it is not a table with such a column; the message continues "the manifest NAME".
    """
    if is_web_page(data):
        raise InvalidInputError("cannot be read: it is a web page (HTML), save the file that the page offers")
    return list(READERS[suffix](data))


def _csv(data: bytes, mark: str = ",") -> Iterator[Row]:
    """Cells by line.

    Raises:
        InvalidInputError: it is no text, or has no header that names a file.
    """
    lines = list(io.StringIO(_text(data), newline=""))
    declared = _SEPARATOR.match(lines[0]) if lines else None
    records = _records(lines, declared[1] if declared else mark)
    _, header = next(records, (1, []))
    if declared:
        _, header = next(records, (2, []))
    if isinstance(header, str):
        raise InvalidInputError(f"cannot be read: in its header {header}")
    columns = _columns(header)
    for number, cells in records:
        if isinstance(cells, str):
            yield Row(number, problem=cells)
        elif any(cell.strip() for cell in cells[len(header) :]):
            yield Row(number, problem=f"it has {len(cells)} cells, the header {len(header)}; a comma needs quotes")
        else:
            yield row_of(number, {name: unquoted(cells[at]) for name, at in columns.items() if at < len(cells)})


def _records(lines: Sequence[str], mark: str) -> Iterator[tuple[int, list[str] | str]]:
    """The cells of each record, or what is wrong with it; after a bad one the next line starts a new record."""
    start = 0
    while start < len(lines):
        reader = csv.reader(map(lines.__getitem__, range(start, len(lines))), delimiter=mark, strict=True)
        number, taken, cells = start + 1, 1, list[str]()
        try:
            cells, taken = next(reader), reader.line_num
        except csv.Error as error:
            if lines[start].count('"') % 2 or "limit" in str(error):
                yield number, f"its quotes do not close, or a cell is too long ({error})"
            else:  # quotes inside a cell, which are read as they stand
                cells = next(csv.reader([lines[start]], delimiter=mark))
        if len(cells) > 1 or any(cell.strip() for cell in cells):
            yield number, cells
        start += taken


def _jsonl(data: bytes) -> Iterator[Row]:
    """Objects by line, which ends at a newline only: captions may hold other separators.

    Raises:
        InvalidInputError: it is no text, or no line names a file.
    """
    found, first = False, ""
    for number, line in enumerate(_text(data).split("\n"), start=1):
        if not line.strip():
            continue
        row = _json_row(number, line)
        found, first = found or not row.problem.startswith(_NO_OBJECT), first or f"line {number}: {row.problem}"
        yield row
    if first and not found:
        raise InvalidInputError(f"needs a 'path' or 'uri' in each line: {first}")


_NO_OBJECT: Final = "it is no JSON object"


def _json_row(number: int, line: str) -> Row:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Row(number, problem=f"{_NO_OBJECT}: {error}")
    if not isinstance(value, dict):
        return Row(number, problem=f"{_NO_OBJECT}, but {_kind(value)}")
    known = {name: part for key, part in value.items() if (name := key.strip().lower()) in COLUMNS}
    if not known.keys() & {"path", "uri"}:
        return Row(number, problem=f"{_NO_OBJECT} with 'path' or 'uri'; it has: {', '.join(value)[:200]}")
    return row_of(number, known | {name: value[name] for name in COLUMNS if name in value})


def _parquet(data: bytes) -> Iterator[Row]:
    """Rows of the columns that are wanted, and no others.

    Raises:
        InvalidInputError: it is damaged, or has no column that names a file.
    """
    try:
        file = parquet.ParquetFile(io.BytesIO(data))
        names = file.schema_arrow.names
        columns = _columns(names)
        table = file.read(columns=[names[at] for at in columns.values()])
    except (ValueError, OSError, KeyError, NotImplementedError) as error:
        raise InvalidInputError(f"cannot be read: {error}") from error
    values = {name: _values(table, names[at]) for name, at in columns.items()}
    for at in range(table.num_rows):
        yield row_of(at + 1, {name: column[at] for name, column in values.items()})


def _values(table: Table, column: str) -> list[Any]:
    """The values of a column; text that is none comes as bytes."""
    try:
        return list(table[column].to_pylist())
    except UnicodeDecodeError:
        return [_value(one) for one in table[column]]


def _value(scalar: Any) -> Any:
    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        return bytes(scalar.as_buffer())


def _text(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data[:2]:
        raise InvalidInputError("cannot be read: it is UTF-16 text, save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidInputError(f"cannot be read: line {line} is not UTF-8 text, save the file as UTF-8") from error


def _columns(header: Sequence[str]) -> dict[str, int]:
    """Where the known columns are.

    Raises:
        InvalidInputError: one is there twice, or none names a file.
    """
    plain = [name.strip().lower() for name in header]
    if twice := [name for name in COLUMNS if plain.count(name) > 1]:
        raise InvalidInputError(f"has several columns {twice[0]!r}: rename all but one")
    if not {"path", "uri"} & set(plain):
        has = ", ".join(header) or "nothing"
        raise InvalidInputError(f"needs a column 'path' or 'uri' in its first line: it has {has[:200]}{_hint(header)}")
    return {name: plain.index(name) for name in COLUMNS if name in plain}


def _hint(header: Sequence[str]) -> str:
    """The remedy for a table with another separator, as spreadsheets in many languages write it."""
    mark = next((mark for mark in ";|\t," if len(header) == 1 and mark in header[0]), None)
    return f"; cells are separated by {mark!r} there: write 'sep={mark}' in a line before it" if mark else ""


def row_of(number: int, values: Mapping[str, Any]) -> Row:
    """The row of these columns, or one with the problem for which it cannot be used."""
    where = next((value for name in ("uri", "path") if not _is_empty(value := values.get(name))), "")
    if not isinstance(where, str):
        return Row(number, problem=f"its 'path' is {_kind(where)}, not text")
    if not where:
        return Row(number, problem="its 'path' is empty")
    label, split, caption, group = (_as_text(values.get(name)) for name in ("label", "split", "caption", "group"))
    if not _is_text(caption):
        return Row(number, problem="its 'caption' is no valid text")
    if len(group) > LONGEST_NAME or storable(group) != group:
        return Row(number, problem=f"its 'group' is no valid text of {LONGEST_NAME} characters at most")
    return Row(number, where, label, split, caption, group=group)


def _is_text(value: str) -> bool:
    """Whether it holds no lone surrogate, which no tokenizer accepts."""
    return value.isascii() or value.encode("utf-8", "replace").decode() == value


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value)) or not str(value).strip()


def _as_text(value: Any) -> str:
    """The text of a cell; lists and objects as JSON, so that whoever counts labels can name them."""
    if _is_empty(value):
        return ""
    return json.dumps(value, default=str, ensure_ascii=False) if isinstance(value, (list, dict)) else str(value).strip()


def _kind(value: Any) -> str:
    kinds = {bool: "true or false", str: "text", bytes: "bytes", list: "a list", dict: "an object"}
    return "null" if value is None else kinds.get(type(value), "a number")


def _tsv(data: bytes) -> Iterator[Row]:
    return _csv(data, "\t")


READERS: Final[Mapping[str, Callable[[bytes], Iterator[Row]]]] = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".parquet": _parquet,
}
"""Ending of a manifest -> how its rows are read."""
