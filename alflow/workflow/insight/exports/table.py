"""The table of formats: what `alflow export model --format` takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import floor, log2
from pathlib import Path
from typing import TYPE_CHECKING, Final

from alflow.bayes.head import Head
from alflow.domain.projects import Project
from alflow.errors import ConflictError
from alflow.workflow.images.shards import EncoderInUse, shards
from alflow.workflow.insight.exports import onnx_files
from alflow.workflow.insight.exports.head_files import HeadFiles, write_head
from alflow.workspace import Workspace

if TYPE_CHECKING:
    from alflow.vlm.models import LoadedModel


@dataclass(frozen=True)
class Given:
    """What a format is written of."""

    workspace: Workspace
    project: Project
    encoder: EncoderInUse
    files: HeadFiles


Write = Callable[[Path, Given], HeadFiles]


@dataclass(frozen=True)
class Format:
    """One format: what it is, in a few words, and how it is written into a folder that is there and empty."""

    caption: str
    write: Write


def _write_sklearn(folder: Path, given: Given) -> HeadFiles:
    write_head(folder, given.files)
    return given.files


def _write_open_clip(folder: Path, given: Given) -> HeadFiles:
    """An open_clip checkpoint of both towers, and the head beside it."""
    from alflow.vlm.exported import write_open_clip  # noqa: PLC0415 - open_clip takes seconds to import

    head, loaded = given.files.head, _loaded(given)
    factor = _factor(given, head)
    carries = write_open_clip(folder, loaded, head.weight, factor)
    files = replace(given.files, about=replace(given.files.about, checkpoint=factor if carries else 0.0))
    write_head(folder, files)
    return files


def _write_onnx(folder: Path, given: Given) -> HeadFiles:
    """One file from prepared pixels to probabilities, and how pixels are prepared."""
    from alflow.vlm.exported import write_onnx  # noqa: PLC0415
    from alflow.vlm.towers import cut_image_tower  # noqa: PLC0415

    onnx_files.require()
    loaded = _loaded(given)
    example = onnx_files.example(loaded)
    onnx_files.write_preparation(folder, loaded, example, given.files.about)
    write_onnx(folder / onnx_files.MODEL, cut_image_tower(loaded.model), given.files.head.probabilities, example)
    return given.files


FORMATS: Final[Mapping[str, Format]] = {
    "open_clip": Format("open_clip checkpoint of both towers, with the head beside it", _write_open_clip),
    "sklearn": Format("the head alone, as a scikit-learn classifier: `alflow.load_head`", _write_sklearn),
    "onnx": Format("image tower and head as one ONNX file: pixels to probabilities", _write_onnx),
}
"""Name -> format."""


def _loaded(given: Given) -> "LoadedModel":
    """The whole model behind the project's images.

    Raises:
        ConflictError: its weights have changed since these were embedded.
    """
    from alflow.vlm.encoder import encoder_hash  # noqa: PLC0415
    from alflow.vlm.models import load_model  # noqa: PLC0415

    project, loaded = given.project, load_model(given.project.model)
    if encoder_hash(loaded, project.precision) != given.encoder.hash:
        raise ConflictError(f"the weights of {project.model} changed since the images were embedded: `alflow embed`")
    return loaded


def _factor(given: Given, head: Head) -> float:
    """Of what the image tower carries behind the embedding: a power of two by which it is short beside it.

    The length of both together is then that of the embedding, to a part in ten million, for the images of a shard.
    """
    every = shards(given.workspace, given.project, given.encoder.hash)
    rows = next(every, None)
    if rows is None:
        return _SHORT
    values = rows.activations
    carried = (values.values.to(head.weight.dtype) @ head.weight.T).norm(dim=1)
    share = float((values.embed(head.image_weight).norm(dim=1) / carried.clamp_min(1e-12)).min())
    return min(_SHORT, 2.0 ** floor(log2(max(_SHORT * share, 2.0**-60))))


_SHORT: Final = 2.0**-12
