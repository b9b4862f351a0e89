"""What holds of the whole pool, whatever a strategy has chosen to be labelled: accuracy, calibration, class shares.

Random slices of all rounds speak for the pool, and so do the picks of rounds whose strategy drew by chance (their
chances are stored with the round). The model is the one of `alflow.workflow.answers.certifying`: it saw no label that
it is judged by. An image that people gave no class counts as a wrong prediction.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alflow.domain.rounds import Origin, Round
from alflow.estimates import Draw, Interval, pool_share, slice_size, uniform
from alflow.ids import ClassId, ItemId, ProjectId
from alflow.store.rounds.candidates import Asked
from alflow.workflow.answers.asking import Asking, read_asking
from alflow.workflow.answers.certifying import SLICE, WAITING, Certifying, certifying_of
from alflow.workspace import Workspace


@dataclass(frozen=True)
class Unbiased:
    """Estimates of the pool with 95% intervals.

    Attributes:
        accuracy: share of the pool that the model predicts rightly.
        confidence: mean probability of its predictions over the pool, which is known.
        overconfidence: confidence less accuracy: how much surer the model is than it is right; may be negative.
        shares: of each class.
        without_class: share of images that people gave no class.
        n_slice: images drawn at random whose answer counts.
        n_weighted: picks of a strategy that drew by chance, which count with weights.
    """

    accuracy: Interval
    confidence: float
    overconfidence: Interval
    shares: Mapping[ClassId, Interval]
    without_class: Interval
    n_slice: int
    n_weighted: int

    def wanted(self, half_width: float) -> int:
        """How many random labels give an interval of the accuracy no wider than this on either side.

        Raises:
            InvalidInputError: the half width is not between 0 and 0.5.
        """
        return slice_size(half_width, self.accuracy.value if self.n_slice else 0.5)


def unbiased(workspace: Workspace, project_id: ProjectId) -> Unbiased:
    """Estimates of the pool as it is now.

    Raises:
        NotFoundError: there is no such project, nothing is embedded, or there is no model yet.
        ConflictError: the project has fewer than two classes.
    """
    with workspace.database.read() as tx:
        asking = read_asking(tx, project_id)
    said = certifying_of(workspace, asking)
    drawn = _drawn(asking, said)
    wrong = dict(zip(said.item_ids.tolist(), said.wrong.tolist(), strict=True))
    columns = {class_id: column for column, class_id in enumerate(said.class_ids)}
    given = [one.read(lambda item: columns.get(asking.settled.get(item), -1)) for one in drawn]  # type: ignore[arg-type]
    right = [one.read(lambda item: item in asking.settled and not wrong[item]) for one in drawn]

    def share(read: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]], value: int) -> Interval:
        pairs = zip(drawn, read, strict=True)
        return pool_share([one.of(before == value, items == value) for one, (before, items) in pairs])

    accuracy = share(right, 1)
    confidence = float(said.confidence.mean()) if len(said.confidence) else float("nan")
    gap = Interval(confidence - accuracy.value, confidence - accuracy.high, confidence - accuracy.low, accuracy.images)
    return Unbiased(
        accuracy,
        confidence,
        gap,
        {class_id: share(given, column) for class_id, column in columns.items()},
        share(given, -1),
        said.count(SLICE),
        sum(one.weighted for one in drawn),
    )


@dataclass(frozen=True)
class _Drawn:
    """What one round drew, before a value is read off it."""

    before: tuple[ItemId, ...]
    left: int
    items: tuple[ItemId, ...]
    chances: NDArray[np.float64]
    weighted: int

    def read(self, value: Callable[[ItemId], int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """A number of each image asked before, and of each that was drawn."""
        before, items = ([value(one) for one in each] for each in (self.before, self.items))
        return np.array(before, dtype=np.int64), np.array(items, dtype=np.int64)

    def of(self, before: NDArray[np.bool_], items: NDArray[np.bool_]) -> Draw:
        """What it says of a share, from who counts."""
        return Draw(float(before.sum()), len(before), self.left, items.astype(np.float64), self.chances)


def _drawn(asking: Asking, said: Certifying) -> list[_Drawn]:
    """Of each round whose slice counts, oldest first."""
    here = set(said.item_ids[said.group != WAITING].tolist())
    answered = {item for item in asking.labelled | asking.settled.keys() if item in here}
    slices, closed = asking.slices(), asking.closed
    of_round: dict[int, list[Asked]] = {}
    for one in asking.asked:
        of_round.setdefault(one.round_id, []).append(one)
    elsewhere = answered - {one.item_id for one in asking.asked}
    before, found = set(elsewhere), list[_Drawn]()
    for round_ in asking.rounds:
        every = [one for one in of_round.get(round_.id, []) if one.item_id not in before]
        if round_.id in slices:
            size = sum(one.origin is Origin.CONTROL for one in every)
            chances = _chances(round_, size, every if round_.id in closed else [])
            chances |= {
                one.item_id: chances.get(one.item_id, uniform(size, _left(round_))) for one in slices[round_.id]
            }
            used = tuple(item for item in chances if item in answered)
            mine = {one.item_id for one in slices[round_.id]}
            values = np.array([chances[item] for item in used], dtype=np.float64)
            weighted = sum(item not in mine for item in used)
            found.append(_Drawn(tuple(sorted(before)), _left(round_), used, values, weighted))
        before |= {one.item_id for one in every} & answered
    return found


def _chances(round_: Round, size: int, every: list[Asked]) -> dict[ItemId, float]:
    """The chances of picks that were drawn; none where the strategy did not draw."""
    stored = round_.configuration.get("chances")
    if not stored or not size:
        return {}
    drawn = {one.item_id for one in every if one.origin in {Origin.STRATEGY, Origin.CONTROL}}
    return {ItemId(int(item)): float(chance) for item, chance in stored.items() if int(item) in drawn and chance > 0}


def _left(round_: Round) -> int:
    return int(round_.configuration.get("n_pool", 0))
