"""Embeddings of a project's images as one file, written shard by shard, so that a big project fits in little memory.

Of each image: its embedding, of length 1, where those of the classes are; and its features, which `alflow.load_head`
takes: the inputs of the last layer of the image tower, then what is added to its output, if anything is (SigLIP).
`.parquet` has the place and the hash of the original, too; `.npz` needs no package but NumPy; `.safetensors` is for
torch. Rows are in the order of the shards; of an image with several rows the last counts.

Axes: N images, D width of the joint embedding, F of the features.
"""

import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch.nn.functional import normalize

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.embeddings import Embeddings
from alflow.errors import InvalidInputError, NotFoundError
from alflow.ids import ItemId, ProjectId
from alflow.outside import new_file
from alflow.row_files import write_batches
from alflow.store.images import items
from alflow.store.images.items import SPLITS
from alflow.store.projects import projects
from alflow.workflow.images.embedded import names, require_embedded
from alflow.workflow.images.shards import encoder_in_use, read, single
from alflow.workspace import Workspace


@dataclass(frozen=True)
class _Block:
    """Rows of one shard."""

    item_ids: NDArray[np.int64]
    splits: NDArray[np.int8]
    embeddings: NDArray[np.float32]
    features: NDArray[np.float32]


@dataclass(frozen=True)
class _Plan:
    """What is written: which rows of which shards, and how wide they are."""

    workspace: Workspace
    project: Project
    encoder: str
    image_weight: torch.Tensor
    parts: Mapping[str, NDArray[np.int64]]
    splits: Mapping[int, int]
    features: int

    @property
    def count(self) -> int:
        return sum(len(rows) for rows in self.parts.values())

    def about(self) -> dict[str, str]:
        """What a file says of itself."""
        return {
            "project": self.project.name,
            "model": self.project.model,
            "precision": self.project.precision,
            "encoder": self.encoder,
            "splits": json.dumps(dict(enumerate(split.value for split in SPLITS))),
        }

    def blocks(self) -> Iterator[_Block]:
        """Shard by shard."""
        for name, rows in self.parts.items():
            part = single(read(self.workspace, name)[torch.from_numpy(rows)])
            ids = part.item_ids.numpy()
            yield _Block(
                ids,
                np.array([self.splits[item] for item in ids.tolist()], np.int8),
                normalize(part.activations.embed(self.image_weight), dim=1).numpy(),
                _features(part),
            )


def export_embeddings(
    workspace: Workspace, project_id: ProjectId, path: str, split: Split | None = None, *, force: bool = False
) -> int:
    """Write the embedded images of a split, or of all; returns how many.

    Raises:
        InvalidInputError: the ending is none of .npz, .parquet, .safetensors, or the file cannot be written.
        ConflictError: there is such a file already.
        NotFoundError: there is no such project, or nothing of it is embedded.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise InvalidInputError(f"embeddings cannot be written as '{suffix}': end the file in {', '.join(FORMATS)}")
    plan = _plan(workspace, project_id, split)
    if not plan.count:
        raise NotFoundError(
            f"no image of {f'the {split} split' if split else 'the project'} is embedded: `alflow embed`"
        )
    with new_file(path, force=force) as file:
        FORMATS[suffix](file, plan)
    return plan.count


def _plan(workspace: Workspace, project_id: ProjectId, split: Split | None) -> _Plan:
    with workspace.database.read() as tx:
        project, known = projects.by_id(tx, project_id), items.columns(tx, project_id)
    require_embedded(workspace, project)
    encoder = encoder_in_use(workspace, project)
    wanted = {
        item: place
        for item, place in zip(known.item_ids.tolist(), known.splits.tolist(), strict=True)
        if split is None or SPLITS[place] is split
    }
    last = dict[int, tuple[str, int]]()
    width = encoder.layers.image_weight.shape[1]
    for name in names(workspace, project, encoder.hash):
        part = read(workspace, name)
        residuals = part.activations.residuals
        width = part.activations.values.shape[1] + (0 if residuals is None else residuals.shape[1])
        last |= {item: (name, row) for row, item in enumerate(part.item_ids.tolist()) if item in wanted}
    parts = dict[str, list[int]]()
    for name, row in last.values():
        parts.setdefault(name, []).append(row)
    rows = {name: np.sort(np.array(own, np.int64)) for name, own in sorted(parts.items())}
    return _Plan(workspace, project, encoder.hash, encoder.layers.image_weight, rows, wanted, width)


def _features(part: Embeddings) -> NDArray[np.float32]:
    rows = [part.activations.values, part.activations.residuals]
    return torch.cat([one for one in rows if one is not None], dim=1).numpy()


def _parquet(file: IO[bytes], plan: _Plan) -> None:
    depth = plan.image_weight.shape[0]
    schema = pa.schema(
        [
            ("item_id", pa.int64()),
            ("uri", pa.string()),
            ("sha256", pa.string()),
            ("split", pa.string()),
            ("embedding", pa.list_(pa.float32(), depth)),
            ("features", pa.list_(pa.float32(), plan.features)),
        ],
        metadata=plan.about(),
    )
    write_batches(file, ".parquet", schema, (_batch(plan, schema, block) for block in plan.blocks()))


def _batch(plan: _Plan, schema: pa.Schema, block: _Block) -> pa.RecordBatch:
    with plan.workspace.database.read() as tx:
        about = items.by_ids(tx, [ItemId(item) for item in block.item_ids.tolist()])
    columns = [
        pa.array(block.item_ids),
        pa.array([item.uri for item in about]),
        pa.array([item.content_hash for item in about]),
        pa.array([item.split.value for item in about]),
        *(pa.FixedSizeListArray.from_arrays(one.ravel(), one.shape[1]) for one in (block.embeddings, block.features)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


_DTYPES: Final[Mapping[str, Any]] = {
    "item_ids": np.dtype("<i8"),
    "splits": np.dtype("i1"),
    "embeddings": np.dtype("<f4"),
    "features": np.dtype("<f4"),
}


def _shapes(plan: _Plan) -> dict[str, tuple[int, ...]]:
    widths = {"embeddings": plan.image_weight.shape[0], "features": plan.features}
    return {name: (plan.count, widths[name]) if name in widths else (plan.count,) for name in _DTYPES}


def _npz(file: IO[bytes], plan: _Plan) -> None:
    """As `numpy.savez` does it, one array after the other."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, shape in _shapes(plan).items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as array:
                head = {"descr": _DTYPES[name].str, "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(array, head)
                for block in plan.blocks():
                    array.write(getattr(block, name).astype(_DTYPES[name]).tobytes())
        archive.writestr("about.json", json.dumps(plan.about()))


def _safetensors(file: IO[bytes], plan: _Plan) -> None:
    """Length of the header, header, bytes: https://github.com/huggingface/safetensors#format."""
    kinds, end, head = {"<i8": "I64", "|i1": "I8", "<f4": "F32"}, 0, dict[str, Any]()
    for name, shape in _shapes(plan).items():
        size = int(np.prod(shape)) * _DTYPES[name].itemsize
        head[name] = {"dtype": kinds[_DTYPES[name].str], "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps({"__metadata__": plan.about()} | head).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for name in head:
        for block in plan.blocks():
            file.write(getattr(block, name).astype(_DTYPES[name]).tobytes())


FORMATS: Final[Mapping[str, Callable[[IO[bytes], _Plan], None]]] = {
    ".npz": _npz,
    ".parquet": _parquet,
    ".safetensors": _safetensors,
}
"""Ending -> how embeddings become a file."""
