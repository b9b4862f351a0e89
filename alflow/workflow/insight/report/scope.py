"""What a report is about: a project until now, or until the end of one of its rounds."""

from dataclasses import dataclass
from datetime import datetime

from alflow.domain.projects import ClassLabel, Project
from alflow.domain.rounds import Round, RoundState
from alflow.errors import NotFoundError
from alflow.ids import ClassId, ProjectId, RoundId
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.workspace import Workspace


@dataclass(frozen=True)
class Scope:
    """A project, and how much of its past counts.

    Attributes:
        project: with its settings of today.
        classes: in their order.
        rounds: that count, by number.
        number: of the round that was asked for, the last that counts; None for the whole project.
    """

    project: Project
    classes: tuple[ClassLabel, ...]
    rounds: tuple[Round, ...]
    number: int | None

    @property
    def until(self) -> datetime | None:
        """When the last round that counts was closed; None where everything until now counts."""
        return None if self.number is None else self.rounds[-1].closed_at

    @property
    def closed(self) -> int:
        """Number of the last closed round; 0 before there is one."""
        return max((one.number for one in self.rounds if one.state is RoundState.CLOSED), default=0)

    @property
    def names(self) -> dict[ClassId, str]:
        """Class id -> its shown name."""
        return {one.id: one.display_name for one in self.classes}

    def counts(self, round_id: RoundId | None, at: datetime) -> bool:
        """Whether an answer of that round (None: from elsewhere) and time is in the report."""
        if self.number is None:
            return True
        if round_id is None:
            return self.until is None or at <= self.until
        return round_id in {one.id for one in self.rounds}


def look(workspace: Workspace, project_id: ProjectId, number: int | None) -> Scope:
    """The project, until the round of that number if one is given.

    Raises:
        NotFoundError: there is no such project, or it has no such round; the message says which there are.
    """
    with workspace.database.read() as tx:
        project, classes = projects.by_id(tx, project_id), projects.classes(tx, project_id)
        past = rounds.all_(tx, project_id)
    if number is not None and number not in {one.number for one in past}:
        there = f"choose one of 1 to {len(past)}" if past else "its first one is not open yet (`alflow status`)"
        raise NotFoundError(f"project '{project.name}' has no round {number}: {there}")
    counted = tuple(one for one in past if number is None or one.number <= number)
    return Scope(project, tuple(classes), counted, number)
