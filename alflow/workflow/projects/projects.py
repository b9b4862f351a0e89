"""Projects and their classes: created, found, changed. Class names alone are enough to start."""

from collections.abc import Iterable, Sequence
from typing import Final
from unicodedata import normalize

from alflow.accounts import Role
from alflow.domain.projects import ClassLabel, NewClass, Project, ProjectSettings, ProjectState
from alflow.errors import ConflictError
from alflow.ids import AnnotatorId, ProjectId
from alflow.store.people import people
from alflow.store.projects import projects
from alflow.text import clean_name, clean_text, likeness, quoted
from alflow.workflow.projects.naming import TEMPLATES, complete_classes, with_keys
from alflow.workflow.projects.settings import check_settings
from alflow.workspace import Workspace

MAX_GUIDELINES: Final = 100_000


def create_project(
    workspace: Workspace,
    name: str,
    model: str,
    precision: str,
    classes: Sequence[NewClass] = (),
    settings: ProjectSettings | None = None,
    *,
    owner: AnnotatorId | None = None,
) -> Project:
    """Create a project, with its classes or without them for now; whoever has an account may be its first owner.

    Raises:
        ConflictError: the name is taken.
        InvalidInputError: name, model, precision, a class or a setting cannot be used; the message says which.
    """
    settings = settings or ProjectSettings()
    name = clean_name("a project's name", name)
    check_settings(settings)
    _check_model(model, precision)
    completed = with_keys(complete_classes(classes))
    with workspace.database.begin() as tx:
        project = projects.create(tx, name, model, precision, settings)
        projects.put_classes(tx, project.id, completed)
        if owner is not None:
            people.set_role(tx, project.id, owner, Role.OWNER)
    return project


def find_project(workspace: Workspace, name: str) -> Project:
    """The project of that name.

    Raises:
        NotFoundError: there is none; the message lists those that exist.
    """
    with workspace.database.read() as tx:
        return projects.find(tx, name)


def project(workspace: Workspace, project_id: ProjectId) -> Project:
    """The project of that id.

    Raises:
        NotFoundError: there is none.
    """
    with workspace.database.read() as tx:
        return projects.by_id(tx, project_id)


def set_guidelines(workspace: Workspace, project_id: ProjectId, guidelines: str) -> Project:
    """Replace the guidelines that annotators read beside the image, as Markdown; empty for none.

    Raises:
        InvalidInputError: it is longer than 100,000 characters.
        NotFoundError: there is no such project.
    """
    guidelines = clean_text("the text of the guidelines", guidelines, MAX_GUIDELINES)
    with workspace.database.begin() as tx:
        return projects.set_guidelines(tx, project_id, guidelines)


def list_projects(workspace: Workspace) -> list[Project]:
    """Every project, by name, whatever its state."""
    with workspace.database.read() as tx:
        return projects.all_(tx)


def listed_projects(workspace: Workspace) -> list[Project]:
    """The projects that are not archived, by name."""
    return [one for one in list_projects(workspace) if one.state is not ProjectState.ARCHIVED]


def change_settings(workspace: Workspace, project_id: ProjectId, settings: ProjectSettings) -> Project:
    """Replace the settings; a round that is open keeps what it was opened with.

    Raises:
        InvalidInputError: a setting cannot be used.
        NotFoundError: there is no such project.
    """
    check_settings(settings)
    with workspace.database.begin() as tx:
        return projects.update_settings(tx, project_id, settings)


def project_classes(workspace: Workspace, project_id: ProjectId) -> list[ClassLabel]:
    """The project's classes in their order."""
    with workspace.database.read() as tx:
        return projects.classes(tx, project_id)


def set_classes(
    workspace: Workspace, project_id: ProjectId, classes: Sequence[NewClass], templates: Sequence[str] = TEMPLATES
) -> list[ClassLabel]:
    """Make these the project's classes, in this order; others are removed.

    A known name keeps its id and everything that is not given: its shown name, its prompts, its key. Templates make
    the prompts of new classes.

    Raises:
        ConflictError: a class that would be removed is in use, or looks like a new one.
        InvalidInputError: a class cannot be used, or two look alike; the message names them.
        NotFoundError: there is no such project.
    """
    with workspace.database.begin() as tx:
        projects.lock(tx, project_id)
        known = {label.name: as_new(label) for label in projects.classes(tx, project_id)}
        merged = [_merged(known.get(normalize("NFC", new.name).strip()), new) for new in classes]
        completed = complete_classes(merged, templates, as_before=list(known.values()))
        _refuse_replacement(known.keys(), [label.name for label in completed])
        return projects.put_classes(tx, project_id, with_keys(completed))


def as_new(label: ClassLabel) -> NewClass:
    """A class of a project as it would be given."""
    return NewClass(label.name, label.display_name, label.prompts, label.hot_key, label.group)


def name_classes(names: Sequence[str], templates: Sequence[str] = TEMPLATES) -> list[NewClass]:
    """Classes from their names alone: `traffic_light` is shown, and prompted, as `traffic light`.

    Raises:
        InvalidInputError: a name is missing or given twice, or a template has no place for the name.
    """
    return complete_classes([NewClass(name, "", ()) for name in names], templates)


def _merged(known: NewClass | None, new: NewClass) -> NewClass:
    if known is None:
        return new
    shown = new.display_name.strip() or known.display_name
    group = new.group.strip() or known.group
    return NewClass(known.name, shown, new.prompts or known.prompts, new.hot_key or known.hot_key, group)


def _refuse_replacement(known: Iterable[str], names: Sequence[str]) -> None:
    """Refuse a class that is only spelt differently: it would be a new class and replace the old one.

    Raises:
        ConflictError: there is one.
    """
    going = {likeness(name): name for name in known if name not in names}
    for name in names:
        if likeness(name) in going:
            old = going[likeness(name)]
            raise ConflictError(
                f"{quoted(name)} looks like the class {quoted(old)}, which would go: write it so, or rename it first "
                "(`alflow classes rename`)"
            )


def _check_model(model: str, precision: str) -> None:
    from alflow.vlm.encoder import check_precision  # noqa: PLC0415 - open_clip takes seconds to import
    from alflow.vlm.models import check_reference  # noqa: PLC0415

    check_precision(precision)
    check_reference(model)
