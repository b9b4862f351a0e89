"""Gold: test images whose class is known, shown at the desk among the others, to see how often people are right.

An annotator sees each of them once, and the guidelines show none of them. The answers are kept apart from the labels,
so that they cannot count in a round. A check comes after a random number of answers, so that nobody can predict it. The
average of that number gives checks the share of the images that the project wants.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random

from alflow.domain.answers import GoldCheck
from alflow.domain.images import Item
from alflow.domain.projects import Project, Suggestion
from alflow.domain.rounds import RoundState
from alflow.errors import InvalidInputError, NotFoundError
from alflow.ids import AnnotatorId, CheckId, ClassId, ProjectId
from alflow.store.database import Transaction
from alflow.store.desk import gold
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.workflow.desk.submission import Submission, kept_seconds
from alflow.workspace import Workspace


@dataclass(frozen=True)
class DueCheck:
    """A check, its image, and how many images of the queue come before it."""

    check: GoldCheck
    item: Item
    position: int


@dataclass(frozen=True)
class Outcome:
    """What the annotator sees at once of an answered check: nothing (both None), unless the project wants it."""

    right: bool | None
    class_id: ClassId | None


def due(tx: Transaction, project: Project, annotator_id: AnnotatorId) -> DueCheck | None:
    """The next check of this annotator, None where there is none. It stays the same until it is answered.

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
        check = gold.deal(tx, project.id, annotator_id, dice.choice(unused), after, datetime.now(UTC))
    given = gold.answers_since(tx, project.id, annotator_id, check.due)
    return DueCheck(check, gold.item_of(tx, check), check.due - given)


def answer(
    tx: Transaction, project: Project, annotator_id: AnnotatorId, check_id: CheckId, given: Submission
) -> Outcome:
    """Store the answer to a check, which was `checked`; the first answer stands, later ones change nothing.

    "None of the classes" and "bad image" are wrong answers, because the image has a class. "Skip" and "unsure" abstain.

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
    at_once = project.settings.gold_feedback and check.right is not None
    return Outcome(check.right, truth) if at_once else Outcome(None, None)


def disclosed(workspace: Workspace, project_id: ProjectId, annotator_id: AnnotatorId) -> list[tuple[GoldCheck, Item]]:
    """This annotator's answered checks that may be shown by now, each with its image, newest first.

    Where the project gives feedback at once, these are all. Otherwise, while a round is open, they are those answered
    before it was opened: nobody who labels a round shall know which of its images are checks, or how many.

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
