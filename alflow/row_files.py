"""Tables as files for other programs, written piece by piece: CSV that no spreadsheet runs, JSON lines, Parquet."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from alflow.cells import stream_csv
from alflow.errors import InvalidInputError

Rows = Iterable[Mapping[str, Any]]
Write = Callable[[IO[bytes], pa.Schema, Rows], None]

_GROUP: Final = 20_000  # rows of a group of a Parquet file
_LINE_ENDS: Final = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}  # to some readers


def check_ending(what: str, suffix: str) -> str:
    """The ending, if there is such a format.

    Raises:
        InvalidInputError: there is none; `what` names what was to be written.
    """
    if suffix not in FORMATS:
        raise InvalidInputError(f"{what} cannot be written as '{suffix}': end the file in {', '.join(FORMATS)}")
    return suffix


def write_rows(file: IO[bytes], suffix: str, schema: pa.Schema, rows: Rows) -> None:
    """Write rows, which have the columns of the schema, as the format of an ending that was checked."""
    FORMATS[suffix](file, schema, rows)


def write_batches(file: IO[bytes], suffix: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """`write_rows`, from columns: for tables of many."""
    if suffix == ".parquet":
        with pq.ParquetWriter(file, schema) as table:
            for batch in batches:
                table.write_batch(batch)
        return
    write_rows(file, suffix, schema, (row for batch in batches for row in batch.to_pylist()))


def _csv(file: IO[bytes], schema: pa.Schema, rows: Rows) -> None:
    stream_csv(file, schema.names, ({name: _plain(value) for name, value in row.items()} for row in rows))


def _jsonl(file: IO[bytes], _: pa.Schema, rows: Rows) -> None:
    for row in rows:
        line = json.dumps({name: _plain(value) for name, value in row.items()}, ensure_ascii=False)
        file.write(f"{line.translate(_LINE_ENDS)}\n".encode())


def _parquet(file: IO[bytes], schema: pa.Schema, rows: Rows) -> None:
    with pq.ParquetWriter(file, schema) as table:
        for group in _groups(rows):
            table.write_table(pa.Table.from_pylist(group, schema))


def _groups(rows: Rows) -> Iterator[list[Mapping[str, Any]]]:
    remaining = iter(rows)
    while group := list(islice(remaining, _GROUP)):
        yield group


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


FORMATS: Final[Mapping[str, Write]] = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}
"""Ending -> how rows become a file; the pages offer these."""
