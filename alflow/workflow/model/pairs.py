"""Image-caption pairs -> factors, so that whoever is killed on the way goes on where they were.

What is done lies under `estimates/<hash>/`, named by the encoder and by the files and captions of the manifest:
activations in shards of pairs, and the factors of the batches so far. A second run reads them; they stay, for a
manifest that grows shares no hash with its past and is encoded anew.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from alflow.bayes.curvature import Estimate, Factors, stream_factors
from alflow.domain.images import Rejection
from alflow.embeddings import Activations
from alflow.errors import InvalidInputError
from alflow.progress import Progress
from alflow.store.artifacts import digest
from alflow.tensors import take
from alflow.workflow.images.encoding import encode_pixels, prepare_file
from alflow.workflow.images.sources import Entry
from alflow.workflow.images.threads import ahead, groups
from alflow.workspace import Workspace

if TYPE_CHECKING:
    from alflow.vlm.encoder import Encoder

NEGATIVES: Final = 32_768
"""Pairs a batch of the estimate: B grows with the number of negatives, so it is the paper's."""

NOT_USED: Final = "not used for the posterior"
"""How the reasons of rejected pairs begin."""

_SHARD: Final = 1024  # pairs encoded between two writes


@dataclass(frozen=True)
class EncodedPairs:
    """Activations of the usable images and of their captions, row for row; and the images that are not."""

    images: Activations
    texts: Activations
    rejected: list[Rejection]


@dataclass(frozen=True)
class _Prepared:
    pair: Entry
    pixels: Tensor


def encode_pairs(
    workspace: Workspace, encoder: "Encoder", pairs: Sequence[Entry], progress: Progress
) -> tuple[EncodedPairs, str]:
    """The encoded pairs, and the folder of artifacts where they and the estimate lie.

    Raises:
        InvalidInputError: no image is usable.
    """
    folder = f"estimates/{digest(encoder=encoder.hash, pairs=[_identity(pair) for pair in pairs])}"
    parts, done = [], 0
    for number, shard in enumerate(groups(pairs, _SHARD)):
        name = f"{folder}/pairs-{number:05d}.safetensors"
        part = _read_shard(workspace, name) if workspace.artifacts.exists(name) else None
        if part is None or part.rejected:  # what could not be used may be there now
            _write_shard(workspace, encoder, shard, name, partial(_report, progress, done, len(pairs)))
            part = _read_shard(workspace, name)
        parts.append(part)
        done += len(shard)
        progress(done, len(pairs))
    rejected = [rejection for part in parts for rejection in part.rejected]
    usable = [part for part in parts if len(part.images)]
    if not usable:
        raise InvalidInputError(f"none of the {len(pairs)} images could be used; the first: {rejected[0].reason}")
    images = Activations.concatenate([part.images for part in usable])
    return EncodedPairs(images, Activations.concatenate([part.texts for part in usable]), rejected), folder


def estimate_from_pairs(
    workspace: Workspace, encoder: "Encoder", pairs: EncodedPairs, folder: str, progress: Progress
) -> tuple[Factors, Factors]:
    """Factors of the image and of the text layer; kept, and told, some thousand pairs at a time."""
    name = f"{folder}/factors-{digest(without=[one.uri for one in pairs.rejected])[:16]}.safetensors"
    start = _read_estimate(workspace, name) if workspace.artifacts.exists(name) else None
    progress(0, len(pairs.images))
    for estimate in stream_factors(encoder.layers, pairs.images, pairs.texts, NEGATIVES, start=start):
        _write_estimate(workspace, name, estimate)
        progress(estimate.done, len(pairs.images))
    return estimate.image, estimate.text


def _identity(pair: Entry) -> list[str | int]:
    """What names a pair: where it lies, its caption and, of a local file, its size and age."""
    path = Path(pair.uri)
    about = path.stat() if path.is_file() else None
    return [pair.uri, pair.caption] + ([about.st_size, about.st_mtime_ns] if about else [])


def _report(progress: Progress, before: int, total: int, done: int) -> None:
    progress(before + done, total)


def _write_shard(
    workspace: Workspace, encoder: "Encoder", pairs: Iterable[Entry], name: str, progress: partial[None]
) -> None:
    """Encode pairs batch by batch, and keep them with the reasons of those that are left out."""
    batch_size = workspace.settings.batch_size
    images, texts, rejected, done = [], [], [], 0
    for batch in groups(ahead(partial(_prepare, encoder), pairs, 2 * batch_size), batch_size):
        usable = [outcome for outcome in batch if not isinstance(outcome, Rejection)]
        rejected += [outcome for outcome in batch if isinstance(outcome, Rejection)]
        encoded, failed = encode_pixels(encoder, [one.pixels for one in usable])
        rejected += [_rejection(usable[place].pair, why) for place, why in failed.items()]
        if encoded:
            images += encoded
            texts.append(encoder.texts([one.pair.caption for place, one in enumerate(usable) if place not in failed]))
        done += len(batch)
        progress(done)
    tensors = {"none": torch.empty(0)} if not images else {}
    for side, parts in (("image", images), ("text", texts)):
        if parts:
            joined = Activations.concatenate(parts)
            tensors[f"{side}_values"] = joined.values
            tensors |= {} if joined.residuals is None else {f"{side}_residuals": joined.residuals}
    reasons = [[rejection.uri, rejection.reason, rejection.at.isoformat()] for rejection in rejected]
    workspace.artifacts.write_tensors(name, tensors, {"rejected": json.dumps(reasons)})


def _read_shard(workspace: Workspace, name: str) -> EncodedPairs:
    """A shard as it was written.

    Raises:
        InvalidInputError: it is damaged.
    """
    tensors, metadata = workspace.artifacts.read_tensors(name)
    try:
        rejected = [
            Rejection(source, reason, datetime.fromisoformat(at))
            for source, reason, at in json.loads(metadata["rejected"])
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInputError(f"the artifact {name} is damaged: delete it and run again") from error
    checked = {key: take(tensors, key, f"the artifact {name}", 2) for key in tensors if key != "none"}
    images, texts = (
        Activations(checked.get(f"{side}_values", torch.empty(0, 0)), checked.get(f"{side}_residuals"))
        for side in ("image", "text")
    )
    return EncodedPairs(images, texts, rejected)


def _prepare(encoder: "Encoder", pair: Entry) -> _Prepared | Rejection:
    try:
        return _Prepared(pair, prepare_file(encoder, pair.uri))
    except InvalidInputError as error:
        return _rejection(pair, str(error))


def _rejection(pair: Entry, why: str) -> Rejection:
    return Rejection(pair.uri, f"{NOT_USED}: {why}", datetime.now(UTC))


def _write_estimate(workspace: Workspace, name: str, estimate: Estimate) -> None:
    sides = {"image": estimate.image, "text": estimate.text}
    tensors = {f"{side}_{factor}": getattr(one, factor) for side, one in sides.items() for factor in "AB"}
    workspace.artifacts.write_tensors(name, tensors, {"done": str(estimate.done)})


def _read_estimate(workspace: Workspace, name: str) -> Estimate:
    tensors, metadata = workspace.artifacts.read_tensors(name)
    source, done = f"the artifact {name}", int(metadata.get("done", -1))
    if done < 0:
        raise InvalidInputError(f"{source} is damaged: delete it and run again")
    image, text = (
        Factors(take(tensors, f"{side}_A", source, 2), take(tensors, f"{side}_B", source, 2), done)
        for side in ("image", "text")
    )
    return Estimate(image, text, done)
