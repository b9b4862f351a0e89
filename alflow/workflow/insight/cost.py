"""What labels cost: how many answers, and how many hours, by round and by person."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from alflow.ids import AnnotatorId, ProjectId
from alflow.store.answers import outcomes
from alflow.store.answers.spent import Spent, spent
from alflow.workspace import Workspace


@dataclass(frozen=True)
class Share:
    """What one person, or one round, took.

    Attributes:
        name: of the person, or the number of the round; empty for answers that no round asked for.
        answers: given, those that were taken back too.
        standing: of these, those that were not.
        seconds: an image was on screen, of all of them.
        annotator_id: the person.
    """

    name: str
    answers: int
    standing: int
    seconds: float
    annotator_id: AnnotatorId | None = None

    @property
    def hours(self) -> float:
        """The seconds as hours."""
        return self.seconds / 3600


@dataclass(frozen=True)
class Cost:
    """What the labels of a project took.

    Attributes:
        settled: images with a class by now.
        total: all answers.
        rounds: by round.
        people: by person, the busiest first.
    """

    settled: int
    total: Share
    rounds: tuple[Share, ...]
    people: tuple[Share, ...]


def cost(workspace: Workspace, project_id: ProjectId, until: int | None = None) -> Cost:
    """Answers and the time they took, of all rounds or of those until one.

    Checks, reviews and pages that nobody answered are not counted.

    Args:
        workspace: where.
        project_id: the project.
        until: number of the last round that counts; answers that no round asked for count always.
    """
    with workspace.database.read() as tx:
        rows, settled = spent(tx, project_id), outcomes.settled(tx, project_id)
    rows = [row for row in rows if until is None or row.round_number is None or row.round_number <= until]
    by_round, by_person = defaultdict[int, list[Spent]](list), defaultdict[AnnotatorId, list[Spent]](list)
    for row in rows:
        by_round[row.round_number or 0].append(row)
        by_person[row.annotator_id].append(row)
    people = [replace(_sum(mine[0].name, mine), annotator_id=who) for who, mine in by_person.items()]
    return Cost(
        len(settled),
        _sum("", rows),
        tuple(_sum(str(number or ""), by_round[number]) for number in sorted(by_round)),
        tuple(sorted(people, key=lambda one: (-one.answers, one.name))),
    )


def _sum(name: str, rows: Iterable[Spent]) -> Share:
    rows = list(rows)
    return Share(
        name, sum(row.answers for row in rows), sum(row.standing for row in rows), sum(row.seconds for row in rows)
    )
