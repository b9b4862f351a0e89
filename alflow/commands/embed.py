"""`alflow embed`: rows of the model for the images that have none yet."""

import typer

from alflow.commands.console import fail, note, progress_bar, say, show_json, show_table
from alflow.commands.options import AsJson, ProjectName, choose_project, open_workspace

_SHOWN = 20  # of what could not be embedded; --json tells all


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("embed")(embed)


def embed(project: ProjectName = None, as_json: AsJson = False) -> None:
    """Embed the images that have no embedding yet; can be stopped and started again.

    Those that cannot be embedded are listed with the reason, and tried again by the next call and by the schedule. The
    exit code is 1 if there was one.
    """
    from alflow.workflow.images.embed import embed_missing

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    with progress_bar("embedding") as progress:
        report = embed_missing(workspace, chosen, progress)
    if as_json:
        show_json(report)
    else:
        without = f", {len(report.failed)} not embedded" if report.failed else ""
        say(f"{report.embedded} embedded, {report.known} known already{without}")
        if report.failed:
            show_table(["not embedded", "reason"], [(one.uri, one.reason) for one in report.failed[:_SHOWN]])
        if len(report.failed) > _SHOWN:
            note(f"and {len(report.failed) - _SHOWN} more: `alflow embed --json` lists all")
    if (complaint := report.complaint()) is not None:
        fail(complaint)
