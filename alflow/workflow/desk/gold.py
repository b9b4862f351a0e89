"""Gold: test images whose class is known, shown at the desk among the others, to see how often people are right.

An annotator meets each once; the guidelines show none of them. The answer is kept apart from labels, so that nothing
of it can count in a round. A check comes after a random number of answers, so that nobody can count on it; on average
so many that checks have the wanted share of the images.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random

from alflow.domain import GoldCheck, Item, Project, RoundState, Suggestion
from alflow.errors import InvalidInputError, NotFoundError
from alflow.ids import AnnotatorId, CheckId, ClassId, ProjectId
from alflow.store.database import Transaction
from alflow.store.desk import gold
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.workflow.desk.label import Submission, kept_seconds
from alflow.workspace import Workspace


@dataclass(frozen=True)
class DueCheck:
    """A check, its image, and how many images of the queue come before it."""

    check: GoldCheck
    item: Item
    position: int


@dataclass(frozen=True)
class Outcome:
    """What is told of an answered check at once: nothing (both None), unless the project says so."""

    right: bool | None
    class_id: ClassId | None


def due(tx: Transaction, project: Project, annotator_id: AnnotatorId) -> DueCheck | None:
    """The next check of this annotator, decided on once and then the same until it is answered; None without any.

    The caller holds the annotator's lock.
    """
    if not _are_shown(project):
        return None
    check = gold.open_(tx, project.id, annotator_id)
    if check is None:
        unused = gold.unused(tx, project.id, annotator_id)
        if not unused:
            return None
        longest = max(1, round(2 / project.settings.gold_rate) - 3)  # 1 / rate - 1 on average, and the check itself
        dice = Random(f"{project.settings.seed} {annotator_id} {len(unused)}")
        after = dice.randint(1, longest)
        check = gold.deal(tx, project.id, dice.choice(unused), annotator_id, after, datetime.now(UTC))
    given = gold.answers_since(tx, project.id, annotator_id, check.due)
    return DueCheck(check, gold.item_of(tx, check), check.due - given)


def answer(
    tx: Transaction, project: Project, annotator_id: AnnotatorId, check_id: CheckId, given: Submission
) -> Outcome:
    """Store the answer to a check, which has passed `checked`; the first one stands, whatever comes after it.

    That no class fits, or that the image is bad, is wrong: the image has a class. A skip and an unsure answer abstain.

    Raises:
        InvalidInputError: the class is of another project.
        NotFoundError: this annotator has no such check in the project.
    """
    annotators.lock(tx, annotator_id)
    check = gold.by_id(tx, check_id)
    if check is None or (check.annotator_id, check.project_id) != (annotator_id, project.id):
        raise NotFoundError("there is no such image for you to answer: reload the page")
    if given.class_id is not None and not projects.has_class(tx, project.id, given.class_id):
        raise InvalidInputError(f"class {given.class_id} is not of this project: reload the page")
    truth = gold.item_of(tx, check).truth
    if check.answered_at is None:
        check = gold.answer(
            tx,
            replace(
                check,
                token=given.token,
                class_id=given.class_id,
                right=None if given.verdict.abstains else given.class_id == truth,
                seconds=kept_seconds(given.seconds),
                answered_at=datetime.now(UTC),
            ),
        )
    told = project.settings.gold_feedback and check.right is not None
    return Outcome(check.right, truth) if told else Outcome(None, None)


def told(workspace: Workspace, project_id: ProjectId, annotator_id: AnnotatorId) -> list[tuple[GoldCheck, Item]]:
    """This annotator's answered checks that may be told by now, each with its image, newest first.

    All of them where the project tells at once. Else those that were answered before the round that is open: while
    people label it, nobody is to know which of its images are checks, nor to count them.

    Raises:
        NotFoundError: there is no such project.
    """
    with workspace.database.read() as tx:
        at_once = projects.by_id(tx, project_id).settings.gold_feedback
        current = rounds.current(tx, project_id)
        is_open = current is not None and current.state is RoundState.OPEN
        before = current.opened_at if current is not None and is_open and not at_once else None
        return gold.answered(tx, project_id, annotator_id, before)


def _are_shown(project: Project) -> bool:
    return bool(project.settings.gold_rate) and project.settings.suggestion is not Suggestion.BEFORE
