"""Where a project's images lie: the mean and the variance of all that is embedded, kept beside the shards."""

import torch

from alflow.bayes.field import Frame
from alflow.domain.projects import Project
from alflow.store.artifacts import digest
from alflow.workflow.images.embedded import names
from alflow.workflow.images.shards import read
from alflow.workspace import Workspace


def frame_of(workspace: Workspace, project: Project, encoder_hash: str, width: int) -> Frame:
    """Of all images with an embedding by this encoder; the shards are read once, until there are more.

    Args:
        workspace: where.
        project: whose images.
        encoder_hash: of the encoder.
        width: P, where nothing is embedded yet.

    Raises:
        InvalidInputError: a shard is damaged.
    """
    parts = names(workspace, project, encoder_hash)
    if not parts:
        return Frame.of_parts([], width)
    path = f"projects/{project.id}/frames/{digest(shards=parts)}.safetensors"
    if not workspace.artifacts.exists(path):
        frame = Frame.of_parts((read(workspace, name).activations for name in parts), width)
        radius = torch.tensor(frame.radius, dtype=torch.float64)
        workspace.artifacts.write_tensors(path, {"centre": frame.centre, "radius": radius}, {"encoder": encoder_hash})
    tensors, _ = workspace.artifacts.read_tensors(path, lengths={"P": width})
    return Frame(tensors["centre"], float(tensors["radius"]))
