"""Embeddings of a project's items and classes, as artifacts named by the hashes of what made them.

    projects/<id>/embeddings/<encoder>/<items>.safetensors     a shard (see `alflow.workflow.shards`)
    projects/<id>/classes/<encoder and prompts>.safetensors    one row for each class

A shard is written whole or not at all, so a run that was killed has lost one shard at most. Originals are read again
and checked against the hash they were imported with; the renditions for the screen are never embedded. Shards of an
encoder that computes in bfloat16 are kept in bfloat16, which loses nothing; rows are given out in float32.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from alflow.domain import Item, Project, Rejection
from alflow.embeddings import Activations, Embeddings, LastLayers, among
from alflow.errors import ConflictError, InvalidInputError
from alflow.progress import Progress, silent
from alflow.store import items, projects
from alflow.store.artifacts import digest
from alflow.store.database import Transaction
from alflow.vlm.images import read_image
from alflow.workflow.shards import (
    as_activations,
    folder,
    head,
    remember_encoder,
    remembered_encoder,
    shards,
    single,
)
from alflow.workflow.sources import read_file
from alflow.workflow.threads import ahead, groups
from alflow.workspace import Workspace

if TYPE_CHECKING:
    from alflow.vlm.encoder import Encoder

SHARD_ITEMS: Final = 1024
"""Items a shard; the last one may hold fewer."""
_NOT_EMBEDDED: Final = "not embedded"  # how the reasons begin by which a tried item is told from a new one


@dataclass(frozen=True)
class EmbedReport:
    """What became of a project's items: embedded now, embedded before, or not to be embedded, with the reason."""

    embedded: int
    known: int
    failed: tuple[Rejection, ...]


def embed_missing(workspace: Workspace, project: Project, progress: Progress = silent) -> EmbedReport:
    """Embed the items that have no embedding by the project's encoder; can be killed anywhere and run again.

    An original that is gone, or changed since it was imported, is recorded among the rejections and left out; the next
    call tries it again.

    Raises:
        InvalidInputError: the project's model cannot be used.
        UnavailableError: its weights cannot be had on this machine.
    """
    with workspace.database.read() as tx:
        everything = items.ids(tx, project.id)
    return embed_items(workspace, project, everything, progress)


def embed_items(
    workspace: Workspace, project: Project, item_ids: Sequence[int], progress: Progress = silent
) -> EmbedReport:
    """`embed_missing` for these items only, such as one shard of them.

    Raises:
        InvalidInputError: the project's model cannot be used.
        UnavailableError: its weights cannot be had on this machine.
    """
    encoder, batch_size = workspace.encoder(project), workspace.settings.batch_size
    remember_encoder(workspace, project, encoder.hash, encoder.layers)
    known = _embedded_ids(workspace, project, encoder.hash)
    with workspace.database.read() as tx:
        missing = items.by_ids(tx, [item for item in item_ids if item not in known])
        n_left = sum(item not in known for item in items.ids(tx, project.id))  # of which `missing` may be one shard
    failed: list[Rejection] = []
    encoded = encode_items(encoder.for_many(n_left), missing, batch_size, progress)
    for parts in groups(encoded, max(1, SHARD_ITEMS // batch_size)):
        _keep_shard(workspace, project, encoder.hash, [rows for rows, _ in parts])
        unusable = [rejection for _, rejections in parts for rejection in rejections]
        with workspace.database.begin() as tx:
            items.reject(tx, project.id, unusable)
        failed += unusable
    return EmbedReport(len(missing) - len(failed), len(item_ids) - len(missing), tuple(failed))


def encode_items(
    encoder: "Encoder", missing: Sequence[Item], batch_size: int, progress: Progress = silent
) -> Iterator[tuple[Embeddings, list[Rejection]]]:
    """Batches of rows and what could not be used; threads prepare pictures while the network works."""
    done = 0
    progress(done, len(missing))
    for batch in groups(ahead(partial(_prepare, encoder), missing, 2 * batch_size), batch_size):
        usable = [outcome for outcome in batch if not isinstance(outcome, Rejection)]
        rejected = [outcome for outcome in batch if isinstance(outcome, Rejection)]
        yield _encode(encoder, usable), rejected
        done += len(batch)
        progress(done, len(missing))


def count_missing(workspace: Workspace, project: Project) -> int:
    """How many items `embed_missing` has not tried yet; loads no model, so a schedule may ask often."""
    return len(untried_ids(workspace, project))


def untried_ids(workspace: Workspace, project: Project) -> list[int]:
    """The items that `count_missing` counts."""
    encoder_hash = remembered_encoder(workspace, project)
    known = _embedded_ids(workspace, project, encoder_hash) if encoder_hash else set()
    with workspace.database.read() as tx:
        missing = [item for item in items.ids(tx, project.id) if item not in known]
        reasons = {rejection.uri: rejection.reason for rejection in items.rejections(tx, project.id)}
        untried = items.by_ids(tx, missing)
    return [item.id for item in untried if not reasons.get(item.uri, "").startswith(_NOT_EMBEDDED)]


def load_embeddings(workspace: Workspace, project: Project, item_ids: Sequence[int]) -> Embeddings:
    """Rows of these items in the order asked for, in float32; items without an embedding are left out."""
    encoder_hash, layers = head(workspace, project)
    wanted = torch.tensor(sorted(item_ids), dtype=torch.int64)
    every = shards(workspace, project, encoder_hash)
    parts = (single(shard[among(shard.item_ids, wanted).nonzero()[:, 0]]) for shard in every)
    joined = Embeddings.concatenate([_no_rows(layers), *parts])
    found = set(joined.item_ids.tolist())
    return joined.select(item for item in item_ids if item in found)


def class_rows(workspace: Workspace, project: Project) -> Activations:
    """Text activations of the project's classes in their order [C P_t]; computed once for these prompts.

    Raises:
        InvalidInputError: the project has no classes.
        ConflictError: the weights that its model names are others than those that embedded its items.
    """
    encoder_hash, name = _class_rows(workspace, project)
    if not workspace.artifacts.exists(name):
        from alflow.vlm.encoder import class_activations  # noqa: PLC0415 - open_clip takes seconds to import

        encoder = workspace.encoder(project)
        if encoder.hash != encoder_hash:
            raise ConflictError(
                f"the weights of {project.model} changed since the images were embedded: `alflow embed`"
            )
        with workspace.database.read() as tx:
            prompts = _prompts(tx, project)
        workspace.artifacts.write_tensors(name, _tensors(class_activations(encoder, prompts)))
    tensors, _ = workspace.artifacts.read_tensors(name)
    return as_activations(tensors)


def class_rows_are_kept(workspace: Workspace, project: Project) -> bool:
    """Whether `class_rows` needs no tower."""
    return workspace.artifacts.exists(_class_rows(workspace, project)[1])


def prepare_file(encoder: "Encoder", uri: str, content_hash: str | None = None) -> Tensor:
    """What the encoder sees of a file: pixels [3 H W].

    Raises:
        InvalidInputError: it is gone, cannot be decoded, or no longer has the content hash.
    """
    data = read_file(uri)
    if content_hash is not None and hashlib.sha256(data).hexdigest() != content_hash:
        raise InvalidInputError("the file has changed since it was imported")
    return encoder.prepare(read_image(data, shortest=encoder.smallest_side).image)


def _prepare(encoder: "Encoder", item: Item) -> tuple[int, Tensor] | Rejection:
    try:
        return item.id, prepare_file(encoder, item.uri, item.content_hash)
    except InvalidInputError as error:
        return Rejection(item.uri, f"{_NOT_EMBEDDED}: {error}", datetime.now(UTC))


def _encode(encoder: "Encoder", usable: Sequence[tuple[int, Tensor]]) -> Embeddings:
    if not usable:
        return _no_rows(encoder.layers)
    ids, pixels = zip(*usable, strict=True)
    return Embeddings(torch.tensor(ids, dtype=torch.int64), encoder.pixels(torch.stack(pixels)))


def _keep_shard(workspace: Workspace, project: Project, encoder_hash: str, parts: Sequence[Embeddings]) -> None:
    shard = Embeddings.concatenate(parts)
    if not len(shard):
        return
    name = f"{folder(project, encoder_hash)}/{digest(items=shard.item_ids.tolist())}.safetensors"
    dtype = torch.bfloat16 if project.precision == "bf16" else torch.float32
    tensors = {key: tensor.to(dtype) for key, tensor in _tensors(shard.activations).items()}
    workspace.artifacts.write_tensors(name, {"item_ids": shard.item_ids, **tensors}, {"encoder": encoder_hash})


def _class_rows(workspace: Workspace, project: Project) -> tuple[str, str]:
    """The encoder of the rows of the project's classes, and their name among the artifacts."""
    encoder_hash, _ = head(workspace, project)
    with workspace.database.read() as tx:
        prompts = _prompts(tx, project)
    return encoder_hash, f"projects/{project.id}/classes/{digest(encoder=encoder_hash, prompts=prompts)}.safetensors"


def _prompts(tx: Transaction, project: Project) -> list[list[str]]:
    return [list(label.prompts) for label in projects.classes(tx, project.id)]


def _embedded_ids(workspace: Workspace, project: Project, encoder_hash: str) -> set[int]:
    return {item for shard in shards(workspace, project, encoder_hash) for item in shard.item_ids.tolist()}


def _tensors(activations: Activations) -> dict[str, Tensor]:
    residuals = {} if activations.residuals is None else {"residuals": activations.residuals}
    return {"values": activations.values, **residuals}


def _no_rows(layers: LastLayers) -> Embeddings:
    width = layers.image_weight.shape[1]
    return Embeddings(torch.empty(0, dtype=torch.int64), Activations(torch.empty(0, width)))
