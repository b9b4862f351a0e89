"""Answers: what annotators say of images, and what becomes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from alflow.ids import (
    AdjudicationId,
    AnnotatorId,
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
    the annotator's; `proposed_class` is what a NONE would have been called; both may be empty. `follows` is the answer
    that this one repeats for a near copy: it is withdrawn with that, and it is no evidence of its own.
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
    follows: LabelId | None = None


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
