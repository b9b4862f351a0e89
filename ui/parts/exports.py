"""The kinds of exports that pages offer: those of `alflow export`, each with what is in it and who writes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alflow.domain.images import Split
from alflow.ids import ProjectId
from alflow.workflow.projects.projects import project as load_project
from alflow.workspace import Workspace

_ROWS: Final = (".csv", ".jsonl", ".parquet")


@dataclass(frozen=True)
class Export:
    """A kind of export.

    Attributes:
        title: its name on the page.
        caption: what is in it.
        formats: endings of one file, or layouts of a folder.
        write: writes it.
        of_round: whether it is about a round.
        is_folder: whether it is a folder, which is sent as an archive.
    """

    title: str
    caption: str
    formats: tuple[str, ...]
    write: "Callable[[Wanted, Path], object]"
    of_round: bool = False
    is_folder: bool = False


@dataclass(frozen=True)
class Wanted:
    """Which export of which project; the last three are of those kinds that know them."""

    workspace: Workspace
    project_id: ProjectId
    format: str
    number: int | None
    unlabelled: bool
    split: Split | None


# The writers load PyTorch or pyarrow: in a thread, and when they are asked for.


def _labels(wanted: Wanted, path: Path) -> object:
    from alflow.workflow.answers.export import export_labels

    return export_labels(wanted.workspace, wanted.project_id, str(path))


def _predictions(wanted: Wanted, path: Path) -> object:
    from alflow.workflow.insight.exports.said import export_predictions

    return export_predictions(wanted.workspace, wanted.project_id, str(path), wanted.number)


def _scores(wanted: Wanted, path: Path) -> object:
    from alflow.workflow.insight.exports.said import export_scores

    return export_scores(wanted.workspace, wanted.project_id, str(path), wanted.number)


def _certificates(wanted: Wanted, path: Path) -> object:
    from alflow.workflow.insight.exports.certified import export_certificates

    return export_certificates(wanted.workspace, wanted.project_id, str(path))


def _embeddings(wanted: Wanted, path: Path) -> object:
    from alflow.workflow.insight.exports.embedded import export_embeddings

    return export_embeddings(wanted.workspace, wanted.project_id, str(path), wanted.split)


def _head(wanted: Wanted, path: Path) -> object:
    from alflow.workflow.answers.export import export_head

    return export_head(wanted.workspace, wanted.project_id, str(path))


def _posterior(wanted: Wanted, path: Path) -> object:
    from alflow.workflow.model.posterior import export_posterior

    return export_posterior(wanted.workspace, load_project(wanted.workspace, wanted.project_id), str(path))


def _dataset(wanted: Wanted, path: Path) -> object:
    from alflow.workflow.answers.dataset import export_dataset

    return export_dataset(wanted.workspace, wanted.project_id, path, wanted.format, unlabelled=wanted.unlabelled)


def _model(wanted: Wanted, path: Path) -> object:
    from alflow.workflow.insight.exports.write import export_model

    return export_model(wanted.workspace, wanted.project_id, path, wanted.format)


LABELS: Final = "labels"
EXPORTS: Final[Mapping[str, Export]] = {
    LABELS: Export("Labels", "One row per answer, with what led to it and what became of it.", _ROWS, _labels),
    "dataset": Export(
        "Data set",
        "Images with their class, split and votes, as another tool reads them: copies as the desk shows them.",
        ("imagefolder", "coco", "webdataset", "croissant", "label-studio", "cvat", "fiftyone"),
        _dataset,
        is_folder=True,
    ),
    "predictions": Export(
        "Predictions",
        "What the model says of every embedded image: class, every probability, uncertainty and its parts.",
        _ROWS,
        _predictions,
        of_round=True,
    ),
    "scores": Export(
        "Record of a round",
        "The strategy's score of every pool image when the round was opened, with the ranks of its candidates.",
        _ROWS,
        _scores,
        of_round=True,
    ),
    "certificates": Export(
        "Accepted images",
        "Every image that was accepted by the model's word, with its certificate.",
        _ROWS,
        _certificates,
    ),
    "model": Export(
        "Model",
        "The model after the newest closed round for another program, with a card that says how it is loaded.",
        ("open_clip", "sklearn", "onnx"),
        _model,
        is_folder=True,
    ),
    "head": Export("Head", "What the labels of the closed rounds add to the logits.", (".safetensors",), _head),
    "posterior": Export(
        "Posterior",
        "The Kronecker factors of the pretraining, in the layout of the published ones.",
        ("factors",),
        _posterior,
        is_folder=True,
    ),
    "embeddings": Export(
        "Embeddings", "Of every embedded image, with its features.", (".npz", ".parquet", ".safetensors"), _embeddings
    ),
}
"""By the name in the address, which is that of the command."""
