"""Projects and their classes: created, found, changed. Class names alone are enough to start."""

import re
from collections.abc import Sequence
from dataclasses import replace
from string import ascii_lowercase, digits
from typing import Final

from alflow.domain import ClassLabel, NewClass, Project, ProjectSettings
from alflow.errors import InvalidInputError
from alflow.store import projects
from alflow.text import clean_name, clean_text
from alflow.workspace import Workspace

TEMPLATES: Final = ("a photo of a {}",)
"""Prompts of a class that has none of its own; {} stands for its display name."""

MAX_GUIDELINES: Final = 100_000

HOT_KEYS: Final = "123456789" + ascii_lowercase
"""Given out in this order to classes without a key."""


def create_project(
    workspace: Workspace,
    name: str,
    model: str,
    precision: str,
    classes: Sequence[NewClass] = (),
    settings: ProjectSettings | None = None,
) -> Project:
    """Create a project, with its classes or without them for now.

    Raises:
        ConflictError: the name is taken.
        InvalidInputError: name, model, precision, a class or a setting cannot be used; the message says which.
    """
    settings = settings or ProjectSettings()
    name = clean_name("a project's name", name)
    _check_settings(settings)
    _check_model(model, precision)
    completed = _with_keys(complete_classes(classes))
    with workspace.database.begin() as tx:
        project = projects.create(tx, name, model, precision, settings)
        projects.put_classes(tx, project.id, completed)
    return project


def find_project(workspace: Workspace, name: str) -> Project:
    """The project of that name.

    Raises:
        NotFoundError: there is none; the message lists those that exist.
    """
    with workspace.database.read() as tx:
        return projects.find(tx, name)


def project(workspace: Workspace, project_id: int) -> Project:
    """The project of that id.

    Raises:
        NotFoundError: there is none.
    """
    with workspace.database.read() as tx:
        return projects.by_id(tx, project_id)


def set_guidelines(workspace: Workspace, project_id: int, guidelines: str) -> Project:
    """Replace what those who label read beside the image, as Markdown; empty for none.

    Raises:
        InvalidInputError: it is longer than 100,000 characters.
        NotFoundError: there is no such project.
    """
    guidelines = clean_text("the text of the guidelines", guidelines, MAX_GUIDELINES)
    with workspace.database.begin() as tx:
        return projects.set_guidelines(tx, project_id, guidelines)


def list_projects(workspace: Workspace) -> list[Project]:
    """Every project, by name."""
    with workspace.database.read() as tx:
        return projects.all_(tx)


def change_settings(workspace: Workspace, project_id: int, settings: ProjectSettings) -> Project:
    """Replace the settings; a round that is open keeps what it was opened with.

    Raises:
        InvalidInputError: a setting cannot be used.
        NotFoundError: there is no such project.
    """
    _check_settings(settings)
    with workspace.database.begin() as tx:
        return projects.update_settings(tx, project_id, settings)


def project_classes(workspace: Workspace, project_id: int) -> list[ClassLabel]:
    """The project's classes in their order."""
    with workspace.database.read() as tx:
        return projects.classes(tx, project_id)


def set_classes(workspace: Workspace, project_id: int, classes: Sequence[NewClass]) -> list[ClassLabel]:
    """Make these the project's classes, in this order: known names keep their id, and their key if none is given.

    Raises:
        ConflictError: a class that would go is already used by an item, a candidate or a label.
        InvalidInputError: a class cannot be used; the message names it.
    """
    with workspace.database.begin() as tx:
        known = {label.name: label.hot_key for label in projects.classes(tx, project_id)}
        kept = [replace(new, hot_key=new.hot_key or known.get(new.name)) for new in classes]
        return projects.put_classes(tx, project_id, _with_keys(complete_classes(kept)))


def name_classes(names: Sequence[str], templates: Sequence[str] = TEMPLATES) -> list[NewClass]:
    """Classes from their names alone: `traffic_light` is shown, and prompted, as `traffic light`.

    Raises:
        InvalidInputError: a name is missing or given twice, or a template has no place for the name.
    """
    return complete_classes([NewClass(name, "", ()) for name in names], templates)


def complete_classes(classes: Sequence[NewClass], templates: Sequence[str] = TEMPLATES) -> list[NewClass]:
    """Check classes, and fill in display names and prompts that were left empty; hot keys are given when stored.

    Raises:
        InvalidInputError: a name is missing or given twice, a prompt is empty, a key is no single digit or letter or
            given twice, or a template has no place for the name.
    """
    for label in classes:
        _check_class(label)
    for template in templates:
        if "{}" not in template:
            raise InvalidInputError(f"the prompt template {template!r} needs a {{}} where the class name goes")
    _refuse_doubles("name", [label.name.strip() for label in classes])
    _refuse_doubles("hot key", [label.hot_key for label in classes if label.hot_key])
    return [_complete(label, templates) for label in classes]


def _complete(label: NewClass, templates: Sequence[str]) -> NewClass:
    name = label.name.strip()
    display = label.display_name.strip() or re.sub(r"[_\s]+", " ", name).strip()
    prompts = label.prompts or tuple(template.replace("{}", display) for template in templates)
    return NewClass(name, display, prompts, label.hot_key)


def _with_keys(classes: Sequence[NewClass]) -> list[NewClass]:
    """Give the next free key to each class without one, as long as there are some."""
    taken = {label.hot_key for label in classes}
    free = (key for key in HOT_KEYS if key not in taken)
    return [replace(label, hot_key=label.hot_key or next(free, None)) for label in classes]


def _check_class(label: NewClass) -> None:
    if not label.name.strip():
        raise InvalidInputError("a class has no name")
    if not all(prompt.strip() for prompt in label.prompts):
        raise InvalidInputError(f"the class {label.name!r} has an empty prompt")
    if len(set(label.prompts)) < len(label.prompts):
        raise InvalidInputError(f"the class {label.name!r} has the same prompt twice")
    if label.hot_key and label.hot_key not in [*digits, *ascii_lowercase]:
        raise InvalidInputError(
            f"the hot key of {label.name!r} is {label.hot_key!r}; it must be a digit or a letter a-z"
        )


def _refuse_doubles(what: str, values: Sequence[str]) -> None:
    if doubles := sorted({value for value in values if values.count(value) > 1}):
        raise InvalidInputError(f"two classes have the {what} {', '.join(map(repr, doubles))}; give each its own")


def _check_model(model: str, precision: str) -> None:
    from alflow.vlm.encoder import check_precision  # noqa: PLC0415 - open_clip takes seconds to import
    from alflow.vlm.models import check_reference  # noqa: PLC0415

    check_precision(precision)
    check_reference(model)


def _check_settings(settings: ProjectSettings) -> None:
    from alflow.acquisition.strategies import find  # noqa: PLC0415 - so that pages start without torch

    find(settings.strategy)
    wrong = {
        "budget": settings.budget < 1,
        "control_fraction": not 0 <= settings.control_fraction <= 1,
        "votes": settings.votes < 1,
        "gold_rate": not 0 <= settings.gold_rate <= 0.5,
        "lease_minutes": not settings.lease_minutes > 0,
        "max_labels": settings.max_labels is not None and settings.max_labels < 1,
        "plateau_rounds": settings.plateau_rounds is not None and settings.plateau_rounds < 1,
        "plateau_gain": not 0 <= settings.plateau_gain < 1,
        "min_information": settings.min_information is not None and not 0 < settings.min_information <= 1,
        "label_price": settings.label_price is not None and not 0 < settings.label_price < 1,
        "tau": not 0 < settings.tau < float("inf"),
    }
    if bad := [f"{name} = {getattr(settings, name)}" for name, is_wrong in wrong.items() if is_wrong]:
        raise InvalidInputError(f"these settings cannot be used: {', '.join(bad)}")
