"""Pictures -> rows of the encoder. One that cannot be read or encoded is left out with the reason."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from alflow.domain.images import Item
from alflow.embeddings import Activations, Embeddings, LastLayers
from alflow.errors import InvalidInputError
from alflow.ids import ItemId
from alflow.progress import Progress, silent
from alflow.text import words_of
from alflow.vlm.images import read_image
from alflow.workflow.images.sources import read_file
from alflow.workflow.images.threads import ahead, groups

if TYPE_CHECKING:
    from alflow.vlm.encoder import Encoder


@dataclass(frozen=True)
class Unusable:
    """An item that could not be embedded, and why."""

    item_id: ItemId
    uri: str
    reason: str


@dataclass(frozen=True)
class _Prepared:
    item: Item
    pixels: Tensor


def encode_items(
    encoder: "Encoder", missing: Sequence[Item], batch_size: int, progress: Progress = silent
) -> Iterator[tuple[Embeddings, list[Unusable]]]:
    """Batches of rows, and the items that failed; threads prepare pictures while the network works."""
    done = 0
    for batch in groups(ahead(partial(_prepare, encoder), missing, 2 * batch_size), batch_size):
        usable = [outcome for outcome in batch if isinstance(outcome, _Prepared)]
        unusable = [outcome for outcome in batch if isinstance(outcome, Unusable)]
        rows, failed = _encode(encoder, usable)
        yield rows, unusable + failed
        done += len(batch)
        progress(done, len(missing))


def prepare_file(encoder: "Encoder", uri: str, content_hash: str | None = None) -> Tensor:
    """What the encoder sees of a file: pixels [3 H W].

    Raises:
        InvalidInputError: it is gone, cannot be decoded or prepared, or no longer has the content hash.
    """
    try:
        data = read_file(uri)
    except InvalidInputError as error:
        raise InvalidInputError(_why_gone(uri) or str(error)) from error
    if content_hash is not None and hashlib.sha256(data).hexdigest() != content_hash:
        raise InvalidInputError("the file has changed since it was imported")
    picture = read_image(data, shortest=encoder.smallest_side)
    try:
        return encoder.prepare(picture.image)
    except Exception as error:  # out of memory, or any error of a library about an odd picture
        raise InvalidInputError(f"it cannot be prepared for the model: {words_of(error)}") from error


def encode_pixels(encoder: "Encoder", pixels: Sequence[Tensor]) -> tuple[list[Activations], dict[int, str]]:
    """Activations of a batch of prepared pictures, in parts; and by position the reason why some are missing.

    If the network fails, the batch is halved, so that one bad picture, or too large a batch, does not end the work. The
    network itself was checked when it was loaded.
    """
    if not pixels:
        return [], {}
    try:
        return [_finite(encoder.pixels(torch.stack(list(pixels))))], {}
    except Exception as error:  # noqa: BLE001 - the network and its libraries raise whatever they like
        if len(pixels) == 1:
            return [], {0: f"the model fails on it: {words_of(error)}"}
    half = len(pixels) // 2
    first, failed = encode_pixels(encoder, pixels[:half])
    second, also_failed = encode_pixels(encoder, pixels[half:])
    return first + second, failed | {half + place: why for place, why in also_failed.items()}


def no_rows(layers: LastLayers) -> Embeddings:
    """Rows of no item, as wide as those of an encoder with these layers."""
    width = layers.image_weight.shape[1]
    return Embeddings(torch.empty(0, dtype=torch.int64), Activations(torch.empty(0, width)))


def _prepare(encoder: "Encoder", item: Item) -> _Prepared | Unusable:
    try:
        return _Prepared(item, prepare_file(encoder, item.uri, item.content_hash))
    except Exception as error:  # noqa: BLE001 - one picture, whatever is wrong with it, ends nothing
        reason = str(error) if isinstance(error, InvalidInputError) else words_of(error)
        return Unusable(item.id, item.uri, reason)


def _encode(encoder: "Encoder", usable: Sequence[_Prepared]) -> tuple[Embeddings, list[Unusable]]:
    parts, failed = encode_pixels(encoder, [one.pixels for one in usable])
    ids = [one.item.id for place, one in enumerate(usable) if place not in failed]
    rows = Embeddings(torch.tensor(ids, dtype=torch.int64), Activations.concatenate(parts)) if parts else None
    unusable = [Unusable(usable[place].item.id, usable[place].item.uri, why) for place, why in failed.items()]
    return rows or no_rows(encoder.layers), unusable


def _finite(activations: Activations) -> Activations:
    residuals = activations.residuals
    if not (activations.values.isfinite().all() and (residuals is None or residuals.isfinite().all())):
        raise ArithmeticError("it gives numbers that are not finite")
    return activations


def _why_gone(uri: str) -> str | None:
    """Why a local file may be gone: its folder is missing or empty, as when a disk is not mounted; None otherwise."""
    path = Path(uri)
    try:
        if "://" in uri or not path.is_absolute() or path.exists():
            return None
        gone = [folder for folder in path.parents if not folder.exists()]
        if gone:
            return f"the folder {gone[-1]} is not there"
        return f"the folder {path.parent} is empty" if not any(path.parent.iterdir()) else None
    except OSError:
        return None
