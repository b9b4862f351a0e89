"""Lengths of the zero-shot embeddings of a project's images, kept beside the shards: prompts do not move them."""

from torch import Tensor

from alflow.domain.projects import Project
from alflow.embeddings import Activations
from alflow.store.artifacts import digest
from alflow.workspace import Workspace


def lengths_of(workspace: Workspace, project: Project, name: str, rows: Activations, weight: Tensor) -> Tensor:
    """|W phi + r| of the rows of a shard, by its name [N]; computed once, for the encoder of a shard never changes."""
    path = f"projects/{project.id}/lengths/{digest(shard=name)}.safetensors"
    if not workspace.artifacts.exists(path):
        lengths = rows.embed(weight).norm(dim=1).clamp(min=1e-12)
        workspace.artifacts.write_tensors(path, {"lengths": lengths})
    return workspace.artifacts.read_tensors(path)[0]["lengths"]
