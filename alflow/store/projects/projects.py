"""Projects and their classes."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping, Select, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from alflow.domain.projects import ClassLabel, NewClass, Project, ProjectSettings, ProjectState, Suggestion
from alflow.errors import ConflictError, InvalidInputError, NotFoundError
from alflow.ids import ClassId, ProjectId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import upsert

_USES: Final = {
    "labels": tables.label.c.class_id,
    "candidates": tables.candidate.c.predicted_class_id,
    "images with a known class": tables.item.c.truth,
    "decisions of reviewers": tables.adjudication.c.class_id,
    "grid pages": tables.grid_page.c.class_id,
    "answers to checks": tables.gold_check.c.class_id,
    "accepted images": tables.accepted.c.class_id,
}
"""What refers to a class."""


def create(tx: Transaction, name: str, model: str, precision: str, settings: ProjectSettings) -> Project:
    """A new project without classes, items or a posterior.

    Raises:
        ConflictError: the name is taken.
    """
    row = {
        "name": name,
        "model": model,
        "precision": precision,
        "settings": asdict(settings),
        "created_at": datetime.now(UTC),
    }
    try:
        with tx.begin_nested():
            made = tx.execute(insert(tables.project).values(row).returning(tables.project)).mappings().one()
    except IntegrityError as error:
        raise ConflictError(
            f"there is already a project called {name!r}, or one that is being deleted: choose another name"
        ) from error
    return _project(made)


def find(tx: Transaction, name: str) -> Project:
    """The project of that name.

    Raises:
        NotFoundError: there is none; the message lists those that exist.
    """
    row = tx.execute(_there().where(tables.project.c.name == name)).mappings().one_or_none()
    if row is None:
        names = ", ".join(repr(one.name) for one in all_(tx) if one.state is not ProjectState.ARCHIVED)
        raise NotFoundError(
            f"there is no project {name!r}: {f'choose one of {names}' if names else 'create it with `alflow init`'}"
        )
    return _project(row)


def by_id(tx: Transaction, project_id: ProjectId) -> Project:
    """The project of that id.

    Raises:
        NotFoundError: there is none.
    """
    row = tx.execute(_by_id(), {"project": project_id}).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"no project has the id {project_id}")
    return _project(row)


def lock(tx: Transaction, project_id: ProjectId) -> Project:
    """The project, which nobody else changes until the transaction ends.

    Raises:
        NotFoundError: there is none.
    """
    tx.execute(select(tables.project.c.id).where(tables.project.c.id == project_id).with_for_update())
    return by_id(tx, project_id)


def all_(tx: Transaction) -> list[Project]:
    """Every project, by name, whatever its state; but for those that are deleted."""
    return [_project(row) for row in tx.execute(_there().order_by(tables.project.c.name)).mappings()]


def any_active(tx: Transaction) -> bool:
    """Whether there is a project that a schedule has to look at."""
    active = tables.project.c.state == ProjectState.ACTIVE
    return tx.execute(select(tables.project.c.id).where(active).limit(1)).first() is not None


def set_state(tx: Transaction, project_id: ProjectId, state: ProjectState) -> Project:
    """Stop a project, archive it, or let it go on.

    Raises:
        NotFoundError: there is no such project.
    """
    return _change(tx, project_id, state=state)


def set_posterior(tx: Transaction, project_id: ProjectId, posterior: str | None) -> Project:
    """Name the artifact of the project's posterior.

    Raises:
        NotFoundError: there is no such project.
    """
    return _change(tx, project_id, posterior=posterior)


def update_settings(tx: Transaction, project_id: ProjectId, settings: ProjectSettings) -> Project:
    """Replace the settings; rounds that are open keep what they were opened with.

    Raises:
        NotFoundError: there is no such project.
    """
    return _change(tx, project_id, settings=asdict(settings))


def set_guidelines(tx: Transaction, project_id: ProjectId, guidelines: str) -> Project:
    """Replace the Markdown that annotators read.

    Raises:
        NotFoundError: there is no such project.
    """
    return _change(tx, project_id, guidelines=guidelines)


def classes(tx: Transaction, project_id: ProjectId) -> list[ClassLabel]:
    """The project's classes in their order."""
    table = tables.class_label
    rows = tx.execute(select(table).where(table.c.project_id == project_id).order_by(table.c.position)).mappings()
    return [ClassLabel(**{**row, "prompts": tuple(row["prompts"])}) for row in rows]


def has_class(tx: Transaction, project_id: ProjectId, class_id: ClassId) -> bool:
    """Whether the class is one of the project's."""
    return tx.execute(_class_of(), {"project": project_id, "class": class_id}).first() is not None


def rename_class(tx: Transaction, class_id: ClassId, name: str) -> None:
    """Rename a class; everything that refers to it stays.

    Raises:
        ConflictError: another class of the project has the name.
    """
    table = tables.class_label
    try:
        with tx.begin_nested():
            tx.execute(update(table).where(table.c.id == class_id).values(name=name))
    except IntegrityError as error:
        raise ConflictError(f"there is already a class called {name!r}: choose another name") from error


def class_uses(tx: Transaction, class_id: ClassId) -> dict[str, int]:
    """How many rows of each kind name the class, withdrawn ones too; kinds without any are left out."""
    counts = {
        what: tx.execute(select(func.count()).where(column == class_id)).scalar_one() for what, column in _USES.items()
    }
    return {what: count for what, count in counts.items() if count}


def put_classes(tx: Transaction, project_id: ProjectId, new: Sequence[NewClass]) -> list[ClassLabel]:
    """Make these the project's classes, in this order: known names keep their ids, absent ones are removed.

    Raises:
        InvalidInputError: two classes share a name or a hot key.
        ConflictError: a class that would be removed is used by an item, a candidate or a label.
    """
    _refuse_doubles("name", [one.name for one in new])
    _refuse_doubles("hot key", [one.hot_key for one in new if one.hot_key is not None])
    known = {one.name: one.id for one in classes(tx, project_id)}
    _remove(tx, {name: known[name] for name in known.keys() - {one.name for one in new}})
    if new:
        statement = upsert(tx, tables.class_label)
        newer = {name: statement.excluded[name] for name in ("display_name", "prompts", "position", "hot_key", "group")}
        statement = statement.on_conflict_do_update(index_elements=["project_id", "name"], set_=newer)
        places = enumerate(new)
        tx.execute(statement, [asdict(one) | {"position": place, "project_id": project_id} for place, one in places])
    return classes(tx, project_id)


@cache
def _by_id() -> Select[Any]:
    return _there().where(tables.project.c.id == bindparam("project"))


def _there() -> Select[Any]:
    return select(tables.project).where(_is_there())


def _is_there() -> ColumnElement[bool]:
    return tables.project.c.state != ProjectState.DELETED


@cache
def _class_of() -> Select[Any]:
    table = tables.class_label
    return select(table.c.id).where(table.c.project_id == bindparam("project"), table.c.id == bindparam("class"))


def _project(row: RowMapping) -> Project:
    known = {name: value for name, value in row["settings"].items() if name in ProjectSettings.__dataclass_fields__}
    settings = ProjectSettings(**known)
    return Project(**{**row, "settings": replace(settings, suggestion=Suggestion(settings.suggestion))})


def _change(tx: Transaction, project_id: ProjectId, **values: Any) -> Project:
    changed = update(tables.project).where(tables.project.c.id == project_id, _is_there()).values(values)
    row = tx.execute(changed.returning(tables.project)).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"no project has the id {project_id}")
    return _project(row)


def _refuse_doubles(what: str, values: Sequence[str]) -> None:
    if doubles := sorted({value for value in values if values.count(value) > 1}):
        raise InvalidInputError(f"two classes have the {what} {', '.join(map(repr, doubles))}: give each its own")


def _remove(tx: Transaction, gone: dict[str, ClassId]) -> None:
    """Remove classes that nothing uses.

    Raises:
        ConflictError: something does; the message counts it.
    """
    found = {name: class_uses(tx, class_id) for name, class_id in sorted(gone.items())}
    if used := {name: uses for name, uses in found.items() if uses}:
        uses = "; ".join(
            f"{name!r} by {', '.join(f'{n} {what}' for what, n in uses.items())}" for name, uses in used.items()
        )
        raise ConflictError(
            f"in use, so that they cannot go, are the classes {', '.join(used)}: {uses}. What is on record stays; "
            "rename such a class, or keep it listed"
        )
    tx.execute(delete(tables.class_label).where(tables.class_label.c.id.in_(gone.values())))
