"""A plane in which images that are alike lie near each other.

A few thousand anchors are laid out with UMAP or t-SNE; every other image is placed among those anchors that it is most
like. That is linear in the number of images, and an image that comes later moves none that is there.

Axes: A anchors, N images, D width of the joint embedding, K principal components.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final, Literal, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

Algorithm: TypeAlias = Literal["umap", "t-sne"]

ALGORITHMS: Final[tuple[Algorithm, ...]] = ("umap", "t-sne")
"""The better one first."""

ANCHORS: Final = 3_000
"""t-SNE of so many takes twelve seconds of one core, of 5,000 twice as long."""

_COMPONENTS: Final = 50
_PERPLEXITY: Final = 30.0
_NEIGHBOURS: Final = 10  # of an image that is placed
_FEW: Final = 10  # fewer have no neighbourhoods to keep: their two principal components say it all
_ROWS: Final = 2_048  # placed at once: distances to all anchors are 25 megabytes
_SAME: Final = 1e-3  # the distance of a row to itself, as float32 computes it, is a third of this
_SPAN: Final = 0.98  # of the square from -1 to 1


@dataclass(frozen=True)
class Plane:
    """Where the anchors lie, and what is needed to place further images among them.

    Attributes:
        algorithm: that laid out the anchors.
        mean: of the anchors' embeddings.
        components: the directions in which they vary most.
        anchors: in these directions.
        positions: in the square from -1 to 1.
    """

    algorithm: Algorithm
    mean: Float[Tensor, " D"]
    components: Float[Tensor, "K D"]
    anchors: Float[Tensor, "A K"]
    positions: Float[Tensor, "A 2"]

    def place(self, embeddings: Float[Tensor, "N D"]) -> Float[Tensor, "N 2"]:
        """Where these images lie; an anchor lies where it was laid out."""
        starts = range(0, len(embeddings), _ROWS)
        placed = [self._place(embeddings[start : start + _ROWS].float()) for start in starts]
        return torch.cat([self.positions[:0], *placed])

    def _place(self, embeddings: Float[Tensor, "N D"]) -> Float[Tensor, "N 2"]:
        """The mean of the nearest anchors that lie together, weighted by how near they are.

        Of anchors in two clusters the mean would lie in the empty space between them. So it is taken over the half of
        the nearest anchors that lie about the one with the least distance to all others (their medoid).
        """
        rows = (embeddings - self.mean) @ self.components.T
        distances = torch.cdist(rows, self.anchors)
        near, which = distances.topk(min(_NEIGHBOURS, len(self.anchors)), largest=False)  # [N k]
        spots = self.positions[which]  # [N k 2]
        apart = torch.cdist(spots, spots)  # [N k k]
        medoid = apart.sum(dim=2).argmin(dim=1)
        away = apart[torch.arange(len(rows)), medoid]  # [N k]
        together = away <= away.median(dim=1, keepdim=True).values
        weights = together / near.clamp(min=_SAME).square()
        weights = weights / weights.sum(dim=1, keepdim=True)
        placed = (spots * weights[:, :, None]).sum(dim=1)
        return torch.where(near[:, :1] < _SAME, spots[:, 0], placed)


def available() -> Algorithm:
    """UMAP where the extra `map` is installed, else t-SNE."""
    return "umap" if find_spec("umap") is not None else "t-sne"


def lay_out(embeddings: Float[Tensor, "A D"], algorithm: Algorithm, seed: int) -> Plane:
    """The plane with these anchors; the same for the same anchors and seed on one machine.

    Args:
        embeddings: of the anchors, of length 1.
        algorithm: how; of fewer than ten anchors only the principal components are taken.
        seed: of the algorithm's random draws.
    """
    rows = embeddings.float()
    mean = rows.mean(dim=0) if len(rows) else rows.new_zeros(rows.shape[1])
    centred = rows - mean
    components = _principal(centred)
    anchors = centred @ components.T
    if len(rows) < _FEW or not anchors[:, :1].std() > 1e-7:
        positions = _pad(anchors)
    else:
        positions = {"umap": _umap, "t-sne": _t_sne}[algorithm](anchors, seed % 2**32)
    return Plane(algorithm, mean, components, anchors, _in_square(positions))


def _principal(centred: Float[Tensor, "A D"]) -> Float[Tensor, "K D"]:
    """The directions of most variance, each with its largest entry positive, since their signs are arbitrary."""
    vectors = torch.linalg.eigh(centred.double().T @ centred.double()).eigenvectors.flip(1)
    rows = vectors[:, :_COMPONENTS].T
    largest = rows.gather(1, rows.abs().argmax(dim=1, keepdim=True))
    signed: Tensor = rows * largest.sign()
    return signed.float()


def _t_sne(anchors: Float[Tensor, "A K"], seed: int) -> Float[Tensor, "A 2"]:
    from sklearn.manifold import TSNE  # noqa: PLC0415 - takes a second to import
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    start = _pad(anchors) / anchors[:, 0].std() * 1e-4
    perplexity = min(_PERPLEXITY, (len(anchors) - 1) / 3)
    with threadpool_limits(1):  # several threads add up in any order, and t-SNE makes a lot of a little
        found = TSNE(perplexity=perplexity, init=start.numpy(), random_state=seed).fit_transform(anchors.numpy())
    return torch.from_numpy(np.asarray(found, dtype=np.float32))


def _umap(anchors: Float[Tensor, "A K"], seed: int) -> Float[Tensor, "A 2"]:
    from umap import UMAP  # noqa: PLC0415 - compiles for seconds

    start = _pad(anchors) / anchors[:, 0].std()
    neighbours = min(15, len(anchors) - 1)
    made = UMAP(n_neighbors=neighbours, init=start.numpy(), random_state=seed, n_jobs=1).fit_transform(anchors.numpy())
    return torch.from_numpy(np.asarray(made, dtype=np.float32))


def _pad(anchors: Float[Tensor, "A K"]) -> Float[Tensor, "A 2"]:
    """The first two components; zero for one that is not there."""
    return torch.nn.functional.pad(anchors[:, :2], (0, max(0, 2 - anchors.shape[1])))


def _in_square(positions: Float[Tensor, "A 2"]) -> Float[Tensor, "A 2"]:
    if not len(positions):
        return positions
    low, high = positions.min(dim=0).values, positions.max(dim=0).values
    half = ((high - low).max() / 2).clamp(min=1e-9)
    return (positions - (low + high) / 2) / half * _SPAN
