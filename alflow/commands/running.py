"""`alflow up`, `demo`, `db upgrade`: running alflow and keeping its database."""

from pathlib import Path
from typing import Annotated

import typer

from alflow.commands.console import new_app, say


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("up")(up)
    app.command("demo")(demo)
    database = new_app("The database.")
    database.command("upgrade")(upgrade)
    app.add_typer(database, name="db")


def up() -> None:
    """Start the server, the schedule and the pages; print the sign-in link; stop all on Ctrl-C."""
    from alflow.commands.up import run_up
    from alflow.settings import Settings

    run_up(Settings())


def demo(
    evaluate: Annotated[bool, typer.Option("--evaluate", help="Measure the strategies instead of starting.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="With --evaluate: write the numbers here.")] = None,
) -> None:
    """Prepare two projects on emoji drawings and start; needs no network."""
    if evaluate:
        _evaluate_demo(json_file)
    elif json_file is not None:
        raise typer.BadParameter("--json goes with --evaluate")
    else:
        _run_demo()


def upgrade() -> None:
    """Bring the database to the version of this alflow."""
    from alflow.workspace import Workspace

    say(f"the database is at revision {Workspace.upgrade()}")
