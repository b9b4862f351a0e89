"""Lengths of the zero-shot embeddings of a project's images, kept beside the shards: prompts do not move them."""

from torch import Tensor

from alflow.domain.projects import Project
from alflow.embeddings import Activations
from alflow.ids import ProjectId
from alflow.store.artifacts import digest
from alflow.store.projects import projects
from alflow.workflow.images.embedded import names, require_embedded
from alflow.workflow.images.shards import encoder_in_use, read, single
from alflow.workspace import Workspace


def prepare_lengths(workspace: Workspace, project_id: ProjectId) -> None:
    """Those of every shard.

    Raises:
        NotFoundError: there is no such project, or nothing of it is embedded.
    """
    with workspace.database.read() as tx:
        project = projects.by_id(tx, project_id)
    require_embedded(workspace, project)
    encoder = encoder_in_use(workspace, project)
    for name in names(workspace, project, encoder.hash):
        if not workspace.artifacts.exists(_path(project, name)):
            rows = single(read(workspace, name)).activations
            lengths_of(workspace, project, name, rows, encoder.layers.image_weight)


def lengths_of(workspace: Workspace, project: Project, name: str, rows: Activations, weight: Tensor) -> Tensor:
    """|W phi + r| of the rows of a shard, by its name [N]; computed once, for the encoder of a shard never changes."""
    path = _path(project, name)
    if not workspace.artifacts.exists(path):
        lengths = rows.embed(weight).norm(dim=1).clamp(min=1e-12)
        workspace.artifacts.write_tensors(path, {"lengths": lengths})
    return workspace.artifacts.read_tensors(path, lengths={"N": len(rows)})[0]["lengths"]


def _path(project: Project, name: str) -> str:
    return f"projects/{project.id}/lengths/{digest(shard=name)}.safetensors"
