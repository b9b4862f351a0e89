"""Label near copies of an image as the image itself, after its answer: all were on screen, as thumbnails.

Such an answer follows the one about the image (`Label.follows`). It is an answer of that person with a class like any
other, and it is withdrawn with the one that it follows. It is no evidence: no fit learns from it, since it would count
the same image several times, and it is in no agreement and no random slice. None is offered for an image of the random
slice, for a check, or where images need several answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from alflow.domain.answers import Label, Verdict
from alflow.domain.projects import Project
from alflow.domain.rounds import Candidate, Origin
from alflow.errors import ConflictError, InvalidInputError, NotFoundError
from alflow.ids import AnnotatorId, ItemId
from alflow.store.database import Transaction
from alflow.store.desk import labels, likewise
from alflow.store.desk.labels import FURTHER, NewLabel
from alflow.store.images import items
from alflow.store.people import annotators
from alflow.workflow.desk.submission import LARGEST_ID, kept_seconds

MOST: Final = 12
"""Images of an offer: they fit beside each other."""


@dataclass(frozen=True)
class Offer:
    """Near copies that may be labelled as the answer, the most alike first."""

    item_ids: Sequence[ItemId]


@dataclass(frozen=True)
class Follow:
    """Label these images as the answer of the token `answer`.

    Attributes:
        token: made once by the browser for this; every retry carries the same.
        answer: token of the answer that they follow.
        item_ids: the near copies that were left ticked.
        seconds: how long they were on screen.
        screen: hash of what the page shows to all.
    """

    token: str
    answer: str
    item_ids: tuple[ItemId, ...]
    seconds: float
    screen: str | None = None


@dataclass(frozen=True)
class Followed:
    """How many of the images are labelled, and how many are not because others said something of them first."""

    labelled: int
    taken: int


def offer(tx: Transaction, project: Project, label: Label, candidate: Candidate | None) -> Offer | None:
    """What may follow this answer; `candidate` is None for a retry, which offers nothing."""
    if candidate is None or not _may_follow(project, label, candidate):
        return None
    copies = likewise.copies(tx, candidate.id)
    free = likewise.free(tx, project.id, copies)[:MOST] if copies else []
    return Offer(free) if free else None


def check(asked: Follow) -> None:
    """Refuse what can never be stored.

    Raises:
        InvalidInputError: no image, too many, or one twice; or the token cannot be kept.
    """
    if not 0 < len(asked.item_ids) <= MOST or len(set(asked.item_ids)) < len(asked.item_ids):
        raise InvalidInputError(f"1 to {MOST} near copies are labelled at once, each of them once: reload the page")
    if any(not 0 < each <= LARGEST_ID for each in asked.item_ids):
        raise InvalidInputError("no image has such a number: reload the page")
    if not 0 < len(asked.token) <= 60 or not asked.token.isprintable() or FURTHER in asked.token:
        raise InvalidInputError(f"this needs a token of 1 to 60 visible characters without '{FURTHER}'")
    if asked.screen is not None and len(asked.screen) > 100:
        raise InvalidInputError("what was on screen is named by a hash: reload the page")


def follow(tx: Transaction, project: Project, annotator_id: AnnotatorId, asked: Follow) -> Followed:
    """Label the images that are still free, all at once; the same token once more changes nothing.

    `asked` has passed `check`.

    Raises:
        ConflictError: they were taken back, or the project wants several answers for each image by now.
        InvalidInputError: an image is no near copy of that one.
        NotFoundError: this person has no such answer that stands, or nothing may follow it.
    """
    annotators.lock(tx, annotator_id)
    if (known := labels.by_token(tx, asked.token)) is not None:
        return _same(tx, annotator_id, known, asked)
    label = labels.by_token(tx, asked.answer)
    if label is None or (label.annotator_id, label.project_id) != (annotator_id, project.id) or label.withdrawn_at:
        raise NotFoundError("the answer that this repeats is not there any more: nothing was labelled")
    if label.candidate_id is None or not _may_follow(project, label, labels.lock_candidate(tx, label.candidate_id)):
        raise ConflictError("near copies of this image are not labelled likewise: answer each on the desk")
    if not set(asked.item_ids) <= set(likewise.copies(tx, label.candidate_id)):
        raise InvalidInputError("an image is no near copy of the one that was answered: reload the page")
    items.lock(tx, project.id)  # two people may be offered the same copies
    free = likewise.free(tx, project.id, asked.item_ids)
    now, seconds = datetime.now(UTC), kept_seconds(asked.seconds) / max(1, len(free))
    shown = {"image": "thumbnail", "likewise": len(free), "of": label.item_id}
    shown |= {"screen": asked.screen} if asked.screen else {}
    for number, item_id in enumerate(free):
        token = f"{asked.token}{FURTHER}{number}" if number else asked.token
        given = (project.id, item_id, None, None, annotator_id, Verdict.CLASS, label.class_id, now, seconds, token)
        labels.submit(tx, NewLabel(*given, shown, follows=label.id))
    return Followed(len(free), len(asked.item_ids) - len(free))


def _may_follow(project: Project, label: Label, candidate: Candidate) -> bool:
    settings = project.settings
    alone = settings.votes == 1 and candidate.votes_needed == 1 and candidate.answers <= 1
    return settings.likewise and alone and label.class_id is not None and candidate.origin is not Origin.CONTROL


def _same(tx: Transaction, annotator_id: AnnotatorId, known: Label, asked: Follow) -> Followed:
    """What is stored by this token.

    Raises:
        ConflictError: it belongs to something else, or was taken back.
    """
    if known.annotator_id != annotator_id or known.follows is None:
        raise ConflictError("this token belongs to another answer: every answer needs a token of its own")
    if known.withdrawn_at is not None:
        raise ConflictError("these labels were taken back")
    stored = likewise.followers(tx, [known.follows])[known.follows]
    return Followed(stored, len(asked.item_ids) - stored)
