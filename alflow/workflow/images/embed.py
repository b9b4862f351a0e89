"""Embeddings of a project's items and classes, as artifacts named by the hashes of what made them.

    projects/<id>/embeddings/<encoder>/<items>.safetensors     a shard (see `alflow.workflow.images.shards`)
    projects/<id>/classes/<encoder and prompts>.safetensors    one row for each class

A shard is written whole or not at all, so a run that was killed has lost one shard at most. Originals are read again
and checked against the hash they were imported with; the renditions for the screen are never embedded. Shards of an
encoder that computes in bfloat16 are kept in bfloat16, which loses nothing; rows are given out in float32.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from alflow.domain.projects import ClassLabel, Project
from alflow.embeddings import Activations, Embeddings, gather
from alflow.errors import ConflictError
from alflow.ids import ItemId
from alflow.progress import Progress, silent
from alflow.store.artifacts import digest
from alflow.store.images import failures, items
from alflow.workflow.images.encoding import Unusable, encode_items
from alflow.workflow.images.frame import frame_of
from alflow.workflow.images.shards import (
    EncoderInUse,
    as_activations,
    embedded_ids,
    encoder_in_use,
    folder,
    remember_encoder,
    remembered_encoder,
    shards,
)
from alflow.workflow.images.threads import groups
from alflow.workspace import Workspace

if TYPE_CHECKING:
    from alflow.vlm.encoder import Encoder

SHARD_ITEMS: Final = 1024
"""Items per shard; the last one may hold fewer."""


@dataclass(frozen=True)
class EmbedReport:
    """What became of a project's items: embedded now, embedded before, or failed, with the reason."""

    embedded: int
    known: int
    failed: tuple[Unusable, ...]

    def complaint(self) -> str | None:
        """The failures, in one line; None if there are none."""
        if not self.failed:
            return None
        first, n_tried = self.failed[0], self.embedded + len(self.failed)
        share = f"{len(self.failed)} of {n_tried} image{'' if n_tried == 1 else 's'} could not be embedded"
        if len({one.reason for one in self.failed}) == 1:
            return f"{share}: {first.reason}" + ("" if len(self.failed) > 1 else f" ({first.uri})")
        return f"{share}; the first, {first.uri}: {first.reason}"


def embed_missing(workspace: Workspace, project: Project, progress: Progress = silent) -> EmbedReport:
    """Embed the items that have no embedding by the project's encoder; can be killed anywhere and run again.

    An original that is gone, or changed since it was imported, or that the encoder fails on, is left out with the
    reason. The next call tries it again; a schedule does so with pauses (`due_ids`).

    Raises:
        InvalidInputError: the project's model cannot be used, or a shard is damaged.
        UnavailableError: its weights are not available on this machine, or the disk is full.
    """
    with workspace.database.read() as tx:
        everything = items.ids(tx, project.id)
    report = embed_items(workspace, project, everything, progress)
    encoder = encoder_in_use(workspace, project)
    frame_of(workspace, project, encoder.hash, encoder.layers.image_weight.shape[1])  # so that no round reads for it
    return report


def embed_items(
    workspace: Workspace, project: Project, item_ids: Sequence[ItemId], progress: Progress = silent
) -> EmbedReport:
    """`embed_missing` for these items only, such as one shard of them.

    Raises:
        InvalidInputError: the project's model cannot be used, or a shard is damaged.
        UnavailableError: its weights are not available on this machine, or the disk is full.
    """
    encoder, batch_size = workspace.encoder(project), workspace.settings.batch_size
    remember_encoder(workspace, project, encoder.hash, encoder.layers)
    known = embedded_ids(workspace, project, encoder.hash)
    with workspace.database.read() as tx:
        missing = items.by_ids(tx, [item for item in item_ids if item not in known])
        n_left = sum(item not in known for item in items.ids(tx, project.id))  # of which `missing` may be one shard
    failed: list[Unusable] = []
    encoded = encode_items(encoder.for_many(n_left), missing, batch_size, progress)
    for parts in groups(encoded, max(1, SHARD_ITEMS // batch_size)):
        shard = Embeddings.concatenate([rows for rows, _ in parts])
        _keep_shard(workspace, project, encoder.hash, shard)
        unusable = [one for _, without in parts for one in without]
        with workspace.database.begin() as tx:
            failures.record(tx, {one.item_id: one.reason for one in unusable}, datetime.now(UTC))
            failures.forget(tx, shard.item_ids.tolist())
        failed += unusable
    return EmbedReport(len(missing) - len(failed), len(item_ids) - len(missing), tuple(failed))


def missing_ids(workspace: Workspace, project: Project) -> list[ItemId]:
    """The items that have no embedding yet, tried or not; loads no model."""
    known = known_ids(workspace, project)
    with workspace.database.read() as tx:
        return [item for item in items.ids(tx, project.id) if item not in known]


def due_ids(workspace: Workspace, project: Project) -> list[ItemId]:
    """The items that a schedule should try now; loads no model, so it may ask often.

    A failed item is due again after a pause that doubles with each failure.
    """
    now = datetime.now(UTC)
    known = known_ids(workspace, project)
    with workspace.database.read() as tx:
        missing = [item for item in items.ids(tx, project.id) if item not in known]
        failed = failures.of_project(tx, project.id)
    if embedded := [
        one.item_id for one in failed if one.item_id in known
    ]:  # by a run that was killed before it recorded them
        with workspace.database.begin() as tx:
            failures.forget(tx, embedded)
    waiting = {one.item_id for one in failed if one.next_at > now}
    return [item for item in missing if item not in waiting]


def known_ids(workspace: Workspace, project: Project) -> set[ItemId]:
    """The items that have an embedding by the encoder that the project's model last meant; loads no model."""
    encoder_hash = remembered_encoder(workspace, project)
    return embedded_ids(workspace, project, encoder_hash) if encoder_hash else set()


def load_embeddings(workspace: Workspace, project: Project, item_ids: Sequence[ItemId]) -> Embeddings:
    """Rows of these items in the order asked for, in float32; items without an embedding are left out."""
    encoder = encoder_in_use(workspace, project)
    every = shards(workspace, project, encoder.hash)
    return gather(every, [item_ids], encoder.layers.image_weight.shape[1])[0]


def class_rows(
    workspace: Workspace, project: Project, encoder: EncoderInUse, classes: Sequence[ClassLabel]
) -> Activations:
    """Text activations of the project's classes in this order [C P_t]; computed once for these prompts.

    Raises:
        InvalidInputError: the project has no classes.
        ConflictError: the weights of its model have changed since its items were embedded.
    """
    name = class_rows_path(project, encoder.hash, classes)
    if not workspace.artifacts.exists(name):
        from alflow.vlm.encoder import class_activations  # noqa: PLC0415 - open_clip takes seconds to import

        towers = towers_in_use(workspace, project, encoder)
        keep_class_rows(workspace, project, encoder, classes, class_activations(towers, _prompts(classes)))
    tensors, _ = workspace.artifacts.read_tensors(name)
    return as_activations(tensors)


def keep_class_rows(
    workspace: Workspace, project: Project, encoder: EncoderInUse, classes: Sequence[ClassLabel], rows: Activations
) -> None:
    """Let `class_rows` of these classes answer with these rows, which were computed already."""
    name = class_rows_path(project, encoder.hash, classes)
    if not workspace.artifacts.exists(name):
        workspace.artifacts.write_tensors(name, as_tensors(rows))


def towers_in_use(workspace: Workspace, project: Project, encoder: EncoderInUse) -> "Encoder":
    """The towers of the encoder that embedded the project's items.

    Raises:
        ConflictError: the weights of its model have changed since.
    """
    towers = workspace.encoder(project)
    if towers.hash != encoder.hash:
        raise ConflictError(f"the weights of {project.model} changed since the images were embedded: `alflow embed`")
    return towers


def class_rows_are_kept(workspace: Workspace, project: Project, classes: Sequence[ClassLabel]) -> bool:
    """Whether `class_rows` can answer without the text tower."""
    return workspace.artifacts.exists(class_rows_path(project, encoder_in_use(workspace, project).hash, classes))


def as_tensors(activations: Activations) -> dict[str, Tensor]:
    """To be kept; `as_activations` reads them."""
    residuals = {} if activations.residuals is None else {"residuals": activations.residuals}
    return {"values": activations.values, **residuals}


def _keep_shard(workspace: Workspace, project: Project, encoder_hash: str, shard: Embeddings) -> None:
    if not len(shard):
        return
    name = f"{folder(project, encoder_hash)}/{digest(items=shard.item_ids.tolist())}.safetensors"
    dtype = torch.bfloat16 if project.precision == "bf16" else torch.float32
    tensors = {key: tensor.to(dtype) for key, tensor in as_tensors(shard.activations).items()}
    workspace.artifacts.write_tensors(name, {"item_ids": shard.item_ids, **tensors}, {"encoder": encoder_hash})


def class_rows_path(project: Project, encoder_hash: str, classes: Sequence[ClassLabel]) -> str:
    """Where the text activations of these classes lie among the artifacts."""
    name = digest(encoder=encoder_hash, prompts=_prompts(classes))
    return f"projects/{project.id}/classes/{name}.safetensors"


def _prompts(classes: Sequence[ClassLabel]) -> list[list[str]]:
    return [list(label.prompts) for label in classes]
