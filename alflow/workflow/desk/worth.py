"""What an answer was worth, in plain words: what the model had expected, and why the item was asked about."""

from dataclasses import dataclass
from typing import Final

from alflow.domain.answers import Label
from alflow.domain.projects import Project, Suggestion
from alflow.domain.rounds import Candidate, Origin
from alflow.ids import ClassId
from alflow.store.database import Transaction
from alflow.store.projects import projects
from alflow.store.rounds import candidates

EXPECTED = 0.75
"""From this probability on, the model had nearly known the answer."""
SURPRISE = 0.25
"""Up to this probability, the answer came as a surprise."""

_WHY: Final = {
    Origin.CONTROL: "The image was drawn at random, to measure how good the model is.",
    Origin.PERSON: "Somebody chose the image by hand.",
    Origin.RESERVE: "The image came extra, while the next round is prepared: it was next in the order of the strategy.",
    Origin.GRID: "The image was on a page of the grid through the pool, by what the model predicted.",
}


@dataclass(frozen=True)
class Worth:
    """What annotators may see once they have answered.

    Attributes:
        class_id: the most probable class by the model when the round was opened.
        probability: of that class.
        agrees: whether the answer names it; None where the answer names no class.
        words: what the answer means for the model and why the item was asked about, in a sentence or two.
    """

    class_id: ClassId
    probability: float
    agrees: bool | None
    words: str


def of(tx: Transaction, project: Project, label: Label, candidate: Candidate | None = None) -> Worth | None:
    """What the answer was worth; None where its project does not show that, and for labels that nobody was asked for.

    Args:
        tx: the transaction.
        project: where the answer came in. For a retry this may be another project than the label's, which decides.
        label: the answer.
        candidate: what it is about, if it is at hand.
    """
    if project.id != label.project_id:
        project = projects.by_id(tx, label.project_id)
    if project.settings.suggestion is Suggestion.NEVER or label.candidate_id is None:
        return None
    candidate = candidate or candidates.by_id(tx, label.candidate_id)
    words = f"{_comparison(candidate, label.class_id)} {_reason(tx, candidate)}".strip()
    agrees = None if label.class_id is None else label.class_id == candidate.predicted_class_id
    probability = candidate.probabilities.get(candidate.predicted_class_id, 0.0)
    return Worth(candidate.predicted_class_id, probability, agrees, words)


def _comparison(candidate: Candidate, class_id: ClassId | None) -> str:
    if class_id is None:
        return ""
    believed = candidate.probabilities.get(class_id)
    if believed is None:
        return "This class was new to the model."
    if believed >= EXPECTED:
        return f"It was nearly sure of that ({believed:.0%}): your answer confirms it."
    if believed <= SURPRISE and class_id == candidate.predicted_class_id:
        return "It held many classes for possible: your answer settles it."
    if believed <= SURPRISE:
        return f"It gave your answer {believed:.0%}: a surprise, from which it learns much."
    return f"It gave your answer {believed:.0%} and was in doubt: your answer settles it."


def _reason(tx: Transaction, candidate: Candidate) -> str:
    if candidate.origin is not Origin.STRATEGY:
        return _WHY[candidate.origin]
    if candidate.score is None:
        return ""
    place, total = candidates.place(tx, candidate)
    return f"Among the {total} images that the strategy chose for this round, it is number {place}."
