"""What embedding leaves behind, readable without the towers: which encoder it was, its last layers, the shards.

projects/<id>/encoder.json                                 which encoder the model's name last meant
projects/<id>/layers/<encoder>.safetensors                 its last layers
projects/<id>/embeddings/<encoder>/<items>.safetensors     a shard: item_ids [N], values [N P], residuals [N D]
"""

import json
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from alflow.domain import Project
from alflow.embeddings import Activations, Embeddings, LastLayers
from alflow.errors import NotFoundError
from alflow.workspace import Workspace


def remember_encoder(workspace: Workspace, project: Project, encoder_hash: str, layers: LastLayers) -> None:
    """Keep which encoder the model's name last meant, and its last layers, so that neither needs the towers."""
    tensors = {"image_weight": layers.image_weight, "text_weight": layers.text_weight}
    tensors |= {name: torch.tensor(getattr(layers, name), dtype=torch.float64) for name in ("scale", "bias")}
    if not workspace.artifacts.exists(_layers_path(project, encoder_hash)):
        path = _layers_path(project, encoder_hash)
        workspace.artifacts.write_tensors(path, tensors, {"likelihood": layers.likelihood})
    note = {"model": project.model, "precision": project.precision, "hash": encoder_hash}
    workspace.artifacts.write_bytes(f"projects/{project.id}/encoder.json", json.dumps(note).encode())


def remembered_encoder(workspace: Workspace, project: Project) -> str | None:
    """Hash of the encoder that the project's items were last embedded with; None before."""
    try:
        note = json.loads(workspace.artifacts.read_bytes(f"projects/{project.id}/encoder.json"))
    except NotFoundError:
        return None
    same = (note["model"], note["precision"]) == (project.model, project.precision)
    return str(note["hash"]) if same else None


def head(workspace: Workspace, project: Project) -> tuple[str, LastLayers]:
    """Hash and last layers of the project's encoder, which is loaded only where nothing is kept of it.

    Raises:
        InvalidInputError: the project's model cannot be used.
        UnavailableError: its weights cannot be had on this machine.
    """
    known = remembered_encoder(workspace, project)
    if (
        known is None
        or workspace.holds_encoder(project)
        or not workspace.artifacts.exists(_layers_path(project, known))
    ):
        encoder = workspace.encoder(project)
        return encoder.hash, encoder.layers
    tensors, notes = workspace.artifacts.read_tensors(_layers_path(project, known))
    scale, bias = float(tensors["scale"]), float(tensors["bias"])
    likelihood: Any = notes["likelihood"]
    return known, LastLayers(tensors["image_weight"], tensors["text_weight"], scale, bias, likelihood)


def names(workspace: Workspace, project: Project, encoder_hash: str) -> list[str]:
    """The artifacts that are the shards of this encoder."""
    return workspace.artifacts.list(folder(project, encoder_hash))


def read(workspace: Workspace, name: str) -> Embeddings:
    """One shard, in the precision it is kept in; local files are mapped into memory, not copied."""
    tensors, _ = workspace.artifacts.read_tensors(name)
    return Embeddings(tensors["item_ids"], as_activations(tensors))


def shards(workspace: Workspace, project: Project, encoder_hash: str) -> Iterator[Embeddings]:
    """All shards of this encoder, one at a time."""
    for name in names(workspace, project, encoder_hash):
        yield read(workspace, name)


def folder(project: Project, encoder_hash: str) -> str:
    """Where the shards of this encoder lie."""
    return f"projects/{project.id}/embeddings/{encoder_hash}"


def as_activations(tensors: dict[str, Tensor]) -> Activations:
    """Activations as they are kept."""
    return Activations(tensors["values"], tensors.get("residuals"))


def single(rows: Embeddings) -> Embeddings:
    """The rows in float32."""
    residuals = rows.activations.residuals
    values = Activations(rows.activations.values.float(), None if residuals is None else residuals.float())
    return Embeddings(rows.item_ids, values)


def _layers_path(project: Project, encoder_hash: str) -> str:
    return f"projects/{project.id}/layers/{encoder_hash}.safetensors"
