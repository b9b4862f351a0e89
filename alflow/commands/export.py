"""`alflow export ...`: labels, the fitted model, what it says, or a data set, for other programs."""

from enum import StrEnum
from typing import Annotated

import typer

from alflow.commands.console import new_app, progress_bar, say
from alflow.commands.options import ProjectName, choose_project, open_workspace
from alflow.domain.images import Split
from alflow.text import plural


class DatasetFormat(StrEnum):
    """The names of `alflow.workflow.answers.formats.table.FORMATS`, here so that help needs no heavy import."""

    IMAGEFOLDER = "imagefolder"
    COCO = "coco"
    CVAT = "cvat"
    LABEL_STUDIO = "label-studio"
    FIFTYONE = "fiftyone"
    WEBDATASET = "webdataset"
    CROISSANT = "croissant"


class ModelFormat(StrEnum):
    """The names of `alflow.workflow.insight.exports.table.FORMATS`."""

    OPEN_CLIP = "open_clip"
    SKLEARN = "sklearn"
    ONNX = "onnx"


_Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = new_app("Write labels, the fitted model, what it says, or a data set, for other programs.")
    group.command("labels")(labels)
    group.command("head")(head)
    group.command("model")(model)
    group.command("embeddings")(embeddings)
    group.command("scores")(scores)
    group.command("predictions")(predictions)
    group.command("certificates")(certificates)
    group.command("dataset")(dataset)
    app.add_typer(group, name="export")


def labels(
    path: Annotated[str, typer.Argument(help="File or URL to write, ending in .csv, .jsonl or .parquet.")],
    force: _Force = False,
    project: ProjectName = None,
) -> None:
    """Write every label with its provenance: item, annotator, time, round, strategy, score, posterior."""
    from alflow.workflow.answers.export import export_labels

    workspace = open_workspace()
    count = export_labels(workspace, choose_project(workspace, project).id, path, force=force)
    say(f"{plural(count, 'label')} written to {path}")


def head(
    path: Annotated[str, typer.Argument(help="File or URL to write, a safetensors file.")],
    force: _Force = False,
    project: ProjectName = None,
) -> None:
    """Write what the labels of the closed rounds add to the logits: a linear map of the activations, and a scale."""
    from alflow.workflow.answers.export import export_head

    workspace = open_workspace()
    fit = export_head(workspace, choose_project(workspace, project).id, path, force=force)
    say(f"head of fit {fit[:12]} written to {path}")


def embeddings(
    path: Annotated[str, typer.Argument(help="File or URL to write, ending in .npz, .parquet or .safetensors.")],
    split: Annotated[Split | None, typer.Option(help="Of the images of this split alone.")] = None,
    force: _Force = False,
    project: ProjectName = None,
) -> None:
    """Write the embeddings of images, and the features that `alflow.load_head` takes; shard by shard.

    Place and hash of the originals are in the Parquet file only; the others name images by their number (item_ids).
    """
    from alflow.workflow.insight.exports.embedded import export_embeddings

    workspace = open_workspace()
    count = export_embeddings(workspace, choose_project(workspace, project).id, path, split, force=force)
    say(f"embeddings of {plural(count, 'image')} written to {path}")


def scores(
    path: Annotated[str, typer.Argument(help="File or URL to write, ending in .csv, .jsonl or .parquet.")],
    number: Annotated[int | None, typer.Option("--round", help="Of this round; by default the newest.")] = None,
    force: _Force = False,
    project: ProjectName = None,
) -> None:
    """Write the strategy's score of every pool image when a round was opened, with the ranks of its candidates."""
    from alflow.workflow.insight.exports.said import export_scores

    workspace = open_workspace()
    count = export_scores(workspace, choose_project(workspace, project).id, path, number, force=force)
    say(f"scores of {plural(count, 'image')} written to {path}")


def predictions(
    path: Annotated[str, typer.Argument(help="File or URL to write, ending in .csv, .jsonl or .parquet.")],
    number: Annotated[
        int | None, typer.Option("--round", help="After this closed round, 0 for before any; by default the newest.")
    ] = None,
    force: _Force = False,
    project: ProjectName = None,
) -> None:
    """Write what the model says of every embedded image: class, every probability, uncertainty and its parts."""
    from alflow.workflow.insight.exports.said import export_predictions

    workspace = open_workspace()
    count = export_predictions(workspace, choose_project(workspace, project).id, path, number, force=force)
    say(f"predictions of {plural(count, 'image')} written to {path}")


def certificates(
    path: Annotated[str, typer.Argument(help="File or URL to write, ending in .csv, .jsonl or .parquet.")],
    force: _Force = False,
    project: ProjectName = None,
) -> None:
    """Write every image that was accepted by the model's word, with its certificate, withdrawn ones too."""
    from alflow.workflow.insight.exports.certified import export_certificates

    workspace = open_workspace()
    count = export_certificates(workspace, choose_project(workspace, project).id, path, force=force)
    say(f"{plural(count, 'accepted image')} written to {path}")


def model(
    folder: Annotated[str, typer.Argument(help="Folder or URL of one to make; nothing is overwritten.")],
    layout: Annotated[ModelFormat, typer.Option("--format", "-f", help="For which program.")],
    project: ProjectName = None,
) -> None:
    """Write the fitted model for another program, with a model card.

    open_clip: a checkpoint that open_clip loads, and the head beside it. sklearn: the head alone, for
    `alflow.load_head`. onnx: one file from pixels to probabilities (extra: onnx). The card, README.md, shows how each
    is loaded, what was measured, and what is not known.
    """
    from alflow.workflow.insight.exports.write import export_model

    workspace = open_workspace()
    done = export_model(workspace, choose_project(workspace, project).id, folder, layout.value)
    say(f"model of fit {done.fit[:12]} written to {folder} as {layout.value}; README.md there is its card")
    if layout is ModelFormat.OPEN_CLIP and not done.carries:
        say("its image tower has no place for what labels taught: alflow.load_head adds it to the unchanged checkpoint")


def dataset(
    folder: Annotated[str, typer.Argument(help="Folder or URL of one to make; nothing is overwritten.")],
    layout: Annotated[DatasetFormat, typer.Option("--format", "-f", help="Layout of the folder.")],
    project: ProjectName = None,
    unlabelled: Annotated[bool, typer.Option("--all", help="Also images without a class and without a vote.")] = False,
) -> None:
    """Write the images with their classes, splits and votes as another tool reads them.

    Images are copied as the desk shows them: JPEG, upright, in sRGB, 1024 pixels at most on the longer side, without
    the metadata of the original, which is named by its place and hash. Withdrawn answers are left out. The folder
    appears when it is whole.
    """
    from alflow.workflow.answers.dataset import export_dataset

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    with progress_bar("exporting") as progress:
        done = export_dataset(workspace, chosen.id, folder, layout.value, progress, unlabelled=unlabelled)
    by_model = f" ({done.by_model} by the model's word, with a certificate)" if done.by_model else ""
    counts = f"{done.labelled} with a class{by_model}, {plural(done.votes, 'vote')}"
    say(f"{plural(done.images, 'image')} written to {folder}: {counts}")
    if done.left_out:
        say(f"{plural(done.left_out, 'image')} without a class and without a vote left out: --all writes them too")
