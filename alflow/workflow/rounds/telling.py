"""What a run of a project does, stored while it goes on, so that pages can say so; and what it was asked for.

A run is heard of some times a minute: one that was killed is told no more after `SILENT`. Where a person has stopped or
deleted the project, the run learns it here, and ends.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event, Lock, Thread
from typing import Final

from alflow.domain.runs import Asked, Run, Step, Wish
from alflow.errors import AlflowError, NotFoundError, StoppedError
from alflow.ids import ProjectId
from alflow.store.images import failures, watches
from alflow.store.projects import projects, runs
from alflow.workflow.projects.states import require_active
from alflow.workspace import Workspace

SILENT: Final = timedelta(seconds=45)
"""Who was not heard of for so long runs no more."""

_EVERY_SECONDS: Final = 3.0
_AT_LEAST: Final = timedelta(seconds=12)


class Telling:
    """What one run tells of itself."""

    def __init__(self, wish: Wish | None = None) -> None:
        self.wish = wish

    def step(self, step: Step, number: int | None = None) -> None:
        """A step begins, which may be about a round.

        Raises:
            StoppedError: the project is stopped by now.
            NotFoundError: it is deleted by now.
        """

    def detail(self, words: str) -> None:
        """What of the step is done now."""

    def progress(self, done: int, total: int | None) -> None:
        """How far the step is (`alflow.progress.Progress`).

        Raises:
            StoppedError: the project is stopped by now.
            NotFoundError: it is deleted by now.
        """


class _Stored(Telling):
    def __init__(self, workspace: Workspace, project_id: ProjectId, wish: Wish | None, link: str | None) -> None:
        super().__init__(wish)
        self._workspace, self._project_id = workspace, project_id
        self.began_at = datetime.now(UTC)
        self._link = link
        self._run: Run | None = None
        self._told: tuple[Run | None, datetime] = (None, self.began_at)
        self._over: AlflowError | None = None
        self._lock = Lock()

    def step(self, step: Step, number: int | None = None) -> None:
        now = datetime.now(UTC)
        self._run = Run(step, number, "", None, None, self.began_at, now, self._link)
        self.beat()
        self._end_if_over()

    def detail(self, words: str) -> None:
        if self._run is not None:
            self._run = replace(self._run, detail=words, done=None, total=None)
            self.beat()

    def progress(self, done: int, total: int | None) -> None:
        if self._run is not None:
            self._run = replace(self._run, done=done, total=total)
        self._end_if_over()

    def beat(self) -> None:
        """Store what is new, or that it goes on."""
        now = datetime.now(UTC)
        with self._lock:
            run, (told, at) = self._run, self._told
            if run is None or (run == told and now - at < _AT_LEAST):
                return
            try:
                with self._workspace.database.begin() as tx:
                    require_active(projects.by_id(tx, self._project_id))
                    runs.tell(tx, self._project_id, run, now)
            except (StoppedError, NotFoundError) as error:
                self._over = error
            except AlflowError:
                return  # such as a full disk, of which the run tells itself
            self._told = run, now

    def _end_if_over(self) -> None:
        if self._over is not None:
            raise self._over


@contextmanager
def telling(workspace: Workspace, project_id: ProjectId, link: str | None = None) -> Iterator[Telling]:
    """Tell what a run does while the block runs; `link` is where Prefect shows it.

    Raises:
        UnavailableError: the database does not answer.
    """
    with workspace.database.read() as tx:
        asked = runs.asked(tx).get(project_id)
    wish = None
    if asked is not None:
        with workspace.database.begin() as tx:
            wish = runs.take(tx, project_id)
    told, ended = _Stored(workspace, project_id, wish, link), Event()

    def beat() -> None:
        while not ended.wait(_EVERY_SECONDS):
            told.beat()

    thread = Thread(target=beat, name="telling", daemon=True)
    thread.start()
    try:
        yield told
    finally:
        ended.set()
        thread.join()
        with suppress(AlflowError), workspace.database.begin() as tx:
            runs.end(tx, project_id, told.began_at)


def ask_for_run(workspace: Workspace, project_id: ProjectId, wish: Wish = Wish.RUN) -> None:
    """Ask for a run at once: the schedule starts it with its next look, whatever pauses after failures there are.

    Images that could not be embedded are tried again, and watched sources are looked at.

    Raises:
        StoppedError: nothing runs for the project.
        NotFoundError: there is no such project.
    """
    now = datetime.now(UTC)
    with workspace.database.begin() as tx:
        require_active(projects.by_id(tx, project_id))
        runs.ask(tx, project_id, Asked(wish, now))
        failures.hasten(tx, project_id, now)
        watches.hasten(tx, project_id, now)
