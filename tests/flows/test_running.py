"""A run that is handed to a process that stands ready is like any other: recorded, cancelled, told when killed."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import State
from prefect.states import Cancelling

from alflow.flows.deployments import ADVANCE, deployments
from alflow.flows.running import ReadyRunner
from alflow.settings import Settings
from alflow.workflow.projects.projects import find_project
from alflow.workflow.rounds.review import round_summaries
from alflow.workspace import Workspace

pytestmark = [pytest.mark.prefect, pytest.mark.slow]
PATIENCE = 420.0  # seconds; a busy machine is slow, not broken


def test_a_run_goes_to_the_process_that_stands_ready(
    prefect_server: Settings, workspace: Workspace, project: str
) -> None:
    async def story(runner: ReadyRunner, client: PrefectClient) -> None:
        await runner.spare.want(project)
        assert runner.spare.is_there
        state = await ended(client, await begun(runner, client, project))
        assert state.is_completed()
        assert "opened round 1" in (state.message or "")
        assert not runner.spare.is_there, "it has ended with its run"
        await runner.spare.want(project)
        await runner.spare.dismiss()
        assert not runner.spare.is_there
        state = await ended(client, await begun(runner, client, project))
        assert "waiting for annotators" in (state.message or ""), "a new process, where none stands ready"

    serve(prefect_server, story)
    assert [entry.round.number for entry in round_summaries(workspace, find_project(workspace, project).id)] == [1]


@pytest.mark.usefixtures("workspace")
def test_one_that_is_killed_or_cancelled_before_it_begins_is_told(prefect_server: Settings, project: str) -> None:
    async def story(runner: ReadyRunner, client: PrefectClient) -> None:
        for end, name in ((kill, "Crashed"), (cancel, "Cancelled")):
            await runner.spare.want(project)
            run = await begun(runner, client, project)
            await until(lambda run=run: run in runner._process_manager.flow_run_ids())
            await end(runner, client, run)
            assert (await ended(client, run)).name == name
            assert not runner.spare.is_there

    serve(prefect_server, story)


def serve(settings: Settings, story: Callable[[ReadyRunner, PrefectClient], Awaitable[None]]) -> None:
    async def serving() -> None:
        runner = ReadyRunner(name="alflow", query_seconds=60.0, limit=2, pause_on_shutdown=False)
        async with get_client() as client:
            for deployment in await deployments(settings):
                await runner.aadd_deployment(deployment)
            running = asyncio.create_task(runner.start())
            await until(lambda: runner.started)
            try:
                await asyncio.wait_for(story(runner, client), PATIENCE)
            finally:
                await runner.astop()
                await running

    asyncio.run(serving())


async def begun(runner: ReadyRunner, client: PrefectClient, project: str) -> UUID:
    deployment = await client.read_deployment_by_name(ADVANCE)
    run = await client.create_flow_run_from_deployment(deployment.id, parameters={"project": project})
    await runner.run_scheduled()
    return run.id


async def ended(client: PrefectClient, run: UUID) -> State:
    while True:
        state = (await client.read_flow_run(run)).state
        if state is not None and state.is_final():
            await client.delete_flow_run(run)  # other tests count their own
            return state
        await asyncio.sleep(0.2)


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.05)


async def kill(runner: ReadyRunner, _: PrefectClient, run: UUID) -> None:
    handle = runner._process_manager.get(run)
    assert handle is not None
    assert handle.pid is not None
    os.kill(handle.pid, signal.SIGKILL)


async def cancel(_: ReadyRunner, client: PrefectClient, run: UUID) -> None:
    await client.set_flow_run_state(run, Cancelling())
