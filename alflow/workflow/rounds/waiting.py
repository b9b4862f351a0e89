"""Whom or what a project waits for, in words, with the next step.

A failed run is stored as the project's trouble until a run succeeds, so that people who wait learn why. The time of the
schedule's last look shows whether a schedule runs at all.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from alflow.domain.projects import Project, Trouble
from alflow.domain.rounds import Round, RoundState
from alflow.errors import AlflowError, StoppedError
from alflow.ids import ProjectId
from alflow.store.projects import projects, troubles
from alflow.store.rounds import rounds
from alflow.text import words_of
from alflow.workflow.images.embedded import known_ids
from alflow.workflow.model.source import fit_path, last_fit
from alflow.workflow.rounds.activity import activity
from alflow.workflow.rounds.hindrances import nothing_to_ask, reason_to_stop, unready, unwritable
from alflow.workspace import Workspace

_LOOK_EVERY: Final = timedelta(minutes=1)  # a look is recorded at most this often
_PATIENCE: Final = timedelta(
    minutes=5
)  # a schedule that is silent for longer, and for some of its intervals, is missed
_LOOKS_MISSED: Final = 4
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Waiting:
    """Whom or what a project waits for.

    Attributes:
        words: one line that begins with whom or what: "annotators: ...", "the schedule: ...", "nobody: ...".
        trouble: why its runs fail, if they do.
        looked_at: when the schedule last looked at any project; None if it never did.
    """

    words: str
    trouble: Trouble | None
    looked_at: datetime | None


def waiting(workspace: Workspace, project_id: ProjectId) -> Waiting:
    """Whom or what the project waits for; loads no model, so pages may ask often.

    Raises:
        NotFoundError: there is no such project.
    """
    with workspace.database.read() as tx:
        project, current = projects.by_id(tx, project_id), rounds.current(tx, project_id)
        stop = reason_to_stop(tx, project) if current is None else None
        answers = rounds.answered(tx, current.id) if current is not None else (0, 0)
        trouble, looked_at = troubles.of_project(tx, project_id), troubles.last_look(tx)
    failing = "" if trouble is None else f"; but its runs {_failing(trouble)}: {trouble.message}"
    if not project.is_active:
        words = f"nobody: the project is {project.state} (`alflow project resume` lets it go on)"
    elif current is not None and current.state is RoundState.OPEN:
        words = f"annotators: {answers[0]} of {answers[1]} images of round {current.number} are answered{failing}"
        if current.held:
            words += "; it was reopened: close it when its answers are right (`alflow round close`)"
    elif stop is not None:
        words = stop + failing
    else:
        words = _next_run(workspace, project, current, trouble, looked_at)
    return Waiting(words, trouble, looked_at)


def awaited(workspace: Workspace, project_id: ProjectId) -> str | None:
    """What to tell people who wait for an image: what goes on, else what `waiting` says; None while a round is open."""
    with workspace.database.read() as tx:
        current = rounds.current(tx, project_id)
    if current is not None and current.state is RoundState.OPEN:
        return None
    now = activity(workspace, project_id)
    if not now.words:
        return waiting(workspace, project_id).words
    return ", ".join(filter(None, (f"the schedule: {now.words[:1].lower()}{now.words[1:]}", now.left_in_words)))


@contextmanager
def keeping_trouble(workspace: Workspace, project_id: ProjectId) -> Iterator[None]:
    """Store why the block failed as the project's trouble; clear the trouble if the block succeeds.

    Raises:
        StoppedError: as the block did; a stop is no trouble.
    """
    try:
        yield
    except StoppedError:
        raise  # by a person, while it ran
    except Exception as error:
        message = str(error) if isinstance(error, AlflowError) else f"an internal error, {words_of(error)}: see the log"
        _keep(workspace, project_id, message)
        raise
    with workspace.database.read() as tx:
        troubled = troubles.of_project(tx, project_id) is not None
    if troubled:
        with workspace.database.begin() as tx:
            troubles.clear(tx, project_id)


def note_look(workspace: Workspace, project_id: ProjectId) -> None:
    """Record that the schedule looks at the project, at most once a minute.

    Where the last look is in the future, a clock was ahead: what waits for a time that it wrote waits no more.

    Raises:
        UnavailableError: the database does not answer, or cannot store anything.
    """
    now = datetime.now(UTC)
    with workspace.database.read() as tx:
        before, newest = troubles.last_look(tx, project_id), troubles.last_look(tx)
    was_ahead = newest is not None and newest - now > _LOOK_EVERY
    if before is None or was_ahead or now - before >= _LOOK_EVERY:
        with workspace.database.begin() as tx:
            troubles.look(tx, project_id, now)
            if was_ahead:
                troubles.pull_back(tx, now)


def _next_run(
    workspace: Workspace, project: Project, current: Round | None, trouble: Trouble | None, looked_at: datetime | None
) -> str:
    """What blocks the next run, or who will start it."""
    try:
        step, blocked = _step(workspace, project, current)
    except AlflowError as error:
        step, blocked = "", f"somebody to fix this: {error}"
    if trouble is None:
        return blocked or f"the schedule: {step}" + _schedule(workspace, looked_at)
    if blocked:
        repeated = trouble.message in blocked or blocked in trouble.message
        return f"{blocked} (runs {_failing(trouble)}{'' if repeated else f': {trouble.message}'})"
    retry = f"(runs {_failing(trouble)}); the schedule will try again{_schedule(workspace, looked_at)}"
    return f"somebody to fix this, unless it is fixed already: {trouble.message} {retry}"


def _step(workspace: Workspace, project: Project, current: Round | None) -> tuple[str, str | None]:
    """What the next run will do, and what blocks it.

    Raises:
        InvalidInputError: a stored artifact is damaged.
    """
    full = unwritable(workspace)
    blocked = f"somebody to fix this: {full}" if full else unready(workspace, project)
    if current is not None:
        return f"it will fit and evaluate round {current.number}", blocked
    with workspace.database.read() as tx:
        fit = last_fit(rounds.all_(tx, project.id))
    lost = fit is not None and not workspace.artifacts.exists(fit_path(project.id, fit))
    step = "it will refit the last round, whose fit was lost, and open" if lost else "it will open"
    missing = blocked or nothing_to_ask(workspace, project, known_ids(workspace, project))
    if missing is not None and missing.startswith("embeddings: "):
        return missing.removeprefix("embeddings: "), None
    return f"{step} the next round", missing


def last_look(workspace: Workspace, project_id: ProjectId) -> datetime | None:
    """When the schedule last looked at the project; None if it never did."""
    with workspace.database.read() as tx:
        return troubles.last_look(tx, project_id)


def is_missed(workspace: Workspace, looked_at: datetime | None) -> bool:
    """Whether a schedule that last looked then is silent for too long, never looked, or looked in the future."""
    patience = max(_PATIENCE, timedelta(seconds=_LOOKS_MISSED * workspace.settings.schedule_seconds))
    return looked_at is None or abs(datetime.now(UTC) - looked_at) > patience


def _schedule(workspace: Workspace, looked_at: datetime | None) -> str:
    """A hint if no schedule runs."""
    remedy = "start `alflow up`, or run `alflow advance` for each step"
    if looked_at is None:
        return f"; no schedule has run yet: {remedy}"
    if not is_missed(workspace, looked_at):
        return ""
    if (ago := datetime.now(UTC) - looked_at) < timedelta():
        return f"; but it last ran {in_time(-ago)} in the future: set the clock, and {remedy}"
    return f"; but it last ran {in_time(ago)} ago: unless a long run is in progress, {remedy}"


def _failing(trouble: Trouble) -> str:
    times = "once" if trouble.times == 1 else f"{trouble.times} times"
    return f"have failed for {in_time(datetime.now(UTC) - trouble.since)}, {times}"


def in_time(span: timedelta) -> str:
    """About how long: "5 minutes", "3 hours", "2 days"."""
    seconds = max(0, int(span.total_seconds()))
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * size or (unit == "minute" and seconds >= size):
            return f"{seconds // size} {unit}{'' if seconds // size == 1 else 's'}"
    return "less than a minute"


def _keep(workspace: Workspace, project_id: ProjectId, message: str) -> None:
    try:
        with workspace.database.begin() as tx:
            troubles.record(tx, project_id, message, datetime.now(UTC))
    except Exception as error:  # noqa: BLE001 - the error that is raised matters more than that it cannot be stored
        _log.info("the failure could not be stored with the project: %s", error)
