"""Projects: their settings, state, classes, and why their runs fail."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from alflow.bounds import LARGEST_SEED, at_most, told, within
from alflow.ids import (
    AnnotatorId,
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
    """How a project asks, fits and stops; stored with it as JSON. What each means is said beside it, once for all.

    The rules that stop a project are those of `alflow.stopping_rules.Rules`.
    """

    strategy: str = field(
        default="default",
        metadata=at_most(LONGEST_STRATEGY) | told("Strategy", "How to choose what to ask; see `alflow strategies`."),
    )
    budget: int = field(
        default=20,
        metadata=within(1, 10_000) | told("Images per round", "Images per round, the random control slice included."),
    )
    control_fraction: float = field(
        default=0.1,
        metadata=within(0, 1)
        | told("Random share", "Share of a round drawn at random from the pool, as a control: it tells the accuracy."),
    )
    reserve: int = field(
        default=100,
        metadata=within(0, 1_000)
        | told(
            "Extra images",
            "How many of the strategy's next picks people go on with while the next round is prepared, at most as many "
            "as a round has; 0 for none.",
        ),
    )
    votes: int = field(
        default=1,
        metadata=within(1, 100)
        | told("Answers per image", "Answers an image needs, each by another person, before it is settled."),
    )
    lease_minutes: float = field(
        default=5.0,
        metadata=within(0, 10_080, above=True)  # a week
        | told("Minutes reserved", "How long an image stays reserved for the person it was shown to."),
    )
    suggestion: Suggestion = field(
        default=Suggestion.AFTER,
        metadata=told(
            "The model's guess is shown", "When annotators see the model's guess; before their answer it biases them."
        ),
    )
    gold_rate: float = field(
        default=0.0,
        metadata=within(0, 0.5)
        | told(
            "Share of checks",
            "Share of images shown that are checks: test images of a known class; answers to them are no labels. None "
            "are shown while the model's guess is shown before the answer, which would give them away.",
        ),
    )
    gold_feedback: bool = field(
        default=False,
        metadata=told(
            "Tell the result of a check at once", "Else the Checks page tells it, once the round is answered."
        ),
    )
    sort_classes: bool = field(
        default=False,
        metadata=told(
            "Most probable classes first",
            "Where the model's guess is shown before the answer, list the classes by probability; each keeps its key.",
        ),
    )
    likewise: bool = field(
        default=True,
        metadata=told(
            "Offer near copies",
            "After an answer, offer the image's near copies in the pool, to label them likewise at once. Such labels "
            "teach the model nothing and count in no agreement; none are offered where images need several answers.",
        ),
    )
    break_minutes: float | None = field(
        default=None,
        metadata=within(1, 1_440)
        | told("Minutes until a break", "Suggest a break, in a quiet line, after so many minutes without a pause."),
    )
    show_speeds: bool = field(
        default=False,
        metadata=told(
            "Show each person's speed",
            "Else pages, figures and reports tell how fast somebody answers to that person only. Answers that are "
            "exported, or read by the API, have their seconds in either case.",
        ),
    )
    max_labels: int | None = field(
        default=None,
        metadata=within(1, 1_000_000_000) | told("Most labels", "Open no further round after this many labels."),
    )
    plateau_rounds: int | None = field(
        default=None,
        metadata=within(1, 1_000)
        | told("Rounds without a gain", "Stop after this many rounds without a gain in accuracy."),
    )
    plateau_gain: float = field(
        default=0.005,
        metadata=within(0, 1, below=True)
        | told("Smallest gain", "The smallest gain in accuracy that counts, with rounds without a gain."),
    )
    min_information: float | None = field(
        default=None,
        metadata=within(0, 1, above=True)
        | told("Least information", "Stop when a label is worth less than this share of the best round's labels."),
    )
    label_price: float | None = field(
        default=None,
        metadata=within(0, 1, above=True, below=True)
        | told("Price of a label", "Stop when a label is expected to add less accuracy than this."),
    )
    pretraining_weight: float = field(
        default=PRETRAINING_WEIGHT,
        metadata=within(0, 327_680_000_000, above=True)
        | told(
            "Weight of the pretraining",
            "For how many images (n tau) the pretraining counts in novelty and uncertain names, whatever number its "
            "curvature was estimated from; 3,276,800 in the paper. No prediction depends on it.",
        ),
    )
    fit_accepted: bool = field(
        default=False,
        metadata=told(
            "Fit accepted images too",
            "Fit images that were accepted by the model's word, as it says; certificates never rest on them.",
        ),
    )
    seed: int = field(
        default=0, metadata=within(-LARGEST_SEED, LARGEST_SEED) | told("Seed", "Root of every random draw.")
    )

    @property
    def lease(self) -> timedelta:
        """`lease_minutes`, a week at most, whatever an older alflow let be."""
        return timedelta(minutes=min(self.lease_minutes, 10_080))


class ProjectState(StrEnum):
    """ACTIVE; STOPPED: nothing runs and nobody is asked; ARCHIVED: stopped, and in no list; DELETED: it is about to go.

    What is DELETED is found by nobody, and never anything else again.
    """

    ACTIVE = "active"
    STOPPED = "stopped"
    ARCHIVED = "archived"
    DELETED = "deleted"


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
    state: ProjectState = ProjectState.ACTIVE

    @property
    def is_active(self) -> bool:
        """Whether its runs are started and people are asked."""
        return self.state is ProjectState.ACTIVE

    def shows_speed(self, to: AnnotatorId | None, of: AnnotatorId | None) -> bool:
        """Whether somebody may be told how fast a person answers: oneself, or all where the project says so."""
        return self.settings.show_speeds or (to is not None and to == of)


@dataclass(frozen=True)
class ClassLabel:
    """One class: what people read, what the text tower reads, and the key that answers it.

    `group` heads it in lists of classes, and is its supercategory in exports; empty for none.
    """

    id: ClassId
    project_id: ProjectId
    name: str
    display_name: str
    prompts: tuple[str, ...]
    position: int
    hot_key: str | None
    group: str = ""


@dataclass(frozen=True)
class NewClass:
    """A class before the project has it; its place in the list becomes its position."""

    name: str
    display_name: str
    prompts: tuple[str, ...]
    hot_key: str | None = None
    group: str = ""


@dataclass(frozen=True)
class Trouble:
    """Why a project's runs fail: what the last one said, how many failed in a row, and since when."""

    message: str
    times: int
    since: datetime
    at: datetime
