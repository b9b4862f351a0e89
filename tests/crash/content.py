"""What a place holds, as far as it is determined: rows without times, artifacts, exported files, leftovers."""

import hashlib
import json
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Column, Connection, Integer, Table, select

from alflow.store.engines import make_engine
from alflow.store.tables import metadata
from alflow.store.tables.base import UtcDateTime
from tests.crash.steps import Place

_LEFT: Final = ("*.tmp", ".tmp*", ".*.partial", ".alflow-*")
_TIME: Final = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+")
_TABLES: Final = {table.name: table for table in metadata.sorted_tables}
_TIMES: Final = {one.name for table in _TABLES.values() for one in table.columns if isinstance(one.type, UtcDateTime)}

Rows = dict[str, list[tuple[str, ...]]]


@dataclass(frozen=True)
class Content:
    """What a place holds.

    Attributes:
        rows: of each table, with ids as their ranks, since a transaction that was rolled back may use some up.
        files: artifacts, exported files and members of a backup, by name, with their SHA-256.
        tokens: of the answers that are stored.
        leftovers: unfinished files.
    """

    rows: Rows
    files: dict[str, str]
    tokens: frozenset[str]
    leftovers: tuple[Path, ...]

    def differs(self, other: "Content") -> str:
        """Where this differs from the other, in words; empty if nowhere."""
        rows = {name for name in _TABLES if self.rows[name] != other.rows[name]}
        files = {name for name in self.files | other.files if self.files.get(name) != other.files.get(name)}
        return ", ".join(sorted(rows) + sorted(files))


def content_of(place: Place) -> Content:
    """What a place holds now, when nobody works there."""
    left = tuple(path for name in _LEFT for path in place.folder.rglob(name))
    files = {
        str(path.relative_to(place.folder)): _sum(path)
        for folder in ("home/artifacts", "exported")
        for path in (place.folder / folder).rglob("*")
        if path.is_file() and path not in left
    }
    if (backup := place.folder / "backup.tar").exists():
        files |= _members(backup)
    engine = make_engine(place.url)
    try:
        with engine.connect() as connection:
            rows = _rows(connection)
            tokens = frozenset(connection.execute(select(_TABLES["label"].c.token)).scalars())
    finally:
        engine.dispose()
    return Content(rows, files, tokens, left)


def told_in(place: Place) -> set[str]:
    """The tokens of answers that were acknowledged."""
    return set(place.told.read_text().splitlines()) if place.told.exists() else set()


def _sum(path: Path) -> str:
    data = path.read_bytes()
    return hashlib.sha256(_TIME.sub(b"", data) if path.suffix == ".json" else data).hexdigest()


def _members(backup: Path) -> dict[str, str]:
    """What a backup holds, by its own checksums; of its database only that it is there."""
    with tarfile.open(backup) as tar:
        sums = json.loads(tar.extractfile("checksums.json").read())  # type: ignore[union-attr]
    return {name: made if name.startswith("artifacts/") else "" for name, made in sums.items()}


def _rows(connection: Connection) -> Rows:
    found = {name: connection.execute(select(table)).all() for name, table in _TABLES.items()}
    ranks = {
        name: {key: rank for rank, key in enumerate(sorted(row.id for row in found[name]))}
        for name, table in _TABLES.items()
        if "id" in table.columns and isinstance(table.c.id.type, Integer)
    }

    def plain(table: Table, column: Column[Any], value: Any) -> str:
        known = ranks.get(_owner(table, column), {})
        return repr(known.get(value) if known and value is not None else _timeless(value))

    return {
        name: sorted(
            tuple(
                plain(table, column, value)
                for column, value in zip(table.columns, row, strict=True)
                if column.name not in _TIMES
            )
            for row in found[name]
        )
        for name, table in _TABLES.items()
    }


def _owner(table: Table, column: Column[Any]) -> str:
    """The table whose rows a column names by their ids; none if it names no rows."""
    if column.name == "id":
        return table.name
    return next((key.column.table.name for key in column.foreign_keys), column.name.removesuffix("_id"))


def _timeless(value: Any) -> Any:
    """Without times, and without the ids of rows, of which the history keeps copies."""
    if isinstance(value, dict):
        return {key: _timeless(each) for key, each in sorted(value.items()) if key not in {*_TIMES, "id"}}
    return [_timeless(each) for each in value] if isinstance(value, list) else value
