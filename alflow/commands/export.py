"""`alflow export labels|head`: what labelling gave, for other programs."""

from typing import Annotated

import typer

from alflow.commands.console import new_app, plural, say
from alflow.commands.options import ProjectName, choose_project, open_workspace


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = new_app("Write labels, or what they taught the model, to a file.")
    group.command("labels")(labels)
    group.command("head")(head)
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


def head(
    path: Annotated[str, typer.Argument(help="File or URL to write, a safetensors file.")],
    project: ProjectName = None,
) -> None:
    """Write what the labels of the closed rounds add to the logits: a linear map of the activations, and a scale."""
    from alflow.workflow.answers.export import export_head

    workspace = open_workspace()
    fit = export_head(workspace, choose_project(workspace, project).id, path)
    say(f"head of fit {fit[:12]} written to {path}")
