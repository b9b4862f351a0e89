"""What was asked and answered so far, as certificates and estimates of the pool read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alflow.domain.images import Split
from alflow.domain.projects import ClassLabel, Project
from alflow.domain.rounds import Origin, Round, RoundState
from alflow.ids import ClassId, ItemId, ProjectId, RoundId
from alflow.store.answers import outcomes, votes
from alflow.store.database import Transaction
from alflow.store.images import items
from alflow.store.images.items import SPLITS
from alflow.store.projects import projects
from alflow.store.rounds import candidates, rounds
from alflow.store.rounds.candidates import Asked


@dataclass(frozen=True)
class Asking:
    """What was asked so far, read in one transaction.

    Attributes:
        pool: ids of the pool, ascending.
        rounds: by number.
        asked: candidates, oldest first.
        settled: item -> class.
        labelled: items with a standing answer of any kind.
        evidence: of `settled` what answers of their own say (`outcomes.evidence`).
    """

    project: Project
    classes: tuple[ClassLabel, ...]
    pool: NDArray[np.int64]
    rounds: tuple[Round, ...]
    asked: tuple[Asked, ...]
    settled: Mapping[ItemId, ClassId]
    labelled: frozenset[ItemId]
    evidence: Mapping[ItemId, ClassId]

    @property
    def closed(self) -> dict[RoundId, Round]:
        """The closed rounds, by number."""
        return {one.id: one for one in self.rounds if one.state is RoundState.CLOSED}

    def slices(self) -> dict[RoundId, list[Asked]]:
        """The images of each round's random slice, those that were drawn first, where the slice can be judged.

        One of a round that is not closed can be once all of it is answered: what is answered first may be easier.
        """
        found: dict[RoundId, list[Asked]] = {}
        seen: set[ItemId] = set()
        for one in self.asked:
            if one.origin is Origin.CONTROL and one.item_id not in seen:
                found.setdefault(one.round_id, []).append(one)
            seen.add(one.item_id)
        closed = self.closed
        return {key: each for key, each in found.items() if key in closed or all(one.answered for one in each)}

    def support(self, class_ids: Sequence[ClassId]) -> dict[ItemId, ClassId]:
        """What the certifying model is fitted to: item -> class, by item, of closed rounds and from elsewhere."""
        closed, drawn = self.closed, {one.item_id for one in self.asked if one.origin is Origin.CONTROL}
        waiting = {one.item_id for one in self.asked} - {one.item_id for one in self.asked if one.round_id in closed}
        away, known = drawn | waiting, set(class_ids)
        return {item: label for item, label in sorted(self.evidence.items()) if label in known and item not in away}


def read_asking(tx: Transaction, project_id: ProjectId) -> Asking:
    """What was asked so far.

    Raises:
        NotFoundError: there is no such project.
    """
    project, every = projects.by_id(tx, project_id), items.columns(tx, project_id)
    return Asking(
        project,
        tuple(projects.classes(tx, project_id)),
        every.item_ids[every.splits == SPLITS.index(Split.POOL)],
        tuple(rounds.all_(tx, project_id)),
        tuple(candidates.asked(tx, project_id)),
        outcomes.settled(tx, project_id),
        frozenset(answer.item_id for answer in votes.standing(tx, project_id)),
        outcomes.evidence(tx, project_id),
    )
