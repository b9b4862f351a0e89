"""The grid: a page of images of one predicted class, answered at once (see grid.js)."""

from collections.abc import Sequence

from alflow.domain.answers import Annotator
from alflow.domain.projects import ClassLabel, Project
from alflow.ui.components import modules


def grid(project: Project, classes: Sequence[ClassLabel], annotator: Annotator, screen: str) -> None:
    """Show the grid of a project. It speaks with `/grid/PROJECT` itself, so that no page costs a script run.

    `screen` names what it shows to all (see `alflow.workflow.desk.screens`); every answer carries it.
    """
    data = {
        "project": project.id,
        "annotator": annotator.id,
        "screen": screen,
        "classes": [{"id": each.id, "name": each.display_name} for each in classes],
        "heartbeat_ms": round(1000 * max(5.0, min(30.0, 20.0 * project.settings.lease_minutes))),
    }
    modules.component("grid", "mount.js")(data=data, key="grid")


def version() -> str:
    """Changes with every file that the grid is made of."""
    return modules.version("grid")
