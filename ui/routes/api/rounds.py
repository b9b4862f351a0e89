"""Rounds: what was asked, why, and what was answered."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter

from alflow.domain.answers import Label
from alflow.domain.reasons import Reasons
from alflow.ids import AnnotatorId, ClassId
from alflow.ui.routes.api import asked, responses
from alflow.ui.routes.api.projects import names
from alflow.workflow.projects.projects import project_classes

if TYPE_CHECKING:
    from alflow.workflow.rounds.review import CandidateReview

router = APIRouter(prefix="/v1/projects/{project:int}/rounds", tags=["rounds"], dependencies=asked.READS)

_GONE: Final = "?"
"""What is called so is not there any more."""

_COUNTS: Final = ("answered", "total", "skipped", "corrected", "extra")


@router.get("")
def rounds(place: asked.Place, project: asked.Project) -> list[responses.RoundSeen]:
    """The rounds of the project, oldest first."""
    from alflow.workflow.rounds.review import round_summaries  # with PyTorch: when somebody asks

    return [
        responses.RoundSeen.model_validate({**vars(one.round), **{name: getattr(one, name) for name in _COUNTS}})
        for one in round_summaries(place, project)
    ]


@router.get("/{number:int}/candidates")
def candidates(
    place: asked.Place,
    project: asked.Project,
    number: asked.Number,
    after: asked.After = None,
    limit: asked.Limit = 100,
) -> responses.Candidates:
    """What a round asks about, in the order of its queue: scores, reasons, votes; `after` is a rank."""
    from alflow.workflow.answers.quality import annotator_names
    from alflow.workflow.rounds.review import progress_of
    from alflow.workflow.rounds.why import why

    round_, page = why(place, project, number, after, limit)
    called, people = names(project_classes(place, project)), annotator_names(place)
    answered, total = progress_of(place, round_.id)
    return responses.Candidates(
        round=responses.Progress(number=number, state=round_.state, answered=answered, total=total),
        candidates=[_seen(one.review, one.reasons, called, people) for one in page],
        next=asked.following(page, limit, lambda one: one.review.candidate.rank),
    )


def _seen(
    review: "CandidateReview",
    reasons: Reasons | None,
    called: Mapping[ClassId, str],
    people: Mapping[AnnotatorId, str],
) -> responses.CandidateSeen:
    candidate = review.candidate
    return responses.CandidateSeen(
        candidate_id=candidate.id,
        item_id=candidate.item_id,
        rank=candidate.rank,
        origin=candidate.origin,
        score=candidate.score,
        predicted=called.get(candidate.predicted_class_id, _GONE),
        probabilities={called.get(id_, _GONE): p for id_, p in candidate.probabilities.items()},
        epistemic=candidate.epistemic,
        aleatoric=candidate.aleatoric,
        votes_needed=candidate.votes_needed,
        answers=candidate.answers,
        is_answered=candidate.answers >= candidate.votes_needed,
        settled=called.get(review.settled_class_id) if review.settled_class_id is not None else None,
        votes=[_vote(each, called, people) for each in review.labels],
        reason=None if reasons is None else _reason(reasons, called),
    )


def _vote(label: Label, called: Mapping[ClassId, str], people: Mapping[AnnotatorId, str]) -> responses.Vote:
    name = None if label.class_id is None else called.get(label.class_id)
    return responses.Vote(
        annotator=people.get(label.annotator_id, _GONE), verdict=label.verdict, class_name=name, at=label.at
    )


def _reason(one: Reasons, called: Mapping[ClassId, str]) -> responses.Reason:
    return responses.Reason(
        aim=one.aim,
        expected=one.expected,
        gains={called.get(id_, _GONE): gain for id_, gain in one.gains.items()},
        lead=one.lead,
        lead_deviation=one.lead_deviation,
        informs=[(near.item_id, near.value) for near in one.informs],
        copies=[(near.item_id, near.value) for near in one.copies],
        realised=one.realised,
    )
