"""Stop a project, archive it, and let it go on: a state that whatever runs by itself, and the desk, look at."""

from typing import Final

from alflow.domain.projects import Project, ProjectState
from alflow.errors import StoppedError
from alflow.ids import ProjectId
from alflow.store.projects import projects
from alflow.text import quoted
from alflow.workspace import Workspace

WHAT_IT_DOES: Final = {
    ProjectState.ACTIVE: "Runs start by themselves again, and people are asked.",
    ProjectState.STOPPED: "Nothing runs and nobody is asked. Answers that are on their way are still stored.",
    ProjectState.ARCHIVED: "It is stopped and in no list; its owners bring it back.",
}
"""In words, for people who decide."""


def change_state(workspace: Workspace, project_id: ProjectId, state: ProjectState) -> Project:
    """Stop or archive a project, or let it go on; a run that goes on ends before its next step.

    Raises:
        NotFoundError: there is no such project.
    """
    with workspace.database.begin() as tx:
        return projects.set_state(tx, project_id, state)


def require_active(project: Project) -> None:
    """Does anything run for this project?

    Raises:
        StoppedError: it is stopped or archived.
    """
    if not project.is_active:
        raise StoppedError(
            f"project {quoted(project.name)} is {project.state}: let it go on first (`alflow project resume`)"
        )
