"""`alflow import`: images into a project, and what became of each file."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from alflow.commands.console import fail, note, progress_bar, say, show_json, show_table
from alflow.commands.options import AsJson, ProjectName, Shares, choose_project, open_workspace
from alflow.domain.images import Split
from alflow.text import plural


class _Command(TyperCommand):
    """Says what to do about a source whose name reads as an option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line.

        Raises:
            BadParameter: a word that was meant as the source is an option, or there is no source.
        """
        options = {name for option in self.params for name in option.opts}
        words = args[: args.index("--") if "--" in args else None]
        dashed = [word for word in words if re.match(r"--?\w{2}", word) and word not in options]
        hint = "'{0}' is read as an option: if it is the source, write ./{0}"
        if named := [word for word in dashed if Path(word).exists()]:
            raise typer.BadParameter(hint.format(named[0]), ctx)
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:  # as a rule, the source is missing
            raise (typer.BadParameter(hint.format(dashed[0]), ctx) if dashed else error) from error


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("import", cls=_Command)(import_images)


def import_images(
    source: Annotated[
        str, typer.Argument(help="Folder, ImageFolder tree, archive, CSV/JSONL/Parquet manifest, image, or URL of one.")
    ],
    split: Annotated[Split, typer.Option(help="What the images are for.")] = Split.POOL,
    shares: Shares = "",
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
    """Import images; known ones are skipped, and those that cannot be used are listed with the reason.

    A known image that has moved is read from its new place, and a label that was corrected is corrected. Labels that
    name no class are listed with the classes that were perhaps meant.

    Exit code 0: at least one image is new or known; stderr says how many files could not be used. Exit code 1: none is,
    or --strict found a fault.
    """
    from alflow.workflow.images.imported import failure, remarks, summary
    from alflow.workflow.images.pool import import_items
    from alflow.workflow.images.shares import Destination, parse

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    with progress_bar("importing") as progress:
        to = Destination(split, parse(shares))
        report = import_items(workspace, chosen, source, to, progress, anywhere=anywhere, strict=strict)
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
