"""Rounds: what is asked, and how good the model is after it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from alflow.ids import (
    AnnotatorId,
    CandidateId,
    ClassId,
    ItemId,
    ProjectId,
    RoundId,
    SliceId,
)


class RoundState(StrEnum):
    """OPEN (people label) -> LABELLED (queue answered) -> CLOSED (fitted and evaluated)."""

    OPEN = "open"
    LABELLED = "labelled"
    CLOSED = "closed"


class Origin(StrEnum):
    """Why an item became a candidate: the strategy chose it, chance drew it as a control, or a person chose it.

    Others come behind the round's own. Those of the reserve are the strategy's next picks, which are asked about while
    the next round is prepared. Those of the grid are images of the rest of the pool that were on a page of one class,
    because the model was sure of it, or in doubt. No round waits for either, and each was asked about only once it has
    an answer.
    """

    STRATEGY = "strategy"
    CONTROL = "control"
    PERSON = "person"
    RESERVE = "reserve"
    GRID = "grid"

    @property
    def queued(self) -> bool:
        """Whether a round waits for it."""
        return self not in {Origin.RESERVE, Origin.GRID}


@dataclass(frozen=True)
class Round:
    """Acquire, label, fit, evaluate: once. `configuration` and `hashes` are enough to replay it."""

    id: RoundId
    project_id: ProjectId
    number: int
    state: RoundState
    strategy: str
    budget: int
    seed: int
    configuration: Mapping[str, Any]
    hashes: Mapping[str, str]
    opened_at: datetime
    labelled_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def held(self) -> bool:
        """Whether it was reopened, so that it stays open until a person closes it, however much is answered."""
        return self.state is RoundState.OPEN and bool(self.configuration.get("reopened"))

    @property
    def is_last(self) -> bool:
        """Whether a rule of the project said, when it was closed, that no other round follows."""
        return self.state is RoundState.CLOSED and "stopped" in self.configuration

    @property
    def learned_until(self) -> datetime | None:
        """All answers until then are in its fit; None while it is not closed."""
        return self.closed_at and (self.labelled_at or self.closed_at)


@dataclass(frozen=True)
class Candidate:
    """An item of a round's queue and the reasons why it is there.

    `probabilities` maps class ids to what was predicted at the time of acquisition; `epistemic` and `aleatoric`
    are its entropy parts in nats; `score` is the strategy's own (other candidates have none). It is settled once
    `answers` reaches `votes_needed`: answers that were not withdrawn, a skip too; or all that are needed at once when
    somebody flagged the image as bad. `chosen_by` and `reason` say who chose a candidate of origin PERSON, and why.
    """

    id: CandidateId
    round_id: RoundId
    item_id: ItemId
    rank: int
    origin: Origin
    score: float | None
    predicted_class_id: ClassId
    probabilities: Mapping[ClassId, float]
    epistemic: float
    aleatoric: float
    votes_needed: int
    answers: int = 0
    chosen_by: AnnotatorId | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Evaluation:
    """Metrics of the model after a round (round 0: zero-shot) on one split.

    `split` is `test`, or `control` for the random slice: its items are judged by the probabilities that were stored
    before their labels were known. `metrics` maps a name to (value, low, high).
    """

    project_id: ProjectId
    round_number: int
    split: str
    n_labels: int
    n_items: int
    metrics: Mapping[str, tuple[float, float, float]]
    at: datetime


@dataclass(frozen=True)
class Slice:
    """A named set of images on which every round's model is evaluated."""

    id: SliceId
    project_id: ProjectId
    name: str
    made_by: AnnotatorId
    made_at: datetime


@dataclass(frozen=True)
class SliceEvaluation:
    """Metrics of the model after a round (0: zero-shot) on those images of a slice whose class is known to us.

    These are `n_test` test images, and `n_later` images that the project first heard an answer about after the round
    was closed, so that its model has seen none of them. `basis` is the hash of model, images and classes. `metrics`
    maps a name to (value, low, high); it is empty where no such image is known.
    """

    slice_id: SliceId
    round_number: int
    basis: str
    n_test: int
    n_later: int
    metrics: Mapping[str, tuple[float, float, float]]
    at: datetime
