"""Which projects have something to do now: asked every few seconds, so it loads no model and reads no rows.

It agrees with `advance`: for a project that is not due, a run would do nothing, or fail for what only a person can
mend. What was found of a project that is not due stands until something about it is stored, for a minute at most.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from alflow.domain.projects import Project, Trouble
from alflow.domain.rounds import Round, RoundState
from alflow.errors import AlflowError
from alflow.ids import ProjectId
from alflow.pauses import pause
from alflow.store.database import Transaction
from alflow.store.desk import grid
from alflow.store.images import watches
from alflow.store.projects import changes, projects, runs, troubles
from alflow.store.rounds import rounds
from alflow.workflow.images.embedded import due_ids, known_ids
from alflow.workflow.rounds.hindrances import nothing_to_ask, reason_to_stop, unready
from alflow.workspace import Workspace

FIRST_AGAIN: Final = timedelta(seconds=30)
"""Pause after the first failed run of a project; it doubles with each further one."""

LAST_AGAIN: Final = timedelta(minutes=10)
"""The longest pause between failed runs."""

_FEW: Final = 30  # answers, which take as long as it takes a process to stand ready
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
    ready: int
    awaited: bool
    mark: tuple[int, ...]
    tells: bool = field(compare=False)


@dataclass
class Lookout:
    """Asks what is due again and again, and remembers what cannot have changed."""

    workspace: Workspace
    seen: tuple[ProjectId, ...] = ()
    """The active projects there were at the last look."""
    telling: tuple[ProjectId, ...] = ()
    """Those of them with messages that may be sent now."""
    ending: Project | None = None
    """The project whose round is about to end: answers came since the look before, or a page of the grid is open, and
    few are left, or what is left is on pages."""
    _idle: dict[ProjectId, tuple[_Seen, datetime]] = field(default_factory=dict)
    _n_labels: int | None = None

    def due(self) -> list[Due]:
        """The projects that are due now.

        Raises:
            UnavailableError: the database does not answer.
        """
        now = datetime.now(UTC)
        with self.workspace.database.read() as tx:
            seen = [_see(tx, project, now) for project in projects.all_(tx) if project.is_active]
            self._note_ending(tx, seen, now)
        found = [Due(one.project, step) for one in seen if (step := self._step(one, now)) is not None]
        self.seen = tuple(one.project.id for one in seen)
        self.telling = tuple(one.project.id for one in seen if one.tells)
        self._idle = {key: self._idle[key] for key in self.seen if key in self._idle}
        return found

    def _note_ending(self, tx: Transaction, seen: Sequence[_Seen], now: datetime) -> None:
        before, self._n_labels = self._n_labels, max((one.mark[1] for one in seen), default=0)
        answered = before is not None and before != self._n_labels
        ending = (one.project for one in seen if _is_ending(tx, one.current, now, answered=answered))
        self.ending = next(ending, None)

    def _step(self, seen: _Seen, now: datetime) -> str | None:
        if seen.mark[-1] and (asked := _asked(self.workspace, seen.project)):
            return asked
        if seen.trouble is not None and now < seen.trouble.at + pause(seen.trouble.times, FIRST_AGAIN, LAST_AGAIN):
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


def _asked(workspace: Workspace, project: Project) -> str | None:
    """What somebody asks for: another step each time, so that it waits for no pause."""
    with workspace.database.read() as tx:
        asked = runs.asked(tx).get(project.id)
    return None if asked is None else f"{asked.wish}, as was asked for at {asked.at}"


def _see(tx: Transaction, project: Project, now: datetime) -> _Seen:
    trouble, current = troubles.of_project(tx, project.id), rounds.current(tx, project.id)
    mark, tells = changes.mark(tx, project.id, now)
    ready, awaited = watches.arrivals(tx, project.id, now)
    return _Seen(project, current, trouble, ready, awaited, mark, tells)


def _is_ending(tx: Transaction, current: Round | None, now: datetime, *, answered: bool) -> bool:
    """A page of the grid is many answers at once: what is on one counts as good as answered."""
    if current is None or current.state is not RoundState.OPEN or current.held:
        return False
    on_pages = grid.n_on_pages(tx, current.id, now)
    if not answered and not on_pages:
        return False
    done, total = rounds.answered(tx, current.id)
    return total - done - on_pages <= _FEW


def _next_step(workspace: Workspace, seen: _Seen) -> str | None:
    """What a run would do now; None if nothing."""
    project, current = seen.project, seen.current
    answered = current is not None and current.state is RoundState.LABELLED
    try:
        if seen.ready and not answered:
            return f"take {seen.ready} new files"
        if waiting := due_ids(workspace, project):
            return f"embed images from {waiting[0]} to {waiting[-1]}"
        if current is not None:
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
