"""Starts a run for what is due, as soon as it is due: a look at the database every few seconds costs no process.

A run that ended without doing what was due is followed by a pause that doubles, so that no fault starts runs without
end. The schedule of `advance-due` is the net beneath.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.exceptions import ObjectNotFound

from alflow.errors import AlflowError
from alflow.ids import ProjectId
from flows.context import workspace

if TYPE_CHECKING:
    from alflow.workflow.rounds.due import Due, Lookout

_PAUSE_SECONDS = 5.0  # before a run for the same step starts again
_LAST_PAUSE_SECONDS = 600.0
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

    async def start(self, found: "list[Due]") -> None:
        """Start a run for each of these that has none in flight, and is not paused.

        Raises:
            httpx.HTTPError: the Prefect server does not answer.
            ObjectNotFound: the deployment is gone.
        """
        for due in found:
            before = self._started.get(due.project.id)
            if before is not None and not await self._is_over(before):
                continue
            again = before is not None and before.step == due.step
            if before is not None and again and time.monotonic() < before.again_at:
                continue
            times = before.times + 1 if before is not None and again else 1
            deployment = await self.client.read_deployment_by_name(self.deployment)
            run = await self.client.create_flow_run_from_deployment(
                deployment.id, parameters={"project": due.project.name}
            )
            self._started[due.project.id] = Started(due.step, run.id, times, time.monotonic() + pause(times))

    async def _is_over(self, started: Started) -> bool:
        if not started.ended:
            try:
                run = await self.client.read_flow_run(started.run)
            except ObjectNotFound:  # somebody deleted it
                started.ended = True
            else:
                started.ended = run.state is None or run.state.is_final()
            if started.ended:
                started.again_at = time.monotonic() + pause(started.times)
        return started.ended


def pause(times: int) -> float:
    """Seconds before the same step is tried again, after so many runs for it."""
    return min(_LAST_PAUSE_SECONDS, _PAUSE_SECONDS * 2.0 ** min(times - 1, 20))


async def keep_looking(deployment: str, every: float, may_start: Callable[[], bool]) -> None:
    """Look every so many seconds, and start what is due while that is allowed, until cancelled."""
    loop, trouble = asyncio.get_running_loop(), ""
    lookout: Lookout | None = None
    with ThreadPoolExecutor(1, "look") as one_thread:
        async with get_client() as client:
            starter = Starter(client, deployment)
            while True:
                try:
                    if lookout is None:
                        lookout = await loop.run_in_executor(one_thread, _lookout)
                    found = await loop.run_in_executor(one_thread, _look, lookout)
                    if may_start():
                        await starter.start(found)
                    trouble = ""
                except Exception as error:  # noqa: BLE001 - the next look may succeed; only the net would start runs
                    if (words := f"what is due is not known: {error or type(error).__name__}") != trouble:
                        _log.warning(words)
                    trouble = words
                await asyncio.sleep(every)


def _lookout() -> "Lookout":
    from alflow.workflow.rounds.due import Lookout

    return Lookout(workspace())


def _look(lookout: "Lookout") -> "list[Due]":
    """What is due; that somebody looked is stored, at most once a minute."""
    from alflow.workflow.rounds.waiting import note_look

    found = lookout.due()
    for project in lookout.seen:
        with suppress(AlflowError):  # a full disk is told by the runs
            note_look(lookout.workspace, project)
    return found
