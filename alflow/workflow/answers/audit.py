"""Check that every label follows from its history."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from math import isclose
from typing import Any

from alflow.domain.answers import Label, LabelChange
from alflow.ids import LabelId, ProjectId
from alflow.store.answers import history
from alflow.store.desk import labels
from alflow.workspace import Workspace

_TIMES = frozenset({"at", "withdrawn_at"})


def check_history(workspace: Workspace, project_id: ProjectId) -> list[str]:
    """Describe every label that does not follow from its history; empty if all do.

    This finds changes that bypassed the triggers: a label without history, a step that is missing, or columns that
    are not what was written last.
    """
    with workspace.database.read() as tx:
        now = {label.id: label for label in labels.of_project(tx, project_id, withdrawn=True)}
        last: dict[LabelId, LabelChange] = {}
        wrong: list[str] = []
        for change in history.all_(tx, project_id):
            before = last.get(change.label_id)
            expected = None if before is None else before.after
            if (expected is None) != (change.before is None) or differing(expected or {}, change.before or {}):
                wrong.append(f"label {change.label_id}: a step before history row {change.id} is missing")
            last[change.label_id] = change
    for label_id, label in now.items():
        wrong += _contradictions(label, last.get(label_id))
    gone = (id_ for id_, change in last.items() if change.after is not None and id_ not in now)
    return wrong + [f"label {label_id}: gone, and the history does not say how" for label_id in gone]


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Columns that both have (a newer alflow may have more) and that differ."""
    both = [name for name in before if name in after]
    return {name: (before[name], after[name]) for name in both if not _same(before[name], after[name])}


def _same(one: Any, other: Any) -> bool:
    """SQLite writes 15 digits of a number into JSON."""
    if isinstance(one, float) and isinstance(other, float):
        return isclose(one, other, rel_tol=1e-12)
    return bool(one == other)


def _contradictions(label: Label, written: LabelChange | None) -> list[str]:
    if written is None or written.after is None:
        return [f"label {label.id}: has no history"]
    there = {name: _as_written(value) for name, value in vars(label).items()}
    then = {name: _moment(value) if name in _TIMES and value else value for name, value in written.after.items()}
    return [
        f"label {label.id}: {name} is {now!r}, its history says {was!r}"
        for name, (was, now) in differing(then, there).items()
    ]


def _as_written(value: Any) -> Any:
    return str(value) if isinstance(value, StrEnum) else value


def _moment(text: str) -> datetime:
    """A time as SQLite (naive UTC) or PostgreSQL (with a zone) writes it into JSON."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
