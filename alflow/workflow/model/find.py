"""Find images by words or by likeness to another one: the nearest of the pool and of what is labelled.

Words are compared by the cosine of their embedding with those of the images, in the space of the zero-shot model; it
alone needs a tower. Images are compared by the likeness that batches are planned with (`alflow.acquisition.likeness`).
Shards are read one at a time, and of each only the nearest are kept: memory does not grow with the pool, but for the
ids of its items. What a search needs of every image and no search changes (lengths, predictions) is computed once a
shard and kept beside it, so that a search is little more than one product of every row with one vector.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import normalize

from alflow.acquisition.likeness import directions, likeness
from alflow.domain.images import Item, Split
from alflow.domain.projects import Project
from alflow.embeddings import Activations, Embeddings, among
from alflow.errors import AlflowError, InvalidInputError, NotFoundError
from alflow.ids import ClassId, ItemId
from alflow.store.answers import outcomes
from alflow.store.artifacts import digest
from alflow.store.database import Transaction
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.workflow.images import shards
from alflow.workflow.images.embed import class_rows_are_kept, load_embeddings
from alflow.workflow.images.embedded import names
from alflow.workflow.images.frame import frame_of
from alflow.workflow.images.lengths import lengths_of
from alflow.workflow.model.model import ProjectModel, load_rows, model_of
from alflow.workflow.model.source import last_fit
from alflow.workspace import Workspace

MOST: Final = 500
"""Images that one search gives."""

Score = Callable[[str, Activations], Tensor]
"""The name of a shard and its rows in float32 -> a score for each [N]."""


@dataclass(frozen=True)
class Filter:
    """What to search in; None means any.

    Attributes:
        split: items of this split.
        labelled: items that have a settled label, or that have none.
        class_id: items whose settled label is this class.
        predicted_class_id: items of which the newest model holds this class most probable.
    """

    split: Split | None = None
    labelled: bool | None = None
    class_id: ClassId | None = None
    predicted_class_id: ClassId | None = None


@dataclass(frozen=True)
class Found:
    """An image that was found.

    Attributes:
        item: the image.
        score: cosine with the words, or likeness in (0, 1].
        class_id: its settled label, if it has one.
        predicted_class_id: the class that the newest model holds most probable; None where there is no model yet.
        probability: of that class.
        asked: whether the unclosed round asks about it.
    """

    item: Item
    score: float
    class_id: ClassId | None
    predicted_class_id: ClassId | None
    probability: float | None
    asked: bool


@dataclass(frozen=True)
class Search:
    """The nearest first, of so many that were searched."""

    found: tuple[Found, ...]
    searched: int


def find_text(workspace: Workspace, project: Project, text: str, where: Filter, count: int = 48) -> Search:
    """The images nearest to words, by cosine; the first search loads the model's towers, which stay loaded.

    Raises:
        InvalidInputError: there are no words, or the filter asks for a prediction that cannot be made.
        UnavailableError: the model's weights cannot be had on this machine.
    """
    text = " ".join(text.split())
    if not text:
        raise InvalidInputError("say what to look for in a few words")
    encoder = workspace.encoder(project)
    weight = encoder.layers.image_weight
    words = normalize(encoder.texts([text]).embed(encoder.layers.text_weight), dim=1)[0]

    def score(name: str, rows: Activations) -> Tensor:
        """Cosine of W phi + r with the words: of the image only its length needs all of W."""
        product = rows.values @ (words @ weight) + (0.0 if rows.residuals is None else rows.residuals @ words)
        return product / lengths_of(workspace, project, name, rows, weight)

    return _search(workspace, project, score, where, count)


def find_like(workspace: Workspace, project: Project, item_id: ItemId, where: Filter, count: int = 48) -> Search:
    """The images most like one of the project's, by the kernel of their activations; that one is left out.

    Raises:
        InvalidInputError: the filter asks for a prediction that cannot be made.
        NotFoundError: the project has no such item, or it is not embedded.
    """
    with workspace.database.read() as tx:
        (item,) = items.by_ids(tx, [item_id])
    if item.project_id != project.id:
        raise NotFoundError(f"no item of this project has the id {item_id}")
    row = load_embeddings(workspace, project, [item_id])
    if not len(row):
        raise NotFoundError(f"item {item_id} is not embedded: `alflow embed`, or wait for the schedule")
    encoder = shards.encoder_in_use(workspace, project)
    centre = frame_of(workspace, project, encoder.hash, row.activations.values.shape[1]).centre.float()
    example = directions(row.activations.values, centre)

    def score(_: str, rows: Activations) -> Tensor:
        return likeness(directions(rows.values, centre), example)[:, 0]

    return _search(workspace, project, score, where, count, without=item_id)


def _search(
    workspace: Workspace, project: Project, score: Score, where: Filter, count: int, without: ItemId | None = None
) -> Search:
    if not 0 < count <= MOST:
        raise InvalidInputError(f"a search gives 1 to {MOST} images, not {count}")
    with workspace.database.read() as tx:
        settled = outcomes.settled(tx, project.id)
        wanted, current = _wanted(tx, project, where, settled), rounds.current(tx, project.id)
        asked = items.asked(tx, current.id) if current else set()
    model = _model(workspace, project, needed=where.predicted_class_id is not None)
    best, searched = _none(), 0
    for name, shard in _shards(workspace, project):
        keep = torch.ones(len(shard), dtype=torch.bool) if wanted is None else among(shard.item_ids, wanted)
        keep &= shard.item_ids != (-1 if without is None else without)
        if where.predicted_class_id is not None and model is not None:
            keep &= _predicted(workspace, project, model, name, shard) == where.predicted_class_id
        if not keep.any():
            continue
        found = (shard.item_ids[keep], score(name, shards.single(shard).activations)[keep])
        searched, best = searched + len(found[0]), _nearest([best, found], count)
    return Search(_found(workspace, project, model, best, settled, asked), searched)


def _wanted(tx: Transaction, project: Project, where: Filter, settled: Mapping[ItemId, ClassId]) -> Tensor | None:
    """Ids of the items that the filter lets through by what is in the database, in order; None for all."""
    if where.split is None and where.labelled is None and where.class_id is None:
        return None
    ids = items.ids(tx, project.id, where.split)
    if where.labelled is not None:
        ids = [one for one in ids if (one in settled) == where.labelled]
    if where.class_id is not None:
        ids = [one for one in ids if settled.get(one) == where.class_id]
    return torch.tensor(ids, dtype=torch.int64)


def _model(workspace: Workspace, project: Project, *, needed: bool) -> ProjectModel | None:
    """The newest model; None where there is none yet, unless it is needed.

    Raises:
        InvalidInputError: it is needed, and cannot be had.
    """
    with workspace.database.read() as tx:
        stored, classes = projects.by_id(tx, project.id), projects.classes(tx, project.id)
        past = rounds.all_(tx, project.id)
    if not needed and not workspace.holds_encoder(project) and not class_rows_are_kept(workspace, project, classes):
        return None  # what it would say does not pay for loading the towers
    try:
        return model_of(workspace, stored, classes, last_fit(past))
    except AlflowError as error:
        if needed:
            raise InvalidInputError(f"nothing can be predicted yet: {error}") from error
        return None


def _shards(workspace: Workspace, project: Project) -> Iterator[tuple[str, Embeddings]]:
    encoder = shards.encoder_in_use(workspace, project)
    for name in names(workspace, project, encoder.hash):
        yield name, shards.read(workspace, name)


def _none() -> tuple[Tensor, Tensor]:
    return torch.empty(0, dtype=torch.int64), torch.empty(0)


def _nearest(parts: list[tuple[Tensor, Tensor]], count: int) -> tuple[Tensor, Tensor]:
    """The `count` best of the parts, (ids, scores); equal scores in the order of their ids."""
    ids, scores = (torch.cat(each) for each in zip(*parts, strict=True))
    by_id = ids.argsort()
    order = by_id[scores[by_id].argsort(descending=True, stable=True)][:count]
    return ids[order], scores[order]


def _predicted(workspace: Workspace, project: Project, model: ProjectModel, name: str, shard: Embeddings) -> Tensor:
    """The most probable class of every row of a shard, by id [N]; kept, for a model and a shard never change."""
    path = f"projects/{project.id}/predictions/{digest(hashes=model.hashes, shard=name)}.safetensors"
    if not workspace.artifacts.exists(path):
        columns = model.believe(shards.single(shard).activations).probabilities.argmax(dim=1)
        classes = torch.tensor(model.class_ids, dtype=torch.int64)
        workspace.artifacts.write_tensors(path, {"class_ids": classes[columns]}, model.hashes)
    return workspace.artifacts.read_tensors(path, lengths={"N": len(shard)})[0]["class_ids"]


def _found(
    workspace: Workspace,
    project: Project,
    model: ProjectModel | None,
    best: tuple[Tensor, Tensor],
    settled: Mapping[ItemId, ClassId],
    asked: set[ItemId],
) -> tuple[Found, ...]:
    ids, scores = best[0].tolist(), best[1].tolist()
    with workspace.database.read() as tx:
        images = items.by_ids(tx, ids)
    told: dict[ItemId, tuple[ClassId | None, float | None]] = dict.fromkeys(ids, (None, None))
    if model is not None and ids:
        (rows,) = load_rows(workspace, project, model, ids)
        probability, column = model.believe(rows.activations).probabilities.max(1)
        pairs = zip(column.tolist(), probability.tolist(), strict=True)
        told = {item: (model.class_ids[at], value) for item, (at, value) in zip(ids, pairs, strict=True)}
    return tuple(
        Found(item, score, settled.get(item.id), *told[item.id], item.id in asked)
        for item, score in zip(images, scores, strict=True)
    )
