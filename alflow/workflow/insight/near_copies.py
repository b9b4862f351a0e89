"""Images that are nearly the same: with different labels, or on two sides of the test split.

Likeness is the cosine of two images' activations as seen from the centre of all. With the model of the demo, pictures
that are stored anew as JPEG or at half their size have .997 or more, and such that lost 8% at their edges .94 to .97.

projects/<id>/copies/<hash>.safetensors  item_ids of all that were compared, the centre, and pairs of at least `LEAST`

Axes: N images, P width of the activations, M pairs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from alflow.copies import near_pairs
from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.errors import ConflictError
from alflow.ids import ClassId, ItemId, ProjectId
from alflow.store.answers import outcomes
from alflow.store.artifacts import digest
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.workflow.images.embedded import names, remembered_encoder, require_embedded
from alflow.workflow.images.frame import frame_of
from alflow.workflow.images.shards import encoder_in_use, read
from alflow.workspace import Workspace

LEAST: Final = 0.92
"""Likeness of the pairs that are kept."""

USUAL: Final = 0.97
"""Likeness from which on images are called near copies."""

MOST: Final = 100_000
"""Pairs that are kept, the most alike."""

MOST_IMAGES: Final = 250_000
"""Images that are compared; the work grows with the square."""


@dataclass(frozen=True)
class Copies:
    """Two images that are nearly the same.

    Attributes:
        first, second: the images; where they are of two splits, the first is of the test split.
        splits: of each.
        classes: the settled or known class of each, if there is one; never that of a pool image which people have not
            labelled yet.
        likeness: cosine, 1 for the same.
    """

    first: ItemId
    second: ItemId
    splits: tuple[Split, Split]
    classes: tuple[ClassId | None, ClassId | None]
    likeness: float


@dataclass(frozen=True)
class NearCopies:
    """Near copies in a project, the most alike first.

    Attributes:
        contradicting: pairs of labelled images with different classes.
        leaking: pairs of a test image and one of pool or target.
        n_pairs: all pairs, also harmless ones.
        n_test: test images that have a near copy in pool or target.
        learnt: those of them that have one with a label.
        n_compared: images that were compared.
        capped: whether there are more pairs than are kept.
    """

    contradicting: tuple[Copies, ...]
    leaking: tuple[Copies, ...]
    n_pairs: int
    n_test: int
    learnt: tuple[ItemId, ...]
    n_compared: int
    capped: bool


def near_copies(workspace: Workspace, project_id: ProjectId, likeness: float = USUAL) -> NearCopies:
    """The pairs with at least this likeness, with the labels as they are now.

    Raises:
        NotFoundError: there is no such project, or nothing of it is embedded.
        ConflictError: there are too many images.
        InvalidInputError: something stored is damaged.
    """
    tensors = compare_images(workspace, project_id)
    with workspace.database.read() as tx:
        columns, settled = items.columns(tx, project_id), outcomes.settled(tx, project_id)
    there = torch.from_numpy(columns.item_ids)
    kept = (
        (tensors["likeness"] >= likeness) & torch.isin(tensors["first"], there) & torch.isin(tensors["second"], there)
    )
    first, second = (tensors[name][kept].numpy() for name in ("first", "second"))
    alike = tensors["likeness"][kept].tolist()
    at = [np.searchsorted(columns.item_ids, ids) for ids in (first, second)]
    tests = [_is(columns, where, Split.TEST) for where in at]
    swapped = tests[1] & ~tests[0]
    first, second = np.where(swapped, second, first), np.where(swapped, first, second)
    every = _pairs(first, second, alike, columns, settled)
    leaking = [one for one in every if Split.TEST in one.splits and one.splits[1] is not Split.TEST]
    contradicting = [one for one in every if None not in one.classes and one.classes[0] != one.classes[1]]
    learnt = tuple(sorted({one.first for one in leaking if one.second in settled}))
    n_compared, capped = len(tensors["item_ids"]), len(tensors["likeness"]) >= MOST
    n_test = len({one.first for one in leaking})
    return NearCopies(tuple(contradicting), tuple(leaking), len(every), n_test, learnt, n_compared, capped)


def are_compared(workspace: Workspace, project_id: ProjectId) -> bool:
    """Whether all images that are embedded now have been compared, so that `near_copies` need not do it.

    Raises:
        NotFoundError: there is no such project.
    """
    with workspace.database.read() as tx:
        project = projects.by_id(tx, project_id)
    encoder = remembered_encoder(workspace, project)
    return encoder is not None and workspace.artifacts.exists(_path(project, names(workspace, project, encoder)))


def compare_images(workspace: Workspace, project_id: ProjectId) -> Mapping[str, Tensor]:
    """Every pair of embedded images: kept, and where images came since, these with all.

    Of 100,000 images this takes a minute or two of one core and holds their activations in memory once, in float32.

    Raises:
        NotFoundError: there is no such project, or nothing of it is embedded.
        ConflictError: there are too many images.
        InvalidInputError: something stored is damaged.
    """
    with workspace.database.read() as tx:
        project = projects.by_id(tx, project_id)
    require_embedded(workspace, project)
    encoder = encoder_in_use(workspace, project).hash
    parts = names(workspace, project, encoder)
    path = _path(project, parts)
    if not workspace.artifacts.exists(path):
        before = _before(workspace, _folder(project), encoder)
        workspace.artifacts.write_tensors(path, _compared(workspace, project, parts, before), {"encoder": encoder})
    return workspace.keep(path, lambda: workspace.artifacts.read_tensors(path)[0])


def _folder(project: Project) -> str:
    return f"projects/{project.id}/copies"


def _path(project: Project, parts: Sequence[str]) -> str:
    return f"{_folder(project)}/{digest(copies=1, least=LEAST, most=MOST, shards=parts)}.safetensors"


def _before(workspace: Workspace, folder: str, encoder: str) -> Mapping[str, Tensor] | None:
    """The comparison of the most images that is kept of this encoder."""
    found = [workspace.artifacts.read_tensors(name) for name in workspace.artifacts.tables(folder)]
    of_encoder = [tensors for tensors, notes in found if notes.get("encoder") == encoder]
    return max(of_encoder, key=lambda each: len(each["item_ids"]), default=None)


def _goes_on(before: Mapping[str, Tensor], every: Tensor) -> bool:
    """Whether what is kept needs only the new images: all its images are there, at least half of all, and all pairs."""
    known = before["item_ids"]
    whole = len(before["likeness"]) < MOST
    return whole and 2 * len(known) >= len(every) and bool(torch.isin(known, every).all())


def _compared(
    workspace: Workspace, project: Project, parts: Sequence[str], before: Mapping[str, Tensor] | None
) -> dict[str, Tensor]:
    """Known images first, so that only pairs with a new one are looked at; from the centre of then.

    Raises:
        ConflictError: there are too many images.
    """
    ids = torch.cat([read(workspace, part).item_ids for part in parts])
    every = torch.unique(ids)
    if len(every) > MOST_IMAGES:
        raise ConflictError(
            f"project '{project.name}' has {len(every):,} embedded images, and near copies are looked for among "
            f"{MOST_IMAGES:,} at most: split it into projects"
        )
    known = before["item_ids"] if before is not None else every[:0]
    if before is None or not _goes_on(before, every):
        before, known = None, every[:0]
    order = torch.cat([known, every[~torch.isin(every, known)]])
    centre = _centre(workspace, project) if before is None else before["centre"]
    rows = _directions(workspace, parts, order, centre)
    found = near_pairs(rows, LEAST, MOST, new_from=len(known))
    fresh = {"first": order[found.first], "second": order[found.second], "likeness": found.cosine}
    if before is not None:
        fresh = {name: torch.cat([before[name], column]) for name, column in fresh.items()}
    best = fresh["likeness"].argsort(descending=True, stable=True)[:MOST]
    return {"item_ids": order, "centre": centre} | {name: column[best] for name, column in fresh.items()}


def _centre(workspace: Workspace, project: Project) -> Float[Tensor, " P"]:
    encoder = encoder_in_use(workspace, project)
    return frame_of(workspace, project, encoder.hash, encoder.layers.image_weight.shape[1]).centre.float()


def _directions(
    workspace: Workspace, parts: Sequence[str], order: Tensor, centre: Float[Tensor, " P"]
) -> Float[Tensor, "N P"]:
    """Unit vectors from the centre, shard by shard; of an image with several rows the last counts."""
    ascending, place = order.sort()
    rows = torch.empty(len(order), len(centre))
    for part in parts:
        one = read(workspace, part)
        at = place[torch.searchsorted(ascending, one.item_ids)]
        rows[at] = normalize(one.activations.values.float() - centre, dim=1)
    return rows


def _is(columns: items.Columns, at: NDArray[np.int64], split: Split) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = columns.splits[at] == items.SPLITS.index(split)
    return found


def _pairs(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    alike: Sequence[float],
    columns: items.Columns,
    settled: Mapping[ItemId, ClassId],
) -> list[Copies]:
    def told(ids: NDArray[np.int64]) -> list[tuple[ItemId, Split, ClassId | None]]:
        at = np.searchsorted(columns.item_ids, ids)
        splits = [items.SPLITS[place] for place in columns.splits[at]]
        truths = columns.truths[at].tolist()
        return [
            (item, split, settled.get(item) or (truth or None if split is not Split.POOL else None))
            for item, split, truth in zip(ids.tolist(), splits, truths, strict=True)
        ]

    return [
        Copies(one[0], other[0], (one[1], other[1]), (one[2], other[2]), likeness)
        for one, other, likeness in zip(told(first), told(second), alike, strict=True)
    ]
