"""Prefect's runner, for whose next run a process stands ready: it starts at once, not after seconds of imports.

A process stands ready only while somebody is about to end a round, since it takes as much memory as a run. It becomes
the process of that one run, like any other: the runner waits for it, cancels it, and tells when it was killed.
"""

import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from subprocess import PIPE
from typing import Any, Self

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import Process, TaskStatus
from prefect.client.schemas.objects import FlowRun
from prefect.runner import Runner
from prefect.runner._control_channel import ControlChannel
from prefect.runner._flow_run_executor import ProcessStarter
from prefect.runner._process_manager import ProcessHandle
from prefect.settings import get_current_settings

_KEPT_SECONDS = 300.0  # a process that nothing was wanted of for so long ends


class Spare:
    """The process that stands ready, if there is one."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._wanted_at = 0.0

    @property
    def is_there(self) -> bool:
        """Whether a process stands ready, or will in a moment."""
        return self._process is not None and self._process.returncode is None

    async def want(self, project: str) -> None:
        """See to it that one stands ready for a run of this project."""
        self._wanted_at = time.monotonic()
        if not self.is_there:
            command = [sys.executable, "-m", "alflow.flows.spare", project]
            settings = get_current_settings().to_environment_variables(exclude_unset=True)
            environment = {**os.environ, **settings}
            self._process = await anyio.open_process(command, stdin=PIPE, stdout=None, stderr=None, env=environment)

    async def tend(self) -> None:
        """Let it end if nothing was wanted of it for long."""
        if self._process is not None and time.monotonic() - self._wanted_at > _KEPT_SECONDS:
            await self.dismiss()

    async def dismiss(self) -> None:
        """Let it end."""
        if (process := self.take()) is not None:
            process.terminate()
            await process.aclose()

    def take(self) -> Process | None:
        """The process, for a run; another one has to be wanted."""
        process = self._process if self.is_there else None
        self._process = None
        return process


class ReadyRunner(Runner):
    """Prefect's runner; a run gets the spare process if there is one, and else a new one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.spare = Spare()

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        poller = self._scheduled_run_poller
        new = poller._resolve_starter  # noqa: SLF001 - the runner has no other way to say how processes start

        def resolve(flow_run: FlowRun) -> ProcessStarter:
            return _Handing(self.spare, self._control_channel, new(flow_run))

        poller._resolve_starter = resolve  # noqa: SLF001
        return self

    async def __aexit__(self, *exc_info: Any) -> None:
        await self.spare.dismiss()
        await super().__aexit__(*exc_info)

    async def run_scheduled(self) -> None:
        """Start what is scheduled for now, without waiting for the next look at the server."""
        await self._get_and_submit_flow_runs()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class _Handing:
    """One run's `ProcessStarter`: hands it to the spare process, or starts a new one."""

    spare: Spare
    channel: ControlChannel
    new: ProcessStarter

    async def start(self, flow_run: FlowRun, task_status: TaskStatus[ProcessHandle] = TASK_STATUS_IGNORED) -> None:
        """Return when the process has ended; tell `task_status` when it has begun."""
        if (process := self.spare.take()) is None:
            await self.new.start(flow_run, task_status=task_status)
            return
        async with process:
            given = {
                "PREFECT__FLOW_RUN_ID": str(flow_run.id),
                "PREFECT__ENABLE_CANCELLATION_AND_CRASHED_HOOKS": "false",  # the runner sees to them
            }
            with suppress(RuntimeError):  # without a channel a run is cancelled by being killed, as Prefect does it
                port, token = self.channel.register(flow_run.id)
                given |= {"PREFECT__CONTROL_PORT": str(port), "PREFECT__CONTROL_TOKEN": token}
            task_status.started(ProcessHandle(process))
            if process.stdin is not None:
                await process.stdin.send(f"{json.dumps(given)}\n".encode())
            await process.wait()
