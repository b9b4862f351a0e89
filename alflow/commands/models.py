"""`alflow posterior import|estimate|export`: the posterior over the last layers of a project's model."""

from typing import Annotated

import typer

from alflow.commands.console import new_app, plural, progress_bars, say
from alflow.commands.options import ProjectName, choose_project, open_workspace


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    posterior = new_app("The posterior over the last layers of the model.")
    posterior.command("import")(import_factors)
    posterior.command("estimate")(estimate)
    posterior.command("export")(export_factors)
    app.add_typer(posterior, name="posterior")


def import_factors(
    directory: Annotated[str, typer.Argument(help="Folder with published Kronecker factors.")],
    pairs: Annotated[
        int | None, typer.Option(min=2, help="Pairs behind them; by default as many as the method's authors took.")
    ] = None,
    project: ProjectName = None,
) -> None:
    """Take published Kronecker factors as the project's posterior."""
    from alflow.workflow.posterior import PUBLISHED_PAIRS, import_posterior

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    say(f"posterior {import_posterior(workspace, chosen, directory, pairs or PUBLISHED_PAIRS)}")


def export_factors(
    directory: Annotated[str, typer.Argument(help="Folder to write to; made if it is missing.")],
    project: ProjectName = None,
) -> None:
    """Write the project's Kronecker factors in the layout of the published ones."""
    from alflow.workflow.posterior import export_posterior

    workspace = open_workspace()
    pairs = export_posterior(workspace, choose_project(workspace, project), directory)
    say(f"factors of {plural(pairs, 'pair')} written to {directory}")


def estimate(
    manifest: Annotated[str, typer.Argument(help="CSV, JSONL or Parquet manifest of image and caption.")],
    project: ProjectName = None,
    anywhere: Annotated[
        bool, typer.Option("--anywhere", help="Let the manifest name files outside of its folder.")
    ] = False,
) -> None:
    """Estimate the Kronecker factors from pairs of image and caption."""
    from alflow.workflow.posterior import estimate_posterior

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    with progress_bars("encoding pairs", "summing curvature") as (encoding, summing):
        posterior = estimate_posterior(workspace, chosen, manifest, encoding, summing, anywhere=anywhere)
    say(f"posterior {posterior}")
