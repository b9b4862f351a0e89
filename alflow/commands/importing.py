"""`alflow import`: images into a project, and what became of each file."""

from typing import Annotated

import typer

from alflow.commands.console import fail, note, plural, progress_bar, say, show_json, show_table
from alflow.commands.options import AsJson, ProjectName, choose_project, open_workspace
from alflow.domain import Split


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("import")(import_images)


def import_images(
    source: Annotated[str, typer.Argument(help="Folder, ImageFolder tree, CSV/JSONL/Parquet manifest, or URL of one.")],
    split: Annotated[Split, typer.Option(help="What the images are for.")] = Split.POOL,
    project: ProjectName = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Import nothing if a label names no class, a test image has none, or a row is bad."
        ),
    ] = False,
    anywhere: Annotated[
        bool,
        typer.Option("--anywhere", help="Let a manifest name files, and links lead, outside of the source's folder."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Import images; what is known already is skipped, what cannot be used is listed with the reason.

    A known image that has moved is read from its new place, and a label that was corrected is corrected. Labels that
    name no class are listed with the classes that were perhaps meant.

    Exit code 0: at least one image is new or known; stderr says how many files could not be used. Exit code 1: none is,
    or --strict found a fault.
    """
    from alflow.workflow.imported import failure, remarks, summary
    from alflow.workflow.pool import import_items

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    with progress_bar("importing") as progress:
        report = import_items(workspace, chosen, source, split, progress, anywhere=anywhere, strict=strict)
    if as_json:
        show_json(report)
    else:
        for line in (summary(report), *remarks(report)):
            say(line)
        if report.rejected:
            show_table(["rejected", "reason"], [(entry.uri, entry.reason) for entry in report.rejected])
    if problem := failure(report, source, strict=strict):
        fail(problem)
    if report.rejected:
        note(f"{plural(len(report.rejected), 'file')} of the source could not be used")
