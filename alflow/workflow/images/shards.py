"""What embedding stores, readable without the towers: the encoder's hash, its last layers, the shards.

projects/<id>/encoder.json                                 which encoder the model's name last meant
projects/<id>/layers/<encoder>.safetensors                 its last layers
projects/<id>/embeddings/<encoder>/<items>.safetensors     a shard: item_ids [N], values [N P], residuals [N D]
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from alflow.domain.projects import Project
from alflow.embeddings import Activations, Embeddings, LastLayers
from alflow.errors import InvalidInputError
from alflow.store.artifacts import Artifacts
from alflow.tensors import take
from alflow.workflow.images.embedded import damaged, names, remembered_encoder
from alflow.workspace import Workspace


@dataclass(frozen=True)
class EncoderInUse:
    """The encoder of a project's rows: its hash, and its last layers."""

    hash: str
    layers: LastLayers


def remember_encoder(workspace: Workspace, project: Project, encoder_hash: str, layers: LastLayers) -> None:
    """Store which encoder the model's name last meant, and its last layers, so that neither needs the towers."""
    _keep_layers(workspace, project, encoder_hash, layers)
    if remembered_encoder(workspace, project) != encoder_hash:
        note = {"model": project.model, "precision": project.precision, "hash": encoder_hash}
        workspace.artifacts.write_bytes(f"projects/{project.id}/encoder.json", json.dumps(note).encode())


def encoder_in_use(workspace: Workspace, project: Project) -> EncoderInUse:
    """The project's encoder as far as its rows need it; its towers are loaded only if nothing is stored of it.

    Raises:
        InvalidInputError: the project's model cannot be used.
        UnavailableError: its weights are not available on this machine.
    """
    known = remembered_encoder(workspace, project)
    if known is None or workspace.holds_encoder(project) or not workspace.artifacts.exists(layers_path(project, known)):
        encoder = workspace.encoder(project)
        if known == encoder.hash:  # else nothing is embedded with it yet
            _keep_layers(workspace, project, encoder.hash, encoder.layers)
        return EncoderInUse(encoder.hash, encoder.layers)
    path = layers_path(project, known)
    tensors, notes = workspace.artifacts.read_tensors(path)
    image, text = (take(tensors, f"{side}_weight", f"the artifact {path}", 2) for side in ("image", "text"))
    scale, bias = (float(take(tensors, name, f"the artifact {path}", 0)) for name in ("scale", "bias"))
    likelihood: Any = notes["likelihood"]
    return EncoderInUse(known, LastLayers(image, text, scale, bias, likelihood))


def read(workspace: Workspace, name: str) -> Embeddings:
    """One shard, in the precision it is kept in; local files are mapped into memory, not copied.

    Raises:
        InvalidInputError: it is damaged; the message names the file.
    """
    return _read(workspace.artifacts, name)


def shards(workspace: Workspace, project: Project, encoder_hash: str) -> Iterator[Embeddings]:
    """All shards of this encoder, one at a time."""
    for name in names(workspace, project, encoder_hash):
        yield read(workspace, name)


def as_activations(tensors: dict[str, Tensor]) -> Activations:
    """Activations from stored tensors.

    Raises:
        InvalidInputError: the tensors are not the expected ones.
    """
    rows = [
        take(tensors, name, "a kept table of activations", 2) for name in ("values", "residuals") if name in tensors
    ]
    if not rows or "values" not in tensors or any(len(part) != len(rows[0]) for part in rows):
        raise InvalidInputError("a kept table of activations is damaged: delete it and run again")
    return Activations(rows[0], rows[1] if len(rows) > 1 else None)


def single(rows: Embeddings) -> Embeddings:
    """The rows in float32."""
    residuals = rows.activations.residuals
    values = Activations(rows.activations.values.float(), None if residuals is None else residuals.float())
    return Embeddings(rows.item_ids, values)


def _read(artifacts: Artifacts, name: str, *, check: bool = True) -> Embeddings:
    try:
        tensors, _ = artifacts.read_tensors(name, check=check)
        ids, values, residuals = tensors["item_ids"], tensors["values"], tensors.get("residuals")
    except (InvalidInputError, KeyError) as error:
        raise InvalidInputError(damaged(artifacts, name)) from error
    rows = [values] if residuals is None else [values, residuals]
    shaped = all(part.ndim == 2 and len(part) == len(ids) and part.is_floating_point() for part in rows)
    if ids.dtype != torch.int64 or ids.ndim != 1 or not shaped:
        raise InvalidInputError(damaged(artifacts, name))
    return Embeddings(ids, Activations(values, residuals))


def _keep_layers(workspace: Workspace, project: Project, encoder_hash: str, layers: LastLayers) -> None:
    path = layers_path(project, encoder_hash)
    if workspace.artifacts.exists(path):
        return
    tensors = {"image_weight": layers.image_weight, "text_weight": layers.text_weight}
    tensors |= {name: torch.tensor(getattr(layers, name), dtype=torch.float64) for name in ("scale", "bias")}
    workspace.artifacts.write_tensors(path, tensors, {"likelihood": layers.likelihood})


def layers_path(project: Project, encoder_hash: str) -> str:
    """Where the last layers of this encoder lie among the artifacts."""
    return f"projects/{project.id}/layers/{encoder_hash}.safetensors"
