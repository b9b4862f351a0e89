"""The map of a project: where its embedded images lie, so that those that are alike lie near each other.

projects/<id>/maps/<algorithm>/<hash>/<images>-<hash>.safetensors   a plane: its anchors and where they lie
projects/<id>/maps/placed/<hash>.safetensors                        the images of a shard on a plane: item_ids, points

A plane stays until there are ten times the images that it was made of: until then no image moves that is on the map.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import normalize

from alflow.domain.projects import Project
from alflow.embeddings import Embeddings, among
from alflow.errors import NotFoundError
from alflow.ids import ProjectId
from alflow.store.artifacts import digest
from alflow.store.projects import projects
from alflow.workflow.images import shards
from alflow.workflow.images.embedded import names, require_embedded
from alflow.workflow.images.shards import EncoderInUse, encoder_in_use
from alflow.workflow.insight.plane import ALGORITHMS, ANCHORS, Algorithm, Plane, available, lay_out
from alflow.workspace import Workspace

_OUTGROWN: Final = 10  # times the images that a plane was made of
_VERSION: Final = 1  # of the code that lays out and places
_TENSORS: Final = ("mean", "components", "anchors", "positions")


@dataclass(frozen=True)
class Layout:
    """Where the images of a project lie.

    Attributes:
        hash: of the plane and the images.
        algorithm: that laid out the anchors.
        made_of: how many images there were when the plane was made.
        item_ids: ascending.
        points: in the square from -1 to 1.
    """

    hash: str
    algorithm: Algorithm
    made_of: int
    item_ids: Int64[Tensor, " N"]
    points: Float[Tensor, "N 2"]

    @property
    def words(self) -> str:
        """The algorithm as people write it."""
        return {"umap": "UMAP", "t-sne": "t-SNE"}[self.algorithm]


def make_map(workspace: Workspace, project_id: ProjectId, *, anew: bool = False) -> Layout:
    """The map, with every image that is embedded now; what is there already is not made again.

    Args:
        workspace: where.
        project_id: the project.
        anew: make the plane of all images that there are now, so that those on the map move.

    Raises:
        NotFoundError: there is no such project, or nothing is embedded.
        InvalidInputError: a shard or a kept plane is damaged.
    """
    project, encoder = _encoder(workspace, project_id)
    parts = names(workspace, project, encoder.hash)
    path = _newest(workspace, project, encoder, make=available())
    if path is None or anew or sum(len(shards.read(workspace, part)) for part in parts) >= _OUTGROWN * _images(path):
        path = _make_plane(workspace, project, encoder, parts)
    return _layout(workspace, project, encoder, path, parts)


def kept_map(workspace: Workspace, project_id: ProjectId) -> Layout | None:
    """The map, if its plane was made: images that came since are placed. None where it was not.

    Raises:
        NotFoundError: there is no such project, or nothing is embedded.
        InvalidInputError: a shard or a kept plane is damaged.
    """
    project, encoder = _encoder(workspace, project_id)
    path = _newest(workspace, project, encoder)
    if path is None:
        return None
    return _layout(workspace, project, encoder, path, names(workspace, project, encoder.hash))


def _encoder(workspace: Workspace, project_id: ProjectId) -> tuple[Project, EncoderInUse]:
    with workspace.database.read() as tx:
        project = projects.by_id(tx, project_id)
    require_embedded(workspace, project)
    return project, encoder_in_use(workspace, project)


def _folder(project: Project, encoder: EncoderInUse, algorithm: Algorithm) -> str:
    made_of = digest(map=_VERSION, encoder=encoder.hash, seed=project.settings.seed)
    return f"projects/{project.id}/maps/{algorithm}/{made_of}"


def _newest(workspace: Workspace, project: Project, encoder: EncoderInUse, make: Algorithm | None = None) -> str | None:
    """The plane of the most images, by the best algorithm of which there is one; none worse than one could `make`."""
    for algorithm in ALGORITHMS:
        found = workspace.artifacts.tables(_folder(project, encoder, algorithm))
        if found or algorithm == make:
            return max(found, default=None)
    return None


def _images(path: str) -> int:
    """How many images the plane at this path was made of."""
    return int(path.rsplit("/", 1)[-1].partition("-")[0])


def _algorithm(path: str) -> Algorithm:
    return next(each for each in ALGORITHMS if f"/maps/{each}/" in path)


def _make_plane(workspace: Workspace, project: Project, encoder: EncoderInUse, parts: Sequence[str]) -> str:
    """A plane of all images there are; returns its path.

    Raises:
        NotFoundError: there is none.
    """
    ids = torch.cat([torch.empty(0, dtype=torch.int64), *(shards.read(workspace, part).item_ids for part in parts)])
    ids = torch.unique(ids)
    if not len(ids):
        raise NotFoundError(f"project '{project.name}' has no embedded image yet: run `alflow embed`")
    algorithm, seed = available(), project.settings.seed
    chosen = torch.randperm(len(ids), generator=torch.Generator().manual_seed(seed))[:ANCHORS]
    anchors = ids[chosen].sort().values
    name = f"{len(ids):010d}-{digest(anchors=anchors.tolist())}.safetensors"
    path = f"{_folder(project, encoder, algorithm)}/{name}"
    if not workspace.artifacts.exists(path):
        rows = dict[int, Tensor]()
        for part in parts:
            shard = shards.read(workspace, part)
            mine = shard[among(shard.item_ids, anchors).nonzero()[:, 0]]
            rows.update(zip(mine.item_ids.tolist(), _embedded(encoder, mine), strict=True))
        plane = lay_out(torch.stack([rows[item] for item in anchors.tolist()]), algorithm, seed)
        tensors = {"item_ids": anchors, **{each: getattr(plane, each) for each in _TENSORS}}
        workspace.artifacts.write_tensors(path, tensors, {"encoder": encoder.hash})
    return path


def _layout(workspace: Workspace, project: Project, encoder: EncoderInUse, path: str, parts: Sequence[str]) -> Layout:
    """Of an item with several rows the last counts."""
    placed = [_placed(workspace, project, encoder, path, part) for part in parts]
    every = torch.cat([torch.empty(0, dtype=torch.int64), *(ids for ids, _ in placed)])
    points = torch.cat([torch.empty(0, 2), *(points for _, points in placed)])
    ids, order = every.sort(stable=True)
    last = torch.cat([ids[1:] != ids[:-1], torch.ones(min(len(ids), 1), dtype=torch.bool)])
    name = digest(plane=path, shards=list(parts))
    return Layout(name, _algorithm(path), _images(path), ids[last], points[order][last])


def _placed(
    workspace: Workspace, project: Project, encoder: EncoderInUse, path: str, part: str
) -> tuple[Tensor, Tensor]:
    """Ids and points of the images of a shard, kept: neither the plane nor the shard ever changes."""
    place = f"projects/{project.id}/maps/placed/{digest(plane=path, shard=part)}.safetensors"
    if not workspace.artifacts.exists(place):
        shard = shards.read(workspace, part)
        points = _plane(workspace, path).place(_embedded(encoder, shard))
        workspace.artifacts.write_tensors(place, {"item_ids": shard.item_ids, "points": points})
    tensors, _ = workspace.artifacts.read_tensors(place)
    return tensors["item_ids"], tensors["points"]


def _plane(workspace: Workspace, path: str) -> Plane:
    tensors, _ = workspace.artifacts.read_tensors(path)
    return Plane(_algorithm(path), **{each: tensors[each] for each in _TENSORS})


def _embedded(encoder: EncoderInUse, rows: Embeddings) -> Float[Tensor, "N D"]:
    """Joint embeddings, of length 1."""
    return normalize(shards.single(rows).activations.embed(encoder.layers.image_weight), dim=1)
