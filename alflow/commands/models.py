"""`alflow posterior import|estimate`: the posterior over the last layers of a project's model."""

from typing import Annotated

import typer

from alflow.commands.console import new_app, progress_bars, say
from alflow.commands.options import ProjectName, choose_project, open_workspace


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    posterior = new_app("The posterior over the last layers of the model.")
    posterior.command("import")(import_factors)
    posterior.command("estimate")(estimate)
    app.add_typer(posterior, name="posterior")


def import_factors(
    directory: Annotated[str, typer.Argument(help="Folder with published Kronecker factors.")],
    project: ProjectName = None,
) -> None:
    """Take published Kronecker factors as the project's posterior."""
    from alflow.workflow.posterior import import_posterior

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    say(f"posterior {import_posterior(workspace, chosen, directory)}")


def estimate(
    manifest: Annotated[str, typer.Argument(help="CSV, JSONL or Parquet manifest of image and caption.")],
    project: ProjectName = None,
) -> None:
    """Estimate the Kronecker factors from pairs of image and caption."""
    from alflow.workflow.posterior import estimate_posterior

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    with progress_bars("encoding pairs", "summing curvature") as (encoding, summing):
        posterior = estimate_posterior(workspace, chosen, manifest, encoding, summing)
    say(f"posterior {posterior}")
