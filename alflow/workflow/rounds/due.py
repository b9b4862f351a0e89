"""Which projects have something to do now: asked every few seconds, so it loads no model and reads no rows.

It agrees with `advance`: for a project that is not due, a run would do nothing, or fail for what only a person can
mend. What was found of a project that is not due stands until something about it is stored, for a minute at most.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from alflow.domain.projects import Project, Trouble
from alflow.domain.rounds import Round, RoundState
from alflow.errors import AlflowError
from alflow.ids import ProjectId
from alflow.store.database import Transaction
from alflow.store.projects import changes, projects, troubles
from alflow.store.rounds import rounds
from alflow.workflow.images.embed import due_ids, known_ids
from alflow.workflow.rounds.hindrances import nothing_to_ask, reason_to_stop, unready
from alflow.workspace import Workspace

FIRST_AGAIN: Final = timedelta(seconds=30)
"""Pause after the first failed run of a project; it doubles with each further one."""

LAST_AGAIN: Final = timedelta(minutes=10)
"""The longest pause between failed runs."""

_STANDS: Final = timedelta(minutes=1)  # a shard that was deleted by hand is noticed after this time


@dataclass(frozen=True)
class Due:
    """A project that has something to do, and what: the same words as long as it is not done."""

    project: Project
    step: str


@dataclass(frozen=True)
class _Seen:
    """What of a project decides whether it is due, as it was stored at one moment."""

    project: Project
    current: Round | None
    trouble: Trouble | None
    mark: tuple[int, ...]


@dataclass
class Lookout:
    """Asks what is due again and again, and remembers what cannot have changed."""

    workspace: Workspace
    seen: tuple[ProjectId, ...] = ()
    """The projects there were at the last look."""
    _idle: dict[ProjectId, tuple[_Seen, datetime]] = field(default_factory=dict)

    def due(self) -> list[Due]:
        """The projects that are due now.

        Raises:
            UnavailableError: the database does not answer.
        """
        now = datetime.now(UTC)
        with self.workspace.database.read() as tx:
            seen = [_see(tx, project, now) for project in projects.all_(tx)]
        found = [Due(one.project, step) for one in seen if (step := self._step(one, now)) is not None]
        self.seen = tuple(one.project.id for one in seen)
        self._idle = {key: self._idle[key] for key in self.seen if key in self._idle}
        return found

    def _step(self, seen: _Seen, now: datetime) -> str | None:
        if seen.trouble is not None and now < seen.trouble.at + pause(seen.trouble.times):
            return None
        before = self._idle.get(seen.project.id)
        if before is not None and before[0] == seen and now - before[1] < _STANDS:
            return None
        step = _next_step(self.workspace, seen)
        if step is None:
            self._idle[seen.project.id] = seen, now
        else:
            self._idle.pop(seen.project.id, None)
        return step


def due(workspace: Workspace) -> list[Due]:
    """The projects that are due now; who asks often keeps a `Lookout`."""
    return Lookout(workspace).due()


def pause(times: int) -> timedelta:
    """How long to wait after so many failures in a row."""
    return min(LAST_AGAIN, FIRST_AGAIN * 2 ** min(times - 1, 20)) if times > 0 else timedelta()


def _see(tx: Transaction, project: Project, now: datetime) -> _Seen:
    trouble, current = troubles.of_project(tx, project.id), rounds.current(tx, project.id)
    return _Seen(project, current, trouble, changes.mark(tx, project.id, now))


def _next_step(workspace: Workspace, seen: _Seen) -> str | None:
    """What a run would do now; None if nothing."""
    project, current = seen.project, seen.current
    try:
        if waiting := due_ids(workspace, project):
            return f"embed images from {waiting[0]} to {waiting[-1]}"
        if current is not None:
            answered = current.state is RoundState.LABELLED
            return f"close round {current.number}" if answered and unready(workspace, project) is None else None
        return f"open a round after {seen.mark[3]}" if _may_open(workspace, project) else None
    except AlflowError as error:
        return f"tell what is wrong: {error}"  # the run fails for it, so that people are told


def _may_open(workspace: Workspace, project: Project) -> bool:
    with workspace.database.read() as tx:
        if reason_to_stop(tx, project) is not None:
            return False
    if unready(workspace, project) is not None:
        return False
    return nothing_to_ask(workspace, project, known_ids(workspace, project)) is None
