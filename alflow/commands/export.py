"""`alflow export labels|projection`: what labelling gave, for other programs."""

from typing import Annotated

import typer

from alflow.commands.console import new_app, plural, say
from alflow.commands.options import ProjectName, choose_project, open_workspace


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = new_app("Write labels or the fitted projection to a file.")
    group.command("labels")(labels)
    group.command("projection")(projection)
    app.add_typer(group, name="export")


def labels(
    path: Annotated[str, typer.Argument(help="File or URL to write, ending in .csv, .jsonl or .parquet.")],
    project: ProjectName = None,
) -> None:
    """Write every label with its provenance: item, annotator, time, round, strategy, score, posterior."""
    from alflow.workflow.answers.export import export_labels

    workspace = open_workspace()
    count = export_labels(workspace, choose_project(workspace, project).id, path)
    say(f"{plural(count, 'label')} written to {path}")


def projection(
    path: Annotated[str, typer.Argument(help="File or URL to write, a safetensors file.")],
    project: ProjectName = None,
) -> None:
    """Write the projection fitted in the last closed round."""
    from alflow.workflow.answers.export import export_projection

    workspace = open_workspace()
    fit = export_projection(workspace, choose_project(workspace, project).id, path)
    say(f"projection of fit {fit[:12]} written to {path}")
