"""Three simulated people, who answer the second project as browsers would: by exchanges with the desk.

They are wrong now and then, and where they are, mostly as the model would be: one takes a plant for a vegetable rather
than for a clock. What they say of an image is the same in every run. Their names tell that they are simulated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from alflow.domain.answers import Verdict
from alflow.domain.images import Item
from alflow.domain.projects import Project
from alflow.ids import AnnotatorId, CandidateId, ClassId
from alflow.workflow.answers.adjudicate import dispute, disputed, settle
from alflow.workflow.desk.exchange import exchange
from alflow.workflow.desk.messages import Answer, CheckAnswer, CheckEntry, Event, Wish
from alflow.workflow.desk.submission import Submission
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import project_classes
from alflow.workspace import Workspace


@dataclass(frozen=True)
class Person:
    """A simulated person.

    Attributes:
        name: says that they are simulated.
        wrong: share of the images that they take for something else.
        unsure: share of the images about which they say so.
        seconds: that an answer takes, as a rule.
    """

    name: str
    wrong: float
    unsure: float
    seconds: float


PEOPLE: Final = (
    Person("Barbara (simulated)", 0.03, 0.02, 2.6),
    Person("Edsger (simulated)", 0.14, 0.0, 1.2),
    Person("Grace (simulated)", 0.06, 0.04, 1.9),
)
REVIEWER: Final = PEOPLE[0]
"""Settles disputes, always rightly."""

_LIKELY: Final = 0.02  # a class that the model rules out is still said now and then
_AT_ONCE: Final = 2  # so that each pair of people shares a third of the images


def answer_queue(workspace: Workspace, project: Project, people: Sequence[Person] = PEOPLE) -> None:
    """All of them answer in turn until the round has nothing left for any of them, and leave the desk."""
    present = {person: sign_in(workspace, person.name).id for person in people}
    while any([_turn(workspace, project, person, who) for person, who in present.items()]):  # noqa: C419 - all of them
        pass
    for who in present.values():
        exchange(workspace, project.id, who, [], Wish(ahead=0, leave=True))


def settle_disputes(workspace: Workspace, project: Project) -> None:
    """The reviewer looks at every image whose votes differ, and decides."""
    who = sign_in(workspace, REVIEWER.name).id
    for item_id in disputed(workspace, project.id):
        one = dispute(workspace, project.id, item_id)
        settle(workspace, project.id, who, one, one.item.truth, "looked at it twice")


def _turn(workspace: Workspace, project: Project, person: Person, who: AnnotatorId) -> bool:
    """Answer what is reserved for this person now; whether there was anything of the round."""
    queue = exchange(workspace, project.id, who, [], Wish(ahead=_AT_ONCE)).queue
    classes = [one.id for one in project_classes(workspace, project.id)]
    events: list[Event] = []
    for entry in queue:
        if isinstance(entry, CheckEntry):
            given = _answer(person, entry.item, dict.fromkeys(classes, 1.0), CandidateId(0))
            events.append(CheckAnswer(None, entry.check_id, given))
        elif entry.candidate.origin.queued:
            likely = {one: entry.candidate.probabilities.get(one, 0.0) + _LIKELY for one in classes}
            events.append(Answer(None, _answer(person, entry.item, likely, entry.candidate.id)))
    exchange(workspace, project.id, who, events, Wish(ahead=0))
    return any(isinstance(event, Answer) for event in events)


def _answer(person: Person, item: Item, likely: dict[ClassId, float], candidate_id: CandidateId) -> Submission:
    """The true class, now and then another one, drawn by how likely the model holds it, or that one cannot tell."""
    dice = Random(f"{person.name} {item.content_hash}")
    drawn, said = dice.random(), item.truth
    if said is None or drawn < person.wrong:
        others = {one: weight for one, weight in likely.items() if one != item.truth}
        (said,) = dice.choices(list(others), list(others.values()))
    unsure = drawn > 1 - person.unsure
    return Submission(
        token=f"{person.name} {item.id} {candidate_id}",
        candidate_id=candidate_id,
        verdict=Verdict.UNSURE if unsure else Verdict.CLASS,
        class_id=None if unsure else said,
        seconds=round(person.seconds * dice.uniform(0.6, 1.7), 2),
        shown={"by": person.name},
    )
