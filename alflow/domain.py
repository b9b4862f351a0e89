"""The nouns of alflow: frozen values, standard library only.

A `Project` owns `ClassLabel`s and `Item`s. A `Round` asks about some pool items (its `Candidate`s); people answer
with `Label`s; closing a round writes an `Evaluation`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from alflow.bounds import LARGEST_SEED, at_most, within
from alflow.ids import (
    AdjudicationId,
    AnnotatorId,
    BacktestId,
    CandidateId,
    ChangeId,
    CheckId,
    ClassId,
    ItemId,
    LabelId,
    PageId,
    ProjectId,
    RoundId,
)

LONGEST_STRATEGY: Final = 500
PRETRAINING_WEIGHT: Final = 3_276_800.0
"""n tau of the method's authors: 327,680 pairs, each of which counts ten times."""


class Split(StrEnum):
    """What an item is for: asked about, aimed at, or judged on."""

    POOL = "pool"
    TARGET = "target"
    TEST = "test"


class RoundState(StrEnum):
    """OPEN (people label) -> LABELLED (queue answered) -> CLOSED (fitted and evaluated)."""

    OPEN = "open"
    LABELLED = "labelled"
    CLOSED = "closed"


class Origin(StrEnum):
    """Why an item became a candidate: the strategy chose it, chance drew it as a control, or a person chose it."""

    STRATEGY = "strategy"
    CONTROL = "control"
    PERSON = "person"


class Verdict(StrEnum):
    """What an answer says.

    CLASS names one. SKIP (not now, not me) and UNSURE (looked, cannot tell) abstain. NONE says that no class fits, BAD
    that the image cannot be used: these two are votes too, and a BAD one takes the item out of the queue.
    """

    CLASS = "class"
    SKIP = "skip"
    UNSURE = "unsure"
    NONE = "none"
    BAD = "bad"

    @property
    def abstains(self) -> bool:
        """Whether it is no vote: neither for a class nor against all of them."""
        return self in {Verdict.SKIP, Verdict.UNSURE}


class Suggestion(StrEnum):
    """When annotators see the class that the model holds most probable: never, after their answer, or before it."""

    NEVER = "never"
    AFTER = "after"
    BEFORE = "before"


class TrialMode(StrEnum):
    """A back-test's answers come once a whole BATCH is chosen, as in a round, or after every pick (SEQUENTIAL)."""

    BATCH = "batch"
    SEQUENTIAL = "sequential"


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
        pretraining_weight: n tau, for how many images the pretraining counts in the posterior, whatever number n of
            them its curvature was estimated from; tau is this over n.
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
class Item:
    """One image of a project, named by the hash of its bytes.

    `truth` is a known class id, kept hidden from annotators: test items are judged by it, back-tests answer with it.
    """

    id: ItemId
    project_id: ProjectId
    content_hash: str
    uri: str
    split: Split
    width: int
    height: int
    truth: ClassId | None = None


@dataclass(frozen=True)
class Rejection:
    """A file that was not imported, and why."""

    uri: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class EmbedFailure:
    """An item that could not be embedded so far: why, how often it was tried, and when it is tried next."""

    item_id: ItemId
    uri: str
    reason: str
    attempts: int
    at: datetime
    next_at: datetime


@dataclass(frozen=True)
class Trouble:
    """Why a project's runs fail: what the last one said, how many failed in a row, and since when."""

    message: str
    times: int
    since: datetime
    at: datetime


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


@dataclass(frozen=True)
class Candidate:
    """An item of a round's queue and the reasons why it is there.

    `probabilities` maps class ids to the posterior predictive at the time of acquisition; `epistemic` and `aleatoric`
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
class Annotator:
    """Who labels."""

    id: AnnotatorId
    name: str


@dataclass(frozen=True)
class Label:
    """One answer of one annotator about one item.

    `token` is made by the browser that showed the item: the same answer sent twice is stored once. `shown` records
    what was on screen. An undone label stays, with `withdrawn_at` set, and with who withdrew it and why. `comment` is
    the annotator's; `proposed_class` is what a NONE would have been called; both may be empty.
    """

    id: LabelId
    project_id: ProjectId
    item_id: ItemId
    candidate_id: CandidateId | None
    round_id: RoundId | None
    annotator_id: AnnotatorId
    verdict: Verdict
    class_id: ClassId | None
    at: datetime
    seconds: float
    token: str
    shown: Mapping[str, Any] = field(default_factory=dict)
    withdrawn_at: datetime | None = None
    comment: str = ""
    proposed_class: str = ""
    withdrawn_by: AnnotatorId | None = None
    withdrawn_why: str | None = None


@dataclass(frozen=True)
class LabelChange:
    """One row of the history: what a database trigger saw happen to a label.

    `before` and `after` are the label's columns by name, times as the database writes them; None before an insert and
    after a delete.
    """

    id: ChangeId
    label_id: LabelId
    project_id: ProjectId
    item_id: ItemId
    operation: str
    at: datetime
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True)
class GoldCheck:
    """A test image whose class is known, shown to an annotator like any other. Its answer is no label.

    It is due after `due` further answers of the annotator. `right` is None while it is open, and for an answer that
    abstains.
    """

    id: CheckId
    project_id: ProjectId
    item_id: ItemId
    annotator_id: AnnotatorId
    due: int
    dealt_at: datetime
    token: str | None = None
    class_id: ClassId | None = None
    right: bool | None = None
    seconds: float | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True)
class GridPage:
    """Images of one predicted class that an annotator answered at once; undone, it stays with `withdrawn_at` set.

    `token` names the page from the moment it is shown: the same answer sent twice is stored once. The labels of the
    accepted images share its `seconds`.
    """

    id: PageId
    round_id: RoundId
    annotator_id: AnnotatorId
    class_id: ClassId
    token: str
    seconds: float
    at: datetime
    withdrawn_at: datetime | None = None


@dataclass(frozen=True)
class Adjudication:
    """What a reviewer settled about an item: it goes before all votes.

    `class_id` is None where the item shall have no label, since nobody can tell. `votes` are the ids of the labels that
    the reviewer saw. A later decision withdraws this one, which stays, with `withdrawn_at` set.
    """

    id: AdjudicationId
    project_id: ProjectId
    item_id: ItemId
    annotator_id: AnnotatorId
    class_id: ClassId | None
    note: str
    votes: tuple[LabelId, ...]
    at: datetime
    withdrawn_at: datetime | None = None


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
class Trial:
    """One strategy on one seed of a back-test.

    Attributes:
        strategy: name in `alflow.acquisition.strategies.STRATEGIES`, or a weighted combination of names.
        seed: of the split and of every draw; trials of one seed share the split, so that they can be paired.
        batch: labels a round.
        pool: items of the pool at most.
        domain: target and test items are of this domain only; None for all.
        mode: when the labels of a batch are known.
        control_fraction: share of a batch that is drawn at random.
    """

    strategy: str = field(metadata=at_most(LONGEST_STRATEGY))
    seed: int = field(metadata=within(0, LARGEST_SEED))
    batch: int = field(default=20, metadata=within(1, 10_000))
    pool: int = field(default=3_000, metadata=within(1, 1_000_000))
    domain: int | None = field(default=None, metadata=within(0, 1_000_000))
    mode: TrialMode = TrialMode.BATCH
    control_fraction: float = field(default=0.0, metadata=within(0, 1))


@dataclass(frozen=True)
class TrialPoint:
    """The model of a trial after so many labels, on its test items.

    Attributes:
        labels: how many there are.
        accuracy, nlpd, ece: of the posterior predictive.
        seconds: what choosing the last batch took.
        information: sum of the strategy's scores over the last batch, each as it was when picked.
        picked: the last batch, as rows of what was tried.
        total, aleatoric, epistemic: means over the test items of the entropy of the prediction and its two parts, in
            nats; None in points of an earlier alflow, the parts also where there is no posterior.
    """

    labels: int
    accuracy: float
    nlpd: float
    ece: float
    seconds: float
    information: float
    picked: tuple[int, ...]
    total: float | None = None
    aleatoric: float | None = None
    epistemic: float | None = None


@dataclass(frozen=True)
class Backtest:
    """Labelled images on which trials were made.

    Attributes:
        id: of the row.
        project_id: whose images; None for a feature pack.
        name: of the project or of the pack's file.
        world: hash of images, labels, model and version of alflow: what was tried on other ones is another back-test.
        n_items: images.
        n_chosen: how many of their labels exist because a strategy asked for them.
        created_at: when the first trial began.
    """

    id: BacktestId
    project_id: ProjectId | None
    name: str
    world: str
    n_items: int
    n_chosen: int
    created_at: datetime
