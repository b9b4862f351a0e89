"""A run for each project that is due, one at a time, and no storm of runs that do not do it."""

import asyncio
from datetime import timedelta

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId, FlowRunFilter
from prefect.client.schemas.objects import FlowRun
from prefect.states import Failed, Running

from alflow.flows import looking
from alflow.flows.deployments import ADVANCE, deployments
from alflow.flows.looking import Starter
from alflow.settings import Settings
from alflow.workflow.projects.projects import find_project
from alflow.workflow.rounds.due import Due
from alflow.workspace import Workspace


@pytest.mark.prefect
@pytest.mark.slow
def test_one_run_at_a_time_and_a_pause_before_the_same_step(
    prefect_server: Settings, workspace: Workspace, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find_project(workspace, project)

    async def runs() -> list[FlowRun]:
        async with get_client() as client:
            one = DeploymentFilter(id=DeploymentFilterId(any_=[(await client.read_deployment_by_name(ADVANCE)).id]))
            return await client.read_flow_runs(flow_run_filter=FlowRunFilter(), deployment_filter=one)

    async def story() -> None:
        for made in await deployments(prefect_server):
            await made.aapply()
        before = {run.id for run in await runs()}

        async def ours() -> list[FlowRun]:
            return [run for run in await runs() if run.id not in before]

        async with get_client() as client:
            starter = Starter(client, ADVANCE)
            for _ in range(3):
                await starter.start([Due(found, "open a round")])
            (run,) = await ours()
            assert run.parameters == {"project": project}
            await client.set_flow_run_state(run.id, Failed(), force=True)
            await starter.start([Due(found, "open a round")])
            assert len(await ours()) == 1, "it has just failed at this step"
            await starter.start([Due(found, "close round 1")])
            assert len(await ours()) == 2, "another step starts at once"
            (newest,) = [one for one in await ours() if one.id != run.id]
            await client.delete_flow_run(newest.id)
            monkeypatch.setattr(looking, "_FIRST_AGAIN", timedelta())
            for _ in range(2):
                await starter.start([Due(found, "close round 1")])
            assert len(await ours()) == 2, "one that was deleted is over"
            (last,) = [one for one in await ours() if one.id != run.id]
            await client.set_flow_run_state(last.id, Running(), force=True)
            await starter.start([Due(found, "close round 1")])
            assert len(await ours()) == 2, "it runs"
            monkeypatch.setattr(looking, "_SILENT", timedelta())
            await starter.start([Due(found, "close round 1")])
            assert len(await ours()) == 3, "its machine is gone: it holds no slot of the project"
            assert (await client.read_flow_run(last.id)).state.is_crashed()
            for one in await ours():
                await client.delete_flow_run(one.id)

    asyncio.run(story())
