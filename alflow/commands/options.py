"""Options that several commands share, and what they mean."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from alflow import logs
from alflow.bounds import bounds_of, has_bounds, meaning_of
from alflow.domain.projects import ProjectSettings
from alflow.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from alflow.domain.projects import Project
    from alflow.workspace import Workspace

ProjectName = Annotated[
    str | None, typer.Option("--project", "-p", help="Name of the project; not needed while there is only one.")
]
Shares = Annotated[
    str,
    typer.Option(
        help="Shares drawn by chance, such as test=0.1,target=0.1; the rest is for the split. The same image always "
        "comes into the same one."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def limits(name: str, kind: type[object] = ProjectSettings) -> dict[str, Any]:
    """The bounds that the help shows for a number; the use case checks them, open ends too."""
    bounds = bounds_of(kind, name)
    return {"min": bounds.low, "max": bounds.high}


def setting(name: str) -> dict[str, Any]:
    """What the help says of a setting of projects, and its bounds if it is a number."""
    bounded = has_bounds(ProjectSettings, name)
    return {"help": meaning_of(ProjectSettings, name)} | (limits(name) if bounded else {})


def open_workspace() -> "Workspace":
    """The workspace of the settings in the environment."""
    from alflow.workspace import Workspace

    return Workspace.open()


def no_project(workspace: "Workspace") -> str:
    """What to say where there is no project, or none that is not archived."""
    from alflow.workflow.projects.projects import list_projects

    if every := list_projects(workspace):
        return f"all projects are archived: `alflow project resume {every[0].name}` brings one back, or name it"
    return "there is no project yet: create one with `alflow init NAME --class ...`"


def choose_project(workspace: "Workspace", name: str | None) -> "Project":
    """The named project, or the only one that is not archived.

    Raises:
        NotFoundError: there is no such project, or none at all.
        InvalidInputError: no name was given and there are several.
    """
    from alflow.workflow.projects.projects import find_project, listed_projects

    projects = listed_projects(workspace) if name is None else [find_project(workspace, name)]
    if not projects:
        raise NotFoundError(no_project(workspace))
    if len(projects) > 1:
        names = ", ".join(project.name for project in projects)
        raise InvalidInputError(f"there are several projects: choose one with --project ({names})")
    logs.about(project=projects[0].id)
    return projects[0]
