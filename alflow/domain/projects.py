"""Projects: their settings, classes, and why their runs fail."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from alflow.bounds import LARGEST_SEED, at_most, within
from alflow.ids import (
    ClassId,
    ProjectId,
)

LONGEST_STRATEGY: Final = 500


PRETRAINING_WEIGHT: Final = 3_276_800.0
"""n tau of the method's authors: 327,680 pairs, each of which counts ten times."""


class Suggestion(StrEnum):
    """When annotators see the class that the model holds most probable: never, after their answer, or before it."""

    NEVER = "never"
    AFTER = "after"
    BEFORE = "before"


@dataclass(frozen=True)
class ProjectSettings:
    """How a project asks, fits and stops; stored with it as JSON.

    Attributes:
        strategy: name in `alflow.acquisition.strategies.STRATEGIES`.
        budget: candidates per round, the control slice included.
        control_fraction: share of the budget that is drawn at random from the pool.
        votes: answers an item needs before it is settled.
        lease_minutes: how long an item stays reserved for the annotator it was shown to.
        gold_rate: about which share of the images on the desk are checks: test images whose class is known, answers to
            which are no labels. None are shown while `suggestion` is BEFORE, which would give them away.
        gold_feedback: whether a check's result is told at once; else how many were right when nothing is left to
            answer, and each once the round is answered.
        suggestion: when annotators see what the model thinks; before their answer it biases them.
        max_labels: open no further round once this many items are settled; None for no limit.
        plateau_rounds, plateau_gain, min_information, label_price: further rules that stop a project, off by default
            but for the gain that the first needs; see `alflow.stopping_rules.Rules`.
        pretraining_weight: n tau, for how many images the pretraining counts in the posterior of the last layers,
            whatever number n of them its curvature was estimated from; tau is this over n. No prediction depends on
            it, but what is unlike the pretraining and which names are uncertain.
        fit_accepted: whether images that were accepted by the model's word are fitted too, as it says; certificates
            never rest on them.
        seed: root of every random draw of the project.
    """

    strategy: str = field(default="default", metadata=at_most(LONGEST_STRATEGY))
    budget: int = field(default=20, metadata=within(1, 10_000))
    control_fraction: float = field(default=0.1, metadata=within(0, 1))
    votes: int = field(default=1, metadata=within(1, 100))
    lease_minutes: float = field(default=5.0, metadata=within(0, 10_080, above=True))  # a week
    gold_rate: float = field(default=0.0, metadata=within(0, 0.5))
    gold_feedback: bool = False
    suggestion: Suggestion = Suggestion.AFTER
    max_labels: int | None = field(default=None, metadata=within(1, 1_000_000_000))
    plateau_rounds: int | None = field(default=None, metadata=within(1, 1_000))
    plateau_gain: float = field(default=0.005, metadata=within(0, 1, below=True))
    min_information: float | None = field(default=None, metadata=within(0, 1, above=True))
    label_price: float | None = field(default=None, metadata=within(0, 1, above=True, below=True))
    pretraining_weight: float = field(default=PRETRAINING_WEIGHT, metadata=within(0, 327_680_000_000, above=True))
    fit_accepted: bool = False
    seed: int = field(default=0, metadata=within(-LARGEST_SEED, LARGEST_SEED))

    @property
    def lease(self) -> timedelta:
        """`lease_minutes`, a week at most, whatever an older alflow let be."""
        return timedelta(minutes=min(self.lease_minutes, 10_080))


@dataclass(frozen=True)
class Project:
    """One labelling task: a name, a model, classes, images; `guidelines` is Markdown for those who label."""

    id: ProjectId
    name: str
    model: str
    precision: str
    posterior: str | None
    settings: ProjectSettings
    created_at: datetime
    guidelines: str = ""


@dataclass(frozen=True)
class ClassLabel:
    """One class: what people read, what the text tower reads, and the key that answers it."""

    id: ClassId
    project_id: ProjectId
    name: str
    display_name: str
    prompts: tuple[str, ...]
    position: int
    hot_key: str | None


@dataclass(frozen=True)
class NewClass:
    """A class before the project has it; its place in the list becomes its position."""

    name: str
    display_name: str
    prompts: tuple[str, ...]
    hot_key: str | None = None


@dataclass(frozen=True)
class Trouble:
    """Why a project's runs fail: what the last one said, how many failed in a row, and since when."""

    message: str
    times: int
    since: datetime
    at: datetime
