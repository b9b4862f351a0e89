"""`alflow up`, `deploy`, `demo`, `db upgrade`: running alflow and keeping its database."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from alflow.commands.console import fail, new_app, progress_bar, say

_DEMO_HOME = Path(".demo")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("up")(up)
    app.command("deploy")(deploy)
    app.command("demo")(demo)
    database = new_app("The database.")
    database.command("upgrade")(upgrade)
    app.add_typer(database, name="db")


def up() -> None:
    """Start the server, the schedule and the pages; print the sign-in link; stop all on Ctrl-C."""
    from alflow.commands.up import run_up
    from alflow.settings import Settings

    run_up(Settings())


def deploy(
    pool: Annotated[str, typer.Option("--pool", help="Name of the work pool: `prefect work-pool create` makes one.")],
    image: Annotated[str, typer.Option("--image", help="Of the containers that the pool starts; it has alflow.")] = "",
) -> None:
    """Have the workers of a Prefect work pool run the flows: processes, containers, Kubernetes.

    Then `alflow up` with ALFLOW_WORK_POOL=NAME looks what is due and starts the runs there. Workers have the settings
    of their own environment, which must name the same database and artifacts.
    """
    from alflow.commands.clock import client_environment
    from alflow.commands.up import environment
    from alflow.settings import Settings

    settings = Settings()
    command = [sys.executable, "-m", "alflow.flows.deployments", "--pool", pool, "--image", image]
    done = subprocess.run(command, env=environment(settings) | client_environment(settings), check=False)
    if done.returncode:
        sys.exit(done.returncode)
    say(f"the flows run on the work pool '{pool}': start its workers with `prefect worker start --pool {pool}`,")
    say(f"and `alflow up` with ALFLOW_WORK_POOL={pool}")


def demo(
    evaluate: Annotated[bool, typer.Option("--evaluate", help="Measure the strategies instead of starting.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="With --evaluate: write the numbers here.")] = None,
) -> None:
    """Prepare two projects on emoji drawings and start; needs no network. Kept in `.demo`, or in ALFLOW_HOME."""
    from alflow.commands.up import run_up
    from alflow.demo.emoji import font_file
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
    font_file()  # before anything is started
    require_door(Workspace.open(settings))
    run_up(settings, demo=True)


def upgrade() -> None:
    """Bring the database to the version of this alflow."""
    from alflow.workspace import Workspace

    say(f"the database is at revision {Workspace.upgrade()}")


def _evaluate_demo(json_file: Path | None) -> None:
    from alflow.demo.evaluate import evaluate

    with progress_bar("evaluating") as progress:
        evaluate(json_file, say=say, progress=progress)
