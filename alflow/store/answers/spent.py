"""What answers took: how many, and for how long images were on screen."""

from dataclasses import dataclass

from sqlalchemy import func, select

from alflow.ids import AnnotatorId, ProjectId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import is_answer


@dataclass(frozen=True)
class Spent:
    """One person's answers in one round, those that were taken back too; without a round they came from elsewhere.

    Attributes:
        annotator_id: who.
        name: theirs.
        round_number: None of answers that no round asked for.
        answers: how many.
        standing: of these, those that were not taken back.
        seconds: on screen, of all.
    """

    annotator_id: AnnotatorId
    name: str
    round_number: int | None
    answers: int
    standing: int
    seconds: float


def spent(tx: Transaction, project_id: ProjectId) -> list[Spent]:
    """By person and round."""
    label, person, round_ = tables.label, tables.annotator, tables.round_
    standing = func.count().filter(label.c.withdrawn_at.is_(None))
    rows = (
        select(person.c.id, person.c.name, round_.c.number, func.count(), standing, func.sum(label.c.seconds))
        .select_from(label)
        .join(person, person.c.id == label.c.annotator_id)
        .outerjoin(round_, round_.c.id == label.c.round_id)
        .where(label.c.project_id == project_id, is_answer(label))
        .group_by(person.c.id, person.c.name, round_.c.number)
        .order_by(person.c.name, round_.c.number)
    )
    return [Spent(*row) for row in tx.execute(rows).tuples()]
