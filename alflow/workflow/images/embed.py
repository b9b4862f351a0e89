"""Embeddings of a project's items and classes, as artifacts named by the hashes of what made them.

    projects/<id>/embeddings/<encoder>/<items>.safetensors     a shard (see `alflow.workflow.images.shards`)
    projects/<id>/classes/<encoder and prompts>.safetensors    one row for each class

A shard is written whole or not at all, so a run that was killed has lost one shard at most; of several runs at once
each claims the items of a shard before it embeds them (`alflow.workflow.images.claims`). Originals are read again and
checked against the hash they were imported with; the renditions for the screen are never embedded. Shards of an encoder
that computes in bfloat16 are kept in bfloat16, which loses nothing; rows are given out in float32.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from time import sleep
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from alflow.domain.projects import ClassLabel, Project
from alflow.embeddings import Activations, Embeddings, gather
from alflow.errors import ConflictError
from alflow.ids import ItemId, ProjectId
from alflow.progress import Progress, silent
from alflow.store.artifacts import digest
from alflow.store.images import failures, items
from alflow.store.projects import projects
from alflow.workflow.images.claims import claimed
from alflow.workflow.images.embedded import embedded_among, embedded_ids, folder
from alflow.workflow.images.encoding import Unusable, encode_items
from alflow.workflow.images.frame import frame_of
from alflow.workflow.images.shards import EncoderInUse, as_activations, encoder_in_use, remember_encoder, shards
from alflow.workspace import Workspace

if TYPE_CHECKING:
    from alflow.vlm.encoder import Encoder

SHARD_ITEMS: Final = 1024
"""Items per shard; the last one may hold fewer."""

_LOOK_SECONDS: Final = 1.0  # while others embed what is left


@dataclass(frozen=True)
class EmbedReport:
    """What became of a project's items: embedded now, embedded before, or failed, with the reason."""

    embedded: int
    known: int
    failed: tuple[Unusable, ...]

    def joined(self, other: "EmbedReport") -> "EmbedReport":
        """Both as one."""
        return EmbedReport(self.embedded + other.embedded, self.known + other.known, self.failed + other.failed)

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
        ConflictError: the process stood still for minutes, and another took over.
    """
    encoder = workspace.encoder(project)
    remember_encoder(workspace, project, encoder.hash, encoder.layers)
    known = embedded_ids(workspace, project, encoder.hash)
    with workspace.database.read() as tx:
        everything = items.ids(tx, project.id)
    missing = [item for item in everything if item not in known]
    report = embed_items(workspace, project, missing, progress)
    frame_of(workspace, project, encoder.hash, encoder.layers.image_weight.shape[1])  # so that no round reads for it
    return replace(report, known=report.known + len(everything) - len(missing))


def embed_items(
    workspace: Workspace, project: Project, item_ids: Sequence[ItemId], progress: Progress = silent
) -> EmbedReport:
    """Embed these items, shard by shard, here or wherever the workspace has it done.

    Items that another process is embedding at the moment are waited for; those of one that died are taken over.

    Raises:
        InvalidInputError: the project's model cannot be used, or a shard is damaged.
        UnavailableError: its weights are not available on this machine, or the disk is full.
        ConflictError: a process stood still for minutes, and another took over.
    """
    report, left = EmbedReport(0, 0, ()), list(item_ids)
    embed_one = partial(embed_shard, project.id, len(left))
    while left:
        before, shards_of_it = left, [left[start : start + SHARD_ITEMS] for start in range(0, len(left), SHARD_ITEMS)]
        left = []
        for done, held in workspace.each(embed_one, shards_of_it, progress):
            report = report.joined(done)
            left += held
        if len(left) == len(before):
            sleep(_LOOK_SECONDS)
    return report


def embed_shard(
    project_id: ProjectId, n_items: int, workspace: Workspace, item_ids: Sequence[ItemId], progress: Progress = silent
) -> tuple[EmbedReport, tuple[ItemId, ...]]:
    """Embed these items into one shard, unless others do; returns what became of them, and which others embed now.

    Args:
        project_id: of their project.
        n_items: how many are to be embedded in all, of which these are a part: many are worth a faster encoder.
        workspace: where.
        item_ids: the items of the shard.
        progress: of these items.

    Raises:
        InvalidInputError: the project's model cannot be used, or a shard is damaged.
        UnavailableError: its weights are not available on this machine, or the disk is full.
        ConflictError: this process stood still for minutes, and another took over.
    """
    with workspace.database.read() as tx:
        project = projects.by_id(tx, project_id)
    encoder = workspace.encoder(project)
    remember_encoder(workspace, project, encoder.hash, encoder.layers)
    with claimed(workspace, item_ids) as claim:
        known = embedded_among(workspace, project, encoder.hash, claim.item_ids)  # by whoever held them before
        with workspace.database.read() as tx:
            missing = items.by_ids(tx, [item for item in claim.item_ids if item not in known])
        batches = encode_items(encoder.for_many(n_items), missing, workspace.settings.batch_size, progress)
        parts, without = zip(*batches, strict=True) if missing else ((), ())
        failed = tuple(one for some in without for one in some)
        if missing:
            claim.confirm()
            shard = Embeddings.concatenate(parts)
            _keep_shard(workspace, project, encoder.hash, shard)
            with workspace.database.begin() as tx:
                failures.record(tx, {one.item_id: one.reason for one in failed}, datetime.now(UTC))
                failures.forget(tx, shard.item_ids.tolist())
    return EmbedReport(len(missing) - len(failed), len(known), failed), claim.held


def adopt_rows(workspace: Workspace, project: Project, other: Project) -> None:
    """Give images of the project that have no row those of another project of the same model, where bytes are equal.

    Raises:
        InvalidInputError: a shard is damaged.
        UnavailableError: the disk is full, or weights are needed that this machine lacks.
        ConflictError: this process stood still for minutes, and another took over.
    """
    with workspace.database.read() as tx:
        theirs = {item.id: item.content_hash for item in items.list_(tx, other.id)}
    rows = load_embeddings(workspace, other, list(theirs))
    hashes = [theirs[ItemId(item)] for item in rows.item_ids.tolist()]
    take_rows(workspace, project, encoder_in_use(workspace, other), hashes, rows.activations)


def take_rows(
    workspace: Workspace, project: Project, encoder: "EncoderInUse | Encoder", hashes: Sequence[str], rows: Activations
) -> None:
    """Give images of the project that have no row the one of their content, which this encoder made; others get none.

    Args:
        workspace: where.
        project: whose images.
        encoder: what made the rows.
        hashes: content hashes of the images of the rows, in order.
        rows: one for each hash.

    Raises:
        InvalidInputError: a shard is damaged.
        UnavailableError: the disk is full.
        ConflictError: this process stood still for minutes, and another took over.
    """
    remember_encoder(workspace, project, encoder.hash, encoder.layers)
    known = embedded_ids(workspace, project, encoder.hash)
    places = {content_hash: row for row, content_hash in enumerate(hashes)}
    with workspace.database.read() as tx:
        missing = [item for item in items.list_(tx, project.id) if item.id not in known]
    wanted = {item.id: places[item.content_hash] for item in missing if item.content_hash in places}
    with claimed(workspace, list(wanted)) as claim:
        claim.confirm()
        item_ids = torch.tensor(claim.item_ids, dtype=torch.int64)
        taken = rows[torch.tensor([wanted[item] for item in claim.item_ids], dtype=torch.int64)]
        _keep_shard(workspace, project, encoder.hash, Embeddings(item_ids, taken))


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
