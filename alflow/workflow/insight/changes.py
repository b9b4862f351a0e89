"""What a fit changed: the images whose most probable class is another one after a round than it was before.

Axes: N images that both models have seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from alflow.domain.images import Split
from alflow.embeddings import places
from alflow.ids import ClassId, ItemId, ProjectId
from alflow.store.answers import outcomes
from alflow.store.images import items
from alflow.workflow.model.kept import Outlook, outlook
from alflow.workspace import Workspace

_SHOWN_MOVES: Final = 50


class Turn(StrEnum):
    """What became of a prediction that turned."""

    FIXED = "wrong to right"
    BROKEN = "right to wrong"
    STILL_WRONG = "wrong to wrong"
    UNKNOWN = "class not known"


@dataclass(frozen=True)
class TurnedImage:
    """An image whose prediction turned.

    Attributes:
        item_id: which.
        before, after: the most probable classes.
        p_before, p_after: the probability of each, by the model that holds it most probable.
        class_id: its class, where that is known.
        is_labelled: whether people said so, so that later fits have seen it.
        turn: what became of it.
    """

    item_id: ItemId
    before: ClassId
    after: ClassId
    p_before: float
    p_after: float
    class_id: ClassId | None
    is_labelled: bool
    turn: Turn


@dataclass(frozen=True)
class Changes:
    """What differs between two models.

    Attributes:
        n_images: that both have seen.
        n_turned: of these, those whose prediction turned.
        counts: of them, by what became of them.
        moves: from class to class, how many; the most frequent first.
        images: some of them, those first whose new prediction is the most probable.
    """

    n_images: int
    n_turned: int
    counts: Mapping[Turn, int]
    moves: tuple[tuple[ClassId, ClassId, int], ...]
    images: tuple[TurnedImage, ...]


def changes(
    workspace: Workspace,
    project_id: ProjectId,
    before: int,
    after: int,
    split: Split | None = None,
    turn: Turn | None = None,
    limit: int = 48,
) -> Changes:
    """The images whose prediction turned between the models after two rounds.

    The class of an image is known where its answers settled it, and of the images of the test split; what is known of
    others, to answer back-tests with, is not shown.

    Args:
        workspace: where.
        project_id: the project.
        before: number of a closed round; 0 is the zero-shot model.
        after: number of another one.
        split: of which images; None for all.
        turn: which to return; None for all.
        limit: images to return, at most.

    Raises:
        NotFoundError: there is no such closed round, or nothing is embedded.
    """
    one, other = outlook(workspace, project_id, before), outlook(workspace, project_id, after)
    with workspace.database.read() as tx:
        every, settled = items.columns(tx, project_id), outcomes.settled(tx, project_id)
    there, found = other.rows(one.item_ids)
    place, known = places(torch.from_numpy(every.item_ids), one.item_ids[found])
    kept = torch.from_numpy(_of(every, place.numpy(), split))
    here, there = (rows[known][kept] for rows in (found.nonzero()[:, 0], there))
    at = place[kept].numpy()
    tops = [_top(each, rows) for each, rows in ((one, here), (other, there))]
    turned = tops[0][0] != tops[1][0]
    truths = _known(every, at[turned], settled)
    old, new = (top[0][turned] for top in tops)
    kinds = _kinds(old, new, truths)
    wanted = np.flatnonzero(np.ones(len(kinds), bool) if turn is None else kinds == list(Turn).index(turn))
    best = wanted[np.argsort(-tops[1][1][turned][wanted], kind="stable")][:limit]
    columns = (every.item_ids[at[turned]], old, new, tops[0][1][turned], tops[1][1][turned], truths, kinds)
    return Changes(
        len(turned),
        int(turned.sum()),
        {each: int((kinds == number).sum()) for number, each in enumerate(Turn)},
        _moves(old, new),
        tuple(
            TurnedImage(item, b, a, pb, pa, truth or None, item in settled, list(Turn)[kind])
            for item, b, a, pb, pa, truth, kind in zip(*(each[best].tolist() for each in columns), strict=True)
        ),
    )


Numbers = NDArray[np.int64]


def _of(every: items.Columns, place: Numbers, split: Split | None) -> NDArray[np.bool_]:
    return np.ones(len(place), bool) if split is None else every.splits[place] == items.SPLITS.index(split)


def _top(one: Outlook, rows: torch.Tensor) -> tuple[Numbers, NDArray[np.float64]]:
    """The most probable class of each row, as its id, and its probability."""
    values, columns = one.probabilities.max(dim=1)
    return np.array(one.class_ids)[columns[rows].numpy()], values[rows].double().numpy()


def _known(every: items.Columns, place: Numbers, settled: Mapping[ItemId, ClassId]) -> Numbers:
    """The class of each, 0 where it is not known: as it was settled, else as the test split has it."""
    of_test = np.where(every.splits == items.SPLITS.index(Split.TEST), every.truths, 0)[place]
    by_answers = [settled.get(item, 0) for item in every.item_ids[place].tolist()]
    return np.where(np.array(by_answers, dtype=np.int64) > 0, by_answers, of_test)


def _kinds(old: Numbers, new: Numbers, known: Numbers) -> Numbers:
    """Places in `Turn`."""
    return np.select([known == 0, new == known, old == known], [3, 0, 1], 2)


def _moves(old: Numbers, new: Numbers) -> tuple[tuple[ClassId, ClassId, int], ...]:
    pairs, counts = np.unique(np.stack([old, new], axis=1), axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:_SHOWN_MOVES]
    return tuple((a, b, n) for (a, b), n in zip(pairs[order].tolist(), counts[order].tolist(), strict=True))
