"""`alflow backup` and `alflow restore`: everything in one file, and back."""

from pathlib import Path
from typing import Annotated

import typer

from alflow.commands.console import note, progress_bar, say
from alflow.commands.options import open_workspace
from alflow.text import plural


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(file: Annotated[Path, typer.Argument(help="New file, as in alflow-2025-01-31.tar.")]) -> None:
    """Copy database and artifacts into one file; everything may go on meanwhile."""
    from alflow.workflow.operating.backup import make_backup

    with progress_bar("copying artifacts") as progress:
        made = make_backup(open_workspace(), file, progress)
    say(f"{made.path} holds the database (revision {made.revision}) and {plural(made.artifacts, 'artifact')}")
    note(
        "not in it: original images, .env and environment variables, the logs, and what Prefect keeps (`alflow up` "
        "makes that anew); it holds names, e-mail addresses and hashes of passwords: keep it as you keep the home"
    )


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `alflow backup` made.")],
    home: Annotated[Path | None, typer.Option("--home", help="Empty or new; else that of the settings.")] = None,
) -> None:
    """Bring a backup back into an empty home; nothing is overwritten."""
    from alflow.settings import Settings
    from alflow.workflow.operating.restore import restore_backup

    settings = Settings() if home is None else Settings(home=home)
    with progress_bar("restoring artifacts") as progress:
        made = restore_backup(settings, file, progress)
    when = made.made_at.astimezone().strftime("%Y-%m-%d %H:%M")
    say(f"{settings.home.resolve()} is as it was on {when}: the database and {plural(made.artifacts, 'artifact')}")
    if made.older:
        note("it is of an older alflow: run `alflow db upgrade`")
