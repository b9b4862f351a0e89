"""`alflow report`: a project as one HTML file, for people without an account."""

from typing import Annotated

import typer

from alflow.commands.console import say
from alflow.commands.options import choose_project, open_workspace


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("report")(report)


def report(
    project: Annotated[
        str | None, typer.Argument(help="Name of the project; not needed while there is only one.")
    ] = None,
    number: Annotated[
        int | None, typer.Option("--round", min=1, help="The project as it was at the end of this round.")
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="File or address; by default PROJECT-report.html here.")
    ] = None,
    names: Annotated[bool, typer.Option("--names", help="Name the people who answered.")] = False,
    pictures: Annotated[bool, typer.Option("--pictures/--no-pictures", help="With pictures of examples.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a report that opens in any browser, without a network and without an account, and prints well.

    It holds what was asked and answered, how the model learnt and how far to trust it, cost, agreement, rounds,
    settings and limits. No file names, comments or addresses; people are Person 1, Person 2 unless --names is given.
    """
    from alflow.workflow.insight.report.write import write_report

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    place = write_report(workspace, chosen.id, output, number, names=names, pictures=pictures, force=force)
    say(f"report of project {chosen.name} written to {place}")
