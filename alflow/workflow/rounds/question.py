"""What a strategy is asked when a round opens: beliefs about pool, targets and labelled images.

A small pool is held in memory. A large one is read shard by shard, as often as a strategy needs it: of a million images
the beliefs would take 10 GB. What is asked of every image of it (predictions, variance, novelty) is in the outlook.

Axes: N pool rows, T targets as many as strategies aim at, M all targets, L labelled images.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Int64
from torch import Tensor

from alflow.acquisition.aims import MAX_TARGETS, evenly
from alflow.acquisition.beliefs import Question
from alflow.acquisition.pool import StreamedPool
from alflow.domain.projects import Project
from alflow.embeddings import Activations, Embeddings, places
from alflow.ids import ItemId
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.workflow.images.embedded import names, remembered_encoder
from alflow.workflow.images.shards import read
from alflow.workflow.model.kept import Outlook, outlook_of
from alflow.workflow.model.model import ProjectModel, load_rows
from alflow.workspace import Workspace

IN_MEMORY: Final = 2**28
"""Bytes of beliefs that are held at once: those of some 30,000 images of CLIP ViT-B."""

_ALWAYS: Final = 1_150_000_000
"""Bytes of a process that opens a round of few images: libraries, and a posterior of CLIP's size."""
_OF_AN_ID: Final = 400
"""Bytes of an image in the lists, sets and rows that a round is made of."""
_WORKED: Final = 3
"""How many times what may be held is held while a strategy works."""


@dataclass(frozen=True)
class Groups:
    """Items by what they are to a question.

    Attributes:
        pool: may be asked about.
        target: their predictions matter.
        labelled: have an answer.
        test: are read in the same pass.
    """

    pool: Sequence[ItemId]
    target: Sequence[ItemId]
    labelled: Sequence[ItemId]
    test: Sequence[ItemId] = ()


@dataclass(frozen=True)
class Asked:
    """The question, and what was read along with it.

    Attributes:
        question: beliefs about all groups.
        item_ids: of each row of its pool.
        target_ids: of each of its targets.
        test: rows of the test items that were asked for.
        every_target: ids of all targets; a large pool comes with as many as strategies aim at.
        labelled_ids: of the labelled images.
    """

    question: Question
    item_ids: Int64[Tensor, " N"]
    target_ids: Int64[Tensor, " T"]
    test: Embeddings
    every_target: Int64[Tensor, " M"]
    labelled_ids: Int64[Tensor, " L"]

    @property
    def n_target(self) -> int:
        """How many targets there are, those that no strategy aims at among them."""
        return len(self.every_target)


def ask_about(
    workspace: Workspace,
    project: Project,
    model: ProjectModel,
    number: int,
    groups: Groups,
) -> Asked:
    """The question about these items, as far as they are embedded; rows of the pool in the order of their ids.

    Args:
        workspace: where.
        project: whose items.
        model: whose beliefs.
        number: of the round whose model it is; 0 is the zero-shot model.
        groups: the items.

    Raises:
        InvalidInputError: a shard is damaged.
    """
    if _bytes_of_beliefs(model) * len(groups.pool) <= IN_MEMORY:
        every_group = groups.pool, groups.target, groups.labelled, groups.test
        of_pool, of_target, of_labelled, of_test = load_rows(workspace, project, model, *every_group)
        query = model.ask(of_pool.activations, of_target.activations, of_labelled.activations)
        target_ids = of_target.item_ids
        return Asked(query, of_pool.item_ids, target_ids, of_test, target_ids, of_labelled.item_ids)
    every = outlook_of(workspace, project, model, number)
    rows, _ = every.rows(sorted(groups.pool))
    of_target, of_labelled, of_test = load_rows(
        workspace, project, model, _thinned(every, groups.target), groups.labelled, groups.test
    )
    question = Question(
        _streamed(workspace, project, model, every, rows),
        model.believe(of_target.activations),
        model.believe(of_labelled.activations),
        model.model.class_covariance,
    )
    targets = every.item_ids[every.rows(groups.target)[0]]
    return Asked(question, every.item_ids[rows], of_target.item_ids, of_test, targets, of_labelled.item_ids)


def memory_to_ask(workspace: Workspace, project: Project) -> int:
    """Bytes that a process needs to open the next round, about: those of its libraries, and of what it reads.

    The outlook is held whole, some three times over while it is joined and sorted, and each image has its id in lists
    and sets. The beliefs of a small pool are held, and copied as a strategy works; those of a large one are streamed.

    Raises:
        InvalidInputError: a shard is damaged.
    """
    with workspace.database.read() as tx:
        n_items, n_classes = sum(items.counts(tx, project.id).values()), len(projects.classes(tx, project.id))
    known = remembered_encoder(workspace, project)
    first = next(iter(names(workspace, project, known)), None) if known else None
    if first is None:
        return _ALWAYS
    rows = read(workspace, first).activations
    widths = rows.values.shape[1] + (0 if rows.residuals is None else rows.residuals.shape[1])
    beliefs = 4 * (2 * n_classes + 2 * widths + 2)
    outlook = 3 * (4 * (n_classes + 2) + 8)
    return _ALWAYS + n_items * (outlook + _OF_AN_ID) + _WORKED * min(beliefs * n_items, IN_MEMORY)


def _bytes_of_beliefs(model: ProjectModel) -> int:
    """Of one image."""
    weight = model.model.layers.image_weight
    return weight.element_size() * (2 * len(model.class_ids) + 2 * weight.shape[1] + weight.shape[0] + 2)


def _thinned(every: Outlook, target: Sequence[ItemId]) -> list[ItemId]:
    """As many targets as any strategy aims at, as it would thin them."""
    rows, _ = every.rows(target)
    return every.item_ids[rows[evenly(every.probabilities[rows].argmax(dim=1), MAX_TARGETS)]].tolist()


def _streamed(
    workspace: Workspace, project: Project, model: ProjectModel, every: Outlook, rows: Int64[Tensor, " N"]
) -> StreamedPool:
    """The pool of these rows of the outlook."""
    item_ids, parts = every.item_ids[rows], names(workspace, project, model.hashes["encoder"])
    newest = torch.full((len(rows),), -1)  # of an item with several rows the last counts
    found = [_of_pool(item_ids, read(workspace, name).item_ids) for name in parts]
    for shard, (its, at) in enumerate(found):
        newest[its] = (shard << 32) + at
    counts = [newest[its] == (shard << 32) + at for shard, (its, at) in enumerate(found)]
    wanted = [(its[kept], at[kept]) for kept, (its, at) in zip(counts, found, strict=True)]

    def again() -> Iterator[tuple[Tensor, Activations]]:
        for name, (its, at) in zip(parts, wanted, strict=True):
            if len(its):
                activations = read(workspace, name).activations
                yield its, activations if len(its) == len(activations) else activations[at]

    return StreamedPool(model.model, again, every.probabilities[rows], every.variance[rows], every.novelty[rows])


def _of_pool(
    item_ids: Int64[Tensor, " N"], of_shard: Int64[Tensor, " n"]
) -> tuple[Int64[Tensor, " m"], Int64[Tensor, " m"]]:
    """Rows of the pool that a shard has, and where it has them."""
    rows, found = places(item_ids, of_shard)
    return rows, found.nonzero()[:, 0]
