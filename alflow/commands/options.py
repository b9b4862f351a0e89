"""Options that several commands share, and what they mean."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from alflow.bounds import bounds_of
from alflow.domain.projects import ProjectSettings
from alflow.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from alflow.domain.projects import Project
    from alflow.workspace import Workspace

ProjectName = Annotated[
    str | None, typer.Option("--project", "-p", help="Name of the project; not needed while there is only one.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def limits(name: str, kind: type[object] = ProjectSettings) -> dict[str, Any]:
    """The bounds that the help shows for a number; the use case checks them, open ends too."""
    bounds = bounds_of(kind, name)
    return {"min": bounds.low, "max": bounds.high}


def open_workspace() -> "Workspace":
    """The workspace of the settings in the environment."""
    from alflow.workspace import Workspace

    return Workspace.open()


def choose_project(workspace: "Workspace", name: str | None) -> "Project":
    """The named project, or the only one.

    Raises:
        NotFoundError: there is no such project, or none at all.
        InvalidInputError: no name was given and there are several.
    """
    from alflow.workflow.projects.projects import find_project, list_projects

    if name is not None:
        return find_project(workspace, name)
    projects = list_projects(workspace)
    if not projects:
        raise NotFoundError("there is no project yet: create one with `alflow init NAME --class ...`")
    if len(projects) > 1:
        names = ", ".join(project.name for project in projects)
        raise InvalidInputError(f"there are several projects: choose one with --project ({names})")
    return projects[0]
