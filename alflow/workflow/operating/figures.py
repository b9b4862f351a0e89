"""Figures of an installation for a monitor; numbers and ids only, no name of a project or person."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from alflow.ids import ProjectId
from alflow.store.desk import totals
from alflow.store.images import watches
from alflow.store.projects import projects, troubles
from alflow.workspace import Workspace


@dataclass(frozen=True)
class ProjectFigures:
    """Of one project.

    Attributes:
        project: its id.
        totals: answers, queue and rounds.
        failures: runs that failed since the last that succeeded.
        watched: files of its watched sources, by what is known of them.
        watch_failures: how often in a row the worst of its watched sources could not be read.
        lag: seconds since the schedule looked at it; None if it never did.
    """

    project: ProjectId
    totals: totals.Totals
    failures: int
    watched: Mapping[str, int]
    watch_failures: int
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
            sources = watches.of_project(tx, project.id)
            files = sum((Counter(one.files) for one in sources), Counter[str]())
            worst = max((one.times for one in sources), default=0)
            rows.append(ProjectFigures(project.id, totals.of_project(tx, project.id), failures, files, worst, lag))
    return rows
