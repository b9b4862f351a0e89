"""Reading classes from a file.

| suffix | what it holds |
|---|---|
| `.json` | a list of names or of objects {name, display_name, prompts, hot_key}, or an object name -> prompts |
| `.csv` | columns `name` and, if wanted, `display_name`, `prompt`, `hot_key`; another row of a name adds a prompt |
| any other | one name a line |
"""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from alflow.domain import NewClass
from alflow.errors import InvalidInputError
from alflow.workflow.projects import TEMPLATES, complete_classes

_FIELDS: Final = frozenset({"name", "display_name", "prompts", "hot_key"})
_COLUMNS: Final = frozenset({"name", "display_name", "prompt", "hot_key"})


def read_classes(path: Path, templates: Sequence[str] = TEMPLATES) -> list[NewClass]:
    """The classes of a file, complete: those without prompts get them from the templates.

    Raises:
        InvalidInputError: the file cannot be read, or a class in it cannot be used; the message names file and class.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"the class file {path} cannot be read: {error}") from error
    read = {".json": _from_json, ".csv": _from_csv}.get(path.suffix.lower(), _from_lines)
    try:
        entries = read(text)
        if not entries:
            raise InvalidInputError("it holds no class")
        return complete_classes([_class(entry) for entry in entries], templates)
    except (InvalidInputError, ValueError, csv.Error) as error:
        raise InvalidInputError(f"the class file {path} cannot be used: {error}") from error


def _from_lines(text: str) -> list[Mapping[str, Any]]:
    return [{"name": line.strip()} for line in text.splitlines() if line.strip()]


def _from_json(text: str) -> list[Mapping[str, Any]]:
    content = json.loads(text)
    if isinstance(content, dict):
        content = [{"name": name, "prompts": prompts} for name, prompts in content.items()]
    if not isinstance(content, list):
        raise InvalidInputError("JSON must be a list of classes, or an object name -> prompts")
    return [{"name": entry} if isinstance(entry, str) else _checked_fields(entry) for entry in content]


def _from_csv(text: str) -> list[Mapping[str, Any]]:
    reader = csv.DictReader(text.splitlines(), restkey="too many columns")
    columns = set(reader.fieldnames or ())
    if "name" not in columns or columns - _COLUMNS:
        found, wanted = ", ".join(sorted(columns)), ", ".join(sorted(_COLUMNS))
        raise InvalidInputError(f"its columns are {found}; a column 'name' is needed, and known are {wanted}")
    classes: dict[str, dict[str, Any]] = {}
    for row in reader:
        given = {column: value.strip() for column, value in row.items() if isinstance(value, str) and value.strip()}
        entry = classes.setdefault(given.get("name", ""), {"prompts": []})
        entry["prompts"] += [given.pop("prompt")] if "prompt" in given else []
        entry |= given
    return list(classes.values())


def _checked_fields(entry: Any) -> Mapping[str, Any]:
    if not isinstance(entry, dict) or "name" not in entry or entry.keys() - _FIELDS:
        raise InvalidInputError(f"{entry!r} is no class; give a name, or an object of {', '.join(sorted(_FIELDS))}")
    return entry


def _class(entry: Mapping[str, Any]) -> NewClass:
    name, display, key = (entry.get(field) or "" for field in ("name", "display_name", "hot_key"))
    prompts = entry.get("prompts") or []
    prompts = [prompts] if isinstance(prompts, str) else prompts
    if not isinstance(prompts, list) or not all(isinstance(text, str) for text in (name, display, key, *prompts)):
        raise InvalidInputError(f"the class {name!r} holds something that is no text")
    return NewClass(name, display, tuple(prompts), key or None)
