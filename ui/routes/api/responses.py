"""What programs get, as `/api/openapi.json` describes it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from alflow.accounts import Role, Scope
from alflow.domain.answers import Verdict
from alflow.domain.images import Split
from alflow.domain.projects import ProjectState, Suggestion
from alflow.domain.rounds import Origin, RoundState
from alflow.ids import CandidateId, ClassId, ItemId, LabelId
from alflow.ui.door.refusals import REMEDIES

Probabilities = Annotated[Mapping[str, float], Field(description="name of a class -> its probability")]


class Given(BaseModel):
    """What a program gets."""

    model_config = ConfigDict(from_attributes=True)


class Refusal(Given):
    """What is wrong, and what to do about it."""

    error: str
    remedy: str = Field(examples=[REMEDIES[422]])


class ProjectSeen(Given):
    """A project that the token is for, with what it lets the program do."""

    id: int
    name: str
    role: Role
    scope: Scope | None = Field(description="of the token; null for a person who looks in a browser")


class ClassSeen(Given):
    """A class that one can answer with."""

    id: int
    name: str
    display_name: str
    hot_key: str | None
    position: int
    group: str = Field(description="what heads it in lists of classes; empty for none")


class Progress(Given):
    """How far a round is: `answered` of `total` candidates have all the answers they need."""

    number: int
    state: RoundState
    answered: int
    total: int


class ProjectWhole(Given):
    """What somebody who labels may know of a project."""

    id: int
    name: str
    state: ProjectState = Field(description="only of an active project people are asked")
    guidelines: str = Field(description="Markdown")
    classes: list[ClassSeen]
    votes: int = Field(description="answers that an image needs, each by another person")
    suggestion: Suggestion = Field(description="when people see the model's guess")
    lease_minutes: float
    round: Progress | None = Field(description="the newest; null before the first")
    awaited: str | None = Field(description="whom or what the project waits for; null while a round is open")


class Curve(Given):
    """Metrics of the model after a round on one split; each with its interval."""

    round_number: int
    split: str
    n_labels: int
    n_items: int
    metrics: Mapping[str, tuple[float, float, float]]


class Standing(Given):
    """How far a project is, and when it stops."""

    images: Mapping[Split, int]
    settled: int
    labels_per_class: Mapping[str, int]
    rejected_files: int
    not_embedded: int
    waiting_for: str
    trouble: str | None
    stops: str = Field(description="when the project stops, in words")
    max_labels: int | None
    plateau_rounds: int | None
    plateau_gain: float
    min_information: float | None
    label_price: float | None
    curve: list[Curve]


class RoundSeen(Given):
    """A round, and how far it is."""

    number: int
    state: RoundState
    strategy: str
    budget: int
    answered: int
    total: int
    skipped: int
    corrected: int
    extra: int
    opened_at: datetime
    labelled_at: datetime | None
    closed_at: datetime | None


class Vote(Given):
    """An answer that stands."""

    annotator: str
    verdict: Verdict
    class_name: str | None
    at: datetime


class Reason(Given):
    """Why an image is asked about (nats), and what its label was worth once the round is closed."""

    aim: str
    expected: float
    gains: Mapping[str, float] = Field(description="name of a class -> what that answer would be worth")
    lead: float
    lead_deviation: float
    informs: list[tuple[ItemId, float]] = Field(description="images that it tells most about, and how much")
    copies: list[tuple[ItemId, float]]
    realised: float | None


class CandidateSeen(Given):
    """An image that a round asks about."""

    candidate_id: CandidateId
    item_id: ItemId
    rank: int
    origin: Origin
    score: float | None
    predicted: str
    probabilities: Probabilities
    epistemic: float
    aleatoric: float
    votes_needed: int
    answers: int
    is_answered: bool
    settled: str | None = Field(description="name of the class that the answers settled on")
    votes: list[Vote]
    reason: Reason | None


class Candidates(Given):
    """A page of a round's queue."""

    round: Progress
    candidates: list[CandidateSeen]
    next: int | None


class Guess(Given):
    """The model's guess, where the project shows it before the answer."""

    class_id: ClassId
    class_name: str
    probability: float | None


class Leased(Given):
    """An image that is reserved for this person."""

    candidate_id: CandidateId
    item_id: ItemId
    rank: int
    width: int
    height: int
    is_extra: bool = Field(description="no round waits for it: it came while the next round is prepared")
    image: str = Field(description="where its rendition is")
    suggestion: Guess | None


class Queue(Given):
    """What is reserved, in the order to answer it."""

    images: list[Leased]
    leased_until: datetime | None = Field(description="until then all of them are this person's; null where none is")
    round: Progress | None
    awaited: str | None
    set_aside: Mapping[Verdict, int]


class Feedback(Given):
    """What the answer told the model; of a check, whether it was right, where the project says so at once."""

    words: str | None
    right: bool | None


class Stored(Given):
    """The answer is stored, or taken back."""

    key: str
    round: Progress | None
    feedback: Feedback | None


class LabelSeen(Given):
    """One answer with what led to it."""

    label_id: LabelId
    item_id: ItemId
    uri: str
    content_hash: str
    annotator: str
    verdict: Verdict
    class_name: str | None
    at: datetime
    seconds: float
    round_number: int | None
    strategy: str | None
    origin: Origin | None
    rank: int | None
    score: float | None
    withdrawn_at: datetime | None
    comment: str
    proposed_class: str
    likewise: bool = Field(description="it repeats the answer about a near copy, and is no evidence of its own")


class Labels(Given):
    """A page of answers, oldest first."""

    labels: list[LabelSeen]
    next: int | None


class ChangeSeen(Given):
    """What happened to an answer."""

    at: datetime
    item_id: ItemId
    label_id: LabelId
    happening: str
    annotator: str
    by: str | None
    answer: str
    why: str | None


class ImageSeen(Given):
    """An image of the project; `truth` of imports stays hidden."""

    item_id: ItemId
    content_hash: str
    uri: str
    split: Split
    width: int
    height: int
    group: str | None = Field(description="what several images show; null for none")


class Images(Given):
    """A page of images, by number."""

    images: list[ImageSeen]
    next: int | None


class ImageWhole(ImageSeen):
    """An image with everything that ever happened to its labels."""

    settled: str | None
    changes: list[ChangeSeen]


class PredictionSeen(Given):
    """What the model says of an image; uncertainties in nats."""

    item_id: ItemId
    predicted: str
    probabilities: Probabilities
    total: float = Field(description="entropy of the prediction")
    aleatoric: float = Field(description="what of it would remain if the logits were known")
    epistemic: float = Field(description="what of it more labels could remove")
    novelty: float = Field(description="how unlike the pretraining data; 1 is average")


class Predictions(Given):
    """A page of predictions, by number of the image."""

    fit: str | None = Field(description="hash of the fit; null for the zero-shot model")
    predictions: list[PredictionSeen]
    next: int | None


class Rejected(Given):
    """A file that could not be used, and why."""

    uri: str
    reason: str


class Imported(Given):
    """What became of the files."""

    added: int
    known: int
    rejected: list[Rejected]
    remarks: list[str] = Field(description="what else a person should know, one sentence each")
