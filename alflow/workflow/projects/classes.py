"""Reading classes from a file.

| suffix | what it holds |
|---|---|
| `.json` | a list of names or of objects {name, display_name, prompts, hot_key, group}, or an object name -> prompts |
| `.csv`, `.tsv` | columns `name`, if wanted `display_name`, `prompt`, `hot_key`, `group`; another row adds a prompt |
| any other | one name a line |
"""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from alflow.cells import unquoted
from alflow.domain.projects import NewClass
from alflow.errors import InvalidInputError
from alflow.text import likeness, quoted
from alflow.workflow.projects.naming import TEMPLATES, complete_classes
from alflow.workflow.projects.pasted import names_of

_FIELDS: Final = frozenset({"name", "display_name", "prompts", "hot_key", "group"})
_COLUMNS: Final = frozenset({"name", "display_name", "prompt", "hot_key", "group"})
_DELIMITERS: Final = ",;\t"  # spreadsheets of some languages write semicolons


def read_classes(path: Path, templates: Sequence[str] = TEMPLATES) -> list[NewClass]:
    """The classes of a file, complete: those without prompts get them from the templates.

    Raises:
        InvalidInputError: the file cannot be read, or a class in it cannot be used; the message names file and class.
    """
    return complete_classes(read_given(path, templates), templates)


def read_given(path: Path, templates: Sequence[str] = TEMPLATES) -> list[NewClass]:
    """The classes of a file as they are given there, when they could be completed: what is left out stays empty.

    Raises:
        InvalidInputError: the file cannot be read, or a class in it cannot be used; the message names file and class.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"the class file {path} cannot be read: save it as UTF-8 ({error})") from error
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"the class file {path} cannot be read: {error}") from error
    read = {".json": _from_json, ".csv": _from_csv, ".tsv": _from_csv}.get(path.suffix.lower(), _from_lines)
    return _given(f"the class file {path}", read, text, templates)


def read_pasted(text: str, templates: Sequence[str] = TEMPLATES) -> list[NewClass]:
    """The classes of what somebody typed or pasted: a list, or the text of a CSV or JSON file, as they are given there.

    Raises:
        InvalidInputError: a class in it cannot be used; the message names it.
    """
    text = text.lstrip("\ufeff")
    heading = {cell.strip().strip('"').lower() for cell in re.split(f"[{_DELIMITERS}]", text.partition("\n")[0])}
    is_table = len(heading) > 1 and "name" in heading
    read = _from_json if text.lstrip()[:1] in {"[", "{"} else _from_csv if is_table else _from_list
    return _given("the list of classes", read, text, templates)


def _given(
    what: str, read: Callable[[str], list[Mapping[str, Any]]], text: str, templates: Sequence[str]
) -> list[NewClass]:
    try:
        given = [_class(entry) for entry in read(text)]
        if not given:
            raise InvalidInputError("it holds no class")
        complete_classes(given, templates)
    except (InvalidInputError, ValueError, RecursionError, csv.Error) as error:
        raise InvalidInputError(f"{what} cannot be used: {error}") from error
    return given


def _from_lines(text: str) -> list[Mapping[str, Any]]:
    lines = [line.strip() for line in re.split(r"\r\n|\r|\n", text)]
    if notes := [number for number, line in enumerate(lines, 1) if line.startswith("# ")]:
        raise InvalidInputError(
            f"line {notes[0]} begins with '# ': take comments out, or name such a class in a CSV file"
        )
    return [{"name": line} for line in lines if line]


def _from_list(text: str) -> list[Mapping[str, Any]]:
    return [{"name": name} for name in names_of(text)]


def _from_json(text: str) -> list[Mapping[str, Any]]:
    content = json.loads(text, object_pairs_hook=_once)
    if isinstance(content, dict):
        content = [{"name": name, "prompts": prompts} for name, prompts in content.items()]
    if not isinstance(content, list):
        raise InvalidInputError("JSON must be a list of classes, or an object name -> prompts")
    return [{"name": entry} if isinstance(entry, str) else _checked_fields(entry) for entry in content]


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise InvalidInputError(f"{quoted(double)} is in it twice: remove one")
    return found


def _from_csv(text: str) -> list[Mapping[str, Any]]:
    rows = _rows(text)
    classes: dict[str, dict[str, Any]] = {}
    for number, row in rows:
        cells = {column: unquoted(value).strip() for column, value in row.items()}
        given = {column: value for column, value in cells.items() if value}
        if not given:
            continue
        if "name" not in given:
            raise InvalidInputError(f"row {number} names no class")
        known = classes.get(given["name"])
        prompts = [given.pop("prompt")] if "prompt" in given else []
        if known is None:
            classes[given["name"]] = {**given, "prompts": prompts}
        else:
            _add_row(known, given, prompts, number)
    return list(classes.values())


def _add_row(known: dict[str, Any], given: Mapping[str, str], prompts: list[str], number: int) -> None:
    """Another row of a class adds a prompt, and may say what was left open.

    Raises:
        InvalidInputError: it adds none, or contradicts.
    """
    name = quoted(given["name"])
    if not prompts:
        raise InvalidInputError(
            f"row {number} names {name} again: two classes have the name {name}, or a prompt is missing"
        )
    if wrong := [column for column, value in given.items() if known.get(column, value) != value]:
        raise InvalidInputError(f"row {number} gives {name} another {wrong[0]} than a row before")
    known |= given
    known["prompts"] += prompts


def _rows(text: str) -> list[tuple[int, dict[str, str]]]:
    """The rows by column, each with the number of the line that it ends on; a spreadsheet may have named the delimiter.

    Raises:
        InvalidInputError: columns are missing or unknown, or a row is longer than the header.
    """
    declared = re.match(r"sep=(.)\r?\n", text)
    text = text[declared.end() :] if declared else text
    for delimiter in declared[1] if declared else _DELIMITERS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        columns = [_column(heading) for heading in next(reader, [])]
        if "name" in columns:
            break
    else:
        columns = [heading.strip() for heading in next(csv.reader(io.StringIO(text, newline="")), [])]
    if "name" not in columns or set(columns) - _COLUMNS - {""} or len(set(columns)) < len(columns):
        found, wanted = ", ".join(columns), ", ".join(sorted(_COLUMNS))
        raise InvalidInputError(f"its columns are {found}: a column 'name' is needed, and possible are {wanted}")
    rows = []
    for cells in reader:
        if any(cell.strip() for cell in cells[len(columns) :]):
            raise InvalidInputError(
                f"row {reader.line_num} has more cells than there are columns: quote cells that hold {delimiter!r}"
            )
        rows.append((reader.line_num, dict(zip(columns, cells, strict=False))))
    return rows


def _column(heading: str) -> str:
    """`Display name` is `display_name`, and `prompts` are read as `prompt`."""
    column = likeness(heading).replace(" ", "_")
    return "prompt" if column == "prompts" else column


def _checked_fields(entry: Any) -> Mapping[str, Any]:
    if not isinstance(entry, dict) or "name" not in entry or entry.keys() - _FIELDS:
        shown = quoted(json.dumps(entry, ensure_ascii=False))
        raise InvalidInputError(f"{shown} is not a class: give a name, or an object of {', '.join(sorted(_FIELDS))}")
    return entry


def _class(entry: Mapping[str, Any]) -> NewClass:
    name, display, key, group = (
        "" if entry.get(field) is None else entry[field] for field in ("name", "display_name", "hot_key", "group")
    )
    prompts = [] if entry.get("prompts") is None else entry["prompts"]
    prompts = [prompts] if isinstance(prompts, str) else prompts
    if not isinstance(prompts, list) or not all(
        isinstance(text, str) for text in (name, display, key, group, *prompts)
    ):
        raise InvalidInputError(f"the class {quoted(str(name))} holds something that is not text")
    return NewClass(name, display, tuple(prompts), key or None, group)
