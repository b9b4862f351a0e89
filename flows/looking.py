"""Starts a run for what is due, as soon as it is due: a look at the database every few seconds costs no process.

While somebody is about to end a round, a process stands ready for the run that closes it (`alflow.flows.running`).

A run that ended without doing what was due is followed by a pause that doubles, so that no fault starts runs without
end. The schedule of `advance-due` is the net beneath.
"""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from alflow.errors import AlflowError
from alflow.flows.context import workspace
from alflow.flows.limits import is_held
from alflow.flows.messages import Postman
from alflow.flows.running import ReadyRunner
from alflow.flows.standing import is_paused
from alflow.flows.watching import Watchman
from alflow.ids import ProjectId
from alflow.pauses import pause

if TYPE_CHECKING:
    from alflow.domain.projects import Project
    from alflow.workflow.rounds.due import Due, Lookout

_FIRST_AGAIN, _LAST_AGAIN = timedelta(seconds=5), timedelta(minutes=10)  # before a run for the same step starts again
_SOON_SECONDS = 0.5  # between looks while somebody is about to end a round
_SILENT = timedelta(minutes=2)  # a run that holds no slot of its project for longer is no more
_log = logging.getLogger(__name__)


@dataclass
class Started:
    """The newest run that was started for a project, for which step, and how often in a row."""

    step: str
    run: UUID
    times: int
    again_at: float
    ended: bool = False


@dataclass
class Starter:
    """Starts runs of one deployment for projects that are due, one at a time for each."""

    client: PrefectClient
    deployment: str
    _started: dict[ProjectId, Started] = field(default_factory=dict)

    async def start(self, found: "list[Due]") -> bool:
        """Start a run for each of these that has none in flight, and is not paused; returns whether there was one.

        Raises:
            httpx.HTTPError: the Prefect server does not answer.
            ObjectNotFound: the deployment is gone.
        """
        any_started = False
        for due in found:
            before = self._started.get(due.project.id)
            if before is not None and not await self._is_over(before, due.project.id):
                continue
            again = before is not None and before.step == due.step
            if before is not None and again and time.monotonic() < before.again_at:
                continue
            times = before.times + 1 if before is not None and again else 1
            deployment = await self.client.read_deployment_by_name(self.deployment)
            run = await self.client.create_flow_run_from_deployment(
                deployment.id, parameters={"project": due.project.name}
            )
            self._started[due.project.id] = Started(due.step, run.id, times, _after(times))
            any_started = True
        return any_started

    async def _is_over(self, started: Started, project_id: ProjectId) -> bool:
        if not started.ended:
            try:
                run = await self.client.read_flow_run(started.run)
            except ObjectNotFound:  # somebody deleted it
                started.ended = True
            else:
                started.ended = run.state is None or run.state.is_final() or await self._was_left(run, project_id)
            if started.ended:
                started.again_at = _after(started.times)
        return started.ended

    async def _was_left(self, run: FlowRun, project_id: ProjectId) -> bool:
        """Whether a run stands as running, but its process, its worker and perhaps its machine are gone."""
        since = run.state.timestamp if run.state is not None and run.state.is_running() else None
        if since is None or datetime.now(UTC) - since < _SILENT or await is_held(self.client, project_id):
            return False
        await self.client.set_flow_run_state(run.id, Crashed(message="its process is gone"), force=True)
        return True


async def keep_looking(deployment: str, schedule: str, every: float, runner: ReadyRunner | None) -> None:
    """Look every so many seconds, and start what is due unless the schedule is paused, until cancelled.

    Args:
        deployment: of which a run is started.
        schedule: the deployment that somebody may pause.
        every: seconds between looks.
        runner: what runs them in this process; None where the workers of a pool do.
    """
    loop, trouble = asyncio.get_running_loop(), ""
    eyes: tuple[Lookout, Watchman, Postman] | None = None
    with ThreadPoolExecutor(1, "look") as one_thread:
        async with get_client() as client:
            starter = Starter(client, deployment)
            while True:
                try:
                    if eyes is None:
                        eyes = await loop.run_in_executor(one_thread, _opened)
                    found = await loop.run_in_executor(one_thread, _look, *eyes)
                    may_start = bool(found) and not await is_paused(client, schedule)
                    any_started = may_start and await starter.start(found)
                    if runner is not None:
                        await _hasten(runner, eyes[0].ending, any_started=any_started)
                    trouble = ""
                except Exception as error:  # noqa: BLE001 - the next look may succeed; only the net would start runs
                    if (words := f"what is due is not known: {error or type(error).__name__}") != trouble:
                        _log.warning(words)
                    trouble = words
                is_ready = runner is not None and runner.spare.is_there
                await asyncio.sleep(min(every, _SOON_SECONDS) if is_ready else every)


def _after(times: int) -> float:
    """When the same step may be tried again, after so many runs for it, by the monotonic clock."""
    return time.monotonic() + pause(times, _FIRST_AGAIN, _LAST_AGAIN).total_seconds()


async def _hasten(runner: ReadyRunner, ending: "Project | None", *, any_started: bool) -> None:
    """Run at once what was started, and let a process stand ready for a round that is about to end."""
    if any_started:
        await runner.run_scheduled()
    if ending is not None:
        await runner.spare.want(ending.name)
    await runner.spare.tend()


def _opened() -> "tuple[Lookout, Watchman, Postman]":
    from alflow.workflow.rounds.due import Lookout

    return Lookout(workspace()), Watchman(workspace()), Postman(workspace())


def _look(lookout: "Lookout", watchman: Watchman, postman: Postman) -> "list[Due]":
    """What is due; sources are looked at and messages sent beside it. A look is stored once a minute at most."""
    from alflow.workflow.rounds.waiting import note_look

    found = lookout.due()
    for project in lookout.seen:
        with suppress(AlflowError):  # a full disk is told by the runs
            note_look(lookout.workspace, project)
    watchman.look()
    postman.send(lookout.telling)
    return found
