"""Figures of an installation for a monitor; numbers and ids only, no name of a project or person."""

from dataclasses import dataclass
from datetime import UTC, datetime

from alflow.ids import ProjectId
from alflow.store.desk import totals
from alflow.store.projects import projects, troubles
from alflow.workspace import Workspace


@dataclass(frozen=True)
class ProjectFigures:
    """Of one project.

    Attributes:
        project: its id.
        totals: answers, queue and rounds.
        failures: runs that failed since the last that succeeded.
        lag: seconds since the schedule looked at it; None if it never did.
    """

    project: ProjectId
    totals: totals.Totals
    failures: int
    lag: float | None


def figures(workspace: Workspace) -> list[ProjectFigures]:
    """Of every project, in one snapshot.

    Raises:
        UnavailableError: the database is gone.
    """
    now = datetime.now(UTC)
    with workspace.database.read() as tx:
        rows = []
        for project in projects.all_(tx):
            trouble, looked = troubles.of_project(tx, project.id), troubles.last_look(tx, project.id)
            lag = None if looked is None else max(0.0, (now - looked).total_seconds())
            failures = 0 if trouble is None else trouble.times
            rows.append(ProjectFigures(project.id, totals.of_project(tx, project.id), failures, lag))
    return rows
