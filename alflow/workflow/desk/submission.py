"""An answer as the browser sends it, and the limits within which it is kept."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from alflow import text
from alflow.domain.answers import Verdict
from alflow.errors import InvalidInputError
from alflow.ids import CandidateId, ClassId

LARGEST_ID: Final = 2**31 - 1
"""Of any row: the largest number that an integer column of PostgreSQL holds."""

LONGEST_COMMENT: Final = 2_000

LONGEST_SECONDS: Final = 86_400.0

LONGEST_SHOWN: Final = 20_000
"""Characters of the record of what was on screen, as JSON."""


@dataclass(frozen=True)
class Submission:
    """An answer as the browser sends it.

    Attributes:
        token: made once for this answer by the browser that shows the item; every retry carries the same.
        candidate_id: the candidate on screen, named by the component that showed it.
        verdict: a class, or why there is none.
        class_id: the class; None unless the verdict is one.
        seconds: how long the item was on screen.
        shown: what was on screen, for the record.
        comment: what the annotator wants to say about the item.
        proposed_class: the class that the annotator misses, where the verdict is NONE.
    """

    token: str
    candidate_id: CandidateId
    verdict: Verdict
    class_id: ClassId | None
    seconds: float
    shown: Mapping[str, Any] = field(default_factory=dict)
    comment: str = ""
    proposed_class: str = ""


def checked(submission: Submission) -> Submission:
    """The answer with its texts cleaned, as it is kept. One that can never be stored is refused, once and for all.

    Raises:
        InvalidInputError: verdict, class and proposed class do not fit, or something in it cannot be kept.
    """
    if (submission.verdict is Verdict.CLASS) != (submission.class_id is not None):
        raise InvalidInputError("an answer names a class, every other verdict names none")
    if submission.proposed_class and submission.verdict is not Verdict.NONE:
        raise InvalidInputError("a class is proposed where none of the project's fits")
    if not 0 < len(submission.token) <= 100 or not submission.token.isprintable():
        raise InvalidInputError("an answer needs a token of 1 to 100 visible characters")
    if any(abs(each) > LARGEST_ID for each in (submission.candidate_id, submission.class_id or 0)):
        raise InvalidInputError("no image and no class has such a number: reload the page")
    text.check_json("what was on screen", submission.shown, LONGEST_SHOWN)
    proposed = " ".join(submission.proposed_class.split())
    return replace(
        submission,
        comment=text.clean_text("a comment", submission.comment, LONGEST_COMMENT),
        proposed_class=text.clean_text("the name of a proposed class", proposed, text.LONGEST_NAME),
    )


def kept_seconds(seconds: float) -> float:
    """The time on screen, limited to 0 s at least and one day at most.

    A browser's clock may jump, and a laptop may sleep overnight: neither is a reason to lose an answer.
    """
    return min(max(seconds, 0.0), LONGEST_SECONDS) if math.isfinite(seconds) else 0.0
