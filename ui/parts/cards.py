"""Candidates as text: from values of the workflow to the cards that `alflow.ui.components.gallery` draws."""

from collections.abc import Callable, Mapping, Sequence

from alflow.domain.answers import Label, Verdict
from alflow.domain.projects import ClassLabel, Project
from alflow.domain.reasons import Reasons
from alflow.domain.rounds import Candidate, Origin
from alflow.ids import ClassId
from alflow.ui.components.gallery import Bar, Card
from alflow.ui.parts import session
from alflow.ui.parts.images import image_address
from alflow.ui.parts.why import nats, told
from alflow.workflow.rounds.review import CandidateReview
from alflow.workflow.rounds.why import Why

SHOWN_CLASSES = 3
WITHOUT_CLASS = {
    Verdict.SKIP: "skipped",
    Verdict.UNSURE: "unsure",
    Verdict.NONE: "none of the classes",
    Verdict.BAD: "bad image",
}


def card(project: Project, why: Why, classes: Sequence[ClassLabel], novelty: float | None = None) -> Card:
    """The card of a candidate: image, answers, the most probable classes, and the reasons."""
    names = {each.id: each.display_name for each in classes}
    review, candidate = why.review, why.review.candidate
    return Card(
        image=image_address(project.id, review.item.id, "thumbnail"),
        rank=candidate.rank + 1,
        origin=candidate.origin.value,
        believed=_believed(candidate.probabilities, names),
        facts=_facts(project, why, novelty),
        answers=[_answer(label, names) for label in review.labels],
        verdict=_verdict(review),
        told=told(project, why, names),
    )


def _believed(probabilities: Mapping[ClassId, float], names: Mapping[ClassId, str]) -> list[Bar]:
    top = sorted(probabilities.items(), key=lambda pair: -pair[1])[:SHOWN_CLASSES]
    return [Bar(name=names.get(class_id, "?"), value=value) for class_id, value in top]


def _facts(project: Project, why: Why, novelty: float | None) -> list[tuple[str, str]]:
    review, candidate = why.review, why.review.candidate
    facts = [
        _origin(candidate),
        *_gains(why.reasons),
        ("Total", f"{candidate.epistemic + candidate.aleatoric:.3f} nats"),
        ("Epistemic", f"{candidate.epistemic:.3f} nats"),
        ("Aleatoric", f"{candidate.aleatoric:.3f} nats"),
    ]
    facts += [] if novelty is None else [("Novelty", f"{novelty:.1f}")]
    seen = [label for label in review.labels[:1] if session.sees_speed(project, label.annotator_id)]
    return facts + [("Answered in", f"{label.seconds:.1f} s") for label in seen]


def _gains(reasons: Reasons | None) -> list[tuple[str, str]]:
    if reasons is None:
        return []
    expected = ("Expected gain", f"{nats(reasons.expected)} nats")
    return [expected] if reasons.realised is None else [expected, ("Realised", f"{nats(reasons.realised)} nats")]


def _origin(candidate: Candidate) -> tuple[str, str]:
    if candidate.origin is Origin.PERSON:
        return "Chosen", candidate.reason or ""
    return "Score", "drawn at random" if candidate.score is None else f"{candidate.score:.3g}"


def _answer(label: Label, names: Mapping[ClassId, str]) -> str:
    return WITHOUT_CLASS[label.verdict] if label.class_id is None else names.get(label.class_id, "?")


def _verdict(review: CandidateReview) -> str:
    if not review.labels:
        return "open"
    if all(label.class_id is None for label in review.labels):
        return "skipped"
    return "agrees" if _agrees(review) else "differs"


def _agrees(review: CandidateReview) -> bool:
    given = {label.class_id for label in review.labels if label.class_id is not None}
    return given == {review.candidate.predicted_class_id}


FILTERS: Mapping[str, Callable[[CandidateReview], bool]] = {
    "All": lambda _: True,
    "Strategy": lambda review: review.candidate.origin is Origin.STRATEGY,
    "Control": lambda review: review.candidate.origin is Origin.CONTROL,
    "By hand": lambda review: review.candidate.origin is Origin.PERSON,
    "Extra": lambda review: review.candidate.origin is Origin.RESERVE,
    "Grid": lambda review: review.candidate.origin is Origin.GRID,
    "Corrected": lambda review: _verdict(review) == "differs",
    "Skipped": lambda review: _verdict(review) == "skipped",
    "Open": lambda review: _verdict(review) == "open",
}
"""Filters of the page."""
