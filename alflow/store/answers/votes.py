"""Answers as votes: the few columns that quality is measured by, without what was on screen."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select

from alflow.domain.answers import Verdict
from alflow.ids import AnnotatorId, ClassId, ItemId, LabelId, ProjectId, RoundId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import is_answer


class Answer(NamedTuple):
    """An answer that stands; `class_id` is None where it names no class. `seconds` on screen.

    `round_id` is None of an answer that came from elsewhere. `follows`: see `alflow.domain.answers.Label`.
    """

    label_id: LabelId
    item_id: ItemId
    annotator_id: AnnotatorId
    verdict: Verdict
    class_id: ClassId | None
    seconds: float
    round_id: RoundId | None
    at: datetime
    follows: LabelId | None = None

    @property
    def vote(self) -> ClassId | Verdict | None:
        """Its vote: a class, "none of the classes" or "bad image"; None if it abstains."""
        if self.class_id is not None:
            return self.class_id
        return None if self.verdict.abstains else self.verdict


def version(tx: Transaction, project_id: ProjectId) -> tuple[int, ...]:
    """Counters that change with every answer, decision or check, given or withdrawn; none ever decreases."""
    label, decision, check = tables.label, tables.adjudication, tables.gold_check
    counted = [(label, label.c.withdrawn_at), (decision, decision.c.withdrawn_at), (check, check.c.answered_at)]
    rows = (select(func.count(), func.count(ended)).where(table.c.project_id == project_id) for table, ended in counted)
    return tuple(number for each in rows for number in tx.execute(each).one())


def standing(tx: Transaction, project_id: ProjectId) -> list[Answer]:
    """The project's answers that stand, oldest first; what was sent to the reviewers is none."""
    label = tables.label
    who = (label.c.id, label.c.item_id, label.c.annotator_id)
    columns = (*who, label.c.verdict, label.c.class_id, label.c.seconds, label.c.round_id, label.c.at, label.c.follows)
    mine = (label.c.project_id == project_id, label.c.withdrawn_at.is_(None))
    rows = select(*columns).where(*mine, is_answer(label))
    return [Answer(*row) for row in tx.execute(rows.order_by(label.c.id))]
