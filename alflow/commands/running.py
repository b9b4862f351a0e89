"""`alflow up`, `demo`, `db upgrade`: running alflow and keeping its database."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alflow.commands.console import fail, new_app, progress_bar, say

if TYPE_CHECKING:
    from alflow.settings import Settings

_DEMO_HOME = Path(".demo")


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
    """Prepare two projects on emoji drawings and start; needs no network. Kept in `.demo`, or in ALFLOW_HOME."""
    from alflow.commands.up import run_up
    from alflow.settings import Settings
    from alflow.workflow.people.sign_in import require_door
    from alflow.workspace import Workspace

    if json_file is not None and not evaluate:
        fail("--json goes with --evaluate")
    if evaluate:
        _evaluate_demo(json_file)
        return
    settings = Settings()
    if "home" not in settings.model_fields_set:
        settings = settings.model_copy(update={"home": _DEMO_HOME})
    require_door(Workspace.open(settings))
    _prepare_demo(settings)
    run_up(settings)


def upgrade() -> None:
    """Bring the database to the version of this alflow."""
    from alflow.workspace import Workspace

    say(f"the database is at revision {Workspace.upgrade()}")


def _prepare_demo(settings: "Settings") -> None:
    from alflow.demo.prepare import prepare
    from alflow.workspace import Workspace

    with progress_bar("preparing the demo") as progress:
        prepare(Workspace.open(settings), progress)


def _evaluate_demo(json_file: Path | None) -> None:
    from alflow.demo.evaluate import evaluate

    with progress_bar("evaluating") as progress:
        evaluate(json_file, say=say, progress=progress)
