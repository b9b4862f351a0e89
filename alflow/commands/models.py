"""`alflow posterior import|estimate|export`: the posterior over the last layers of a project's model."""

from typing import TYPE_CHECKING, Annotated

import typer

from alflow.commands.console import new_app, note, progress_bar, progress_bars, say, show_json, show_table
from alflow.commands.options import AsJson, ProjectName, choose_project, open_workspace
from alflow.text import plural

if TYPE_CHECKING:
    from alflow.domain.projects import Project
    from alflow.workspace import Workspace

_SHOWN = 20  # of the pairs that are left out; --json tells all


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
        int | None,
        typer.Option(min=2, help="Pairs they were estimated on; by default as many as the method's authors used."),
    ] = None,
    project: ProjectName = None,
) -> None:
    """Use published Kronecker factors as the project's posterior."""
    from alflow.workflow.model.factors import PUBLISHED_PAIRS
    from alflow.workflow.model.posterior import import_posterior

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    say(f"posterior {import_posterior(workspace, chosen, directory, pairs or PUBLISHED_PAIRS)}")


def export_factors(
    directory: Annotated[str, typer.Argument(help="Folder to write to; made if it is missing.")],
    project: ProjectName = None,
) -> None:
    """Write the project's Kronecker factors in the layout of the published ones."""
    from alflow.workflow.model.posterior import export_posterior

    workspace = open_workspace()
    pairs = export_posterior(workspace, choose_project(workspace, project), directory)
    say(f"factors of {plural(pairs, 'pair')} written to {directory}")


def estimate(
    manifest: Annotated[
        str | None,
        typer.Argument(help="CSV, JSONL or Parquet manifest of image and caption; without one the pool is used."),
    ] = None,
    project: ProjectName = None,
    anywhere: Annotated[
        bool, typer.Option("--anywhere", help="Let the manifest name files outside of its folder.")
    ] = False,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Leave out pairs that cannot be used, instead of failing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Estimate the Kronecker factors from pairs of image and caption, or from the pool and a vocabulary.

    If the image of a pair cannot be read, nothing is estimated and the exit code is 1, unless --allow-missing is
    given.
    """
    from alflow.workflow.model.from_pairs import estimate_posterior

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    if manifest is None:
        _estimate_from_pool(workspace, chosen, as_json)
        return
    with progress_bars("encoding pairs", "summing curvature") as (encoding, summing):
        done = estimate_posterior(
            workspace, chosen, manifest, encoding, summing, anywhere=anywhere, allow_missing=allow_missing
        )
    if as_json:
        show_json(done)
        return
    say(f"posterior {done.posterior}")
    if done.left_out:
        note(f"without {plural(len(done.left_out), 'pair')} of {done.pairs + len(done.left_out)}:")
        show_table(["left out", "reason"], [(one.uri, one.reason) for one in done.left_out[:_SHOWN]])


def _estimate_from_pool(workspace: "Workspace", project: "Project", as_json: bool) -> None:
    from alflow.workflow.model.from_pool import estimate_from_pool

    with progress_bar("encoding texts") as progress:
        done = estimate_from_pool(workspace, project, progress)
    if as_json:
        show_json({"posterior": done.posterior, "source": done.source})
    else:
        say(f"posterior {done.posterior}, {done.source.words}")
