"""The schedule for real: a server that schedules, a process that serves, and nobody who starts a run by hand."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId, FlowRunFilter
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import DeploymentResponse

from alflow.commands.processes import Supervisor
from alflow.commands.up import services
from alflow.domain import RoundState
from alflow.settings import Settings
from alflow.workflow.projects import find_project
from alflow.workflow.review import round_summaries
from alflow.workspace import Workspace
from tests import colours

pytestmark = [pytest.mark.prefect, pytest.mark.slow]
PATIENCE = 420.0  # seconds; a busy machine is slow, not broken


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"waited {PATIENCE:.0f} s for {what}"
        time.sleep(0.5)


def states(workspace: Workspace, project_id: int) -> list[RoundState]:
    return [entry.round.state for entry in round_summaries(workspace, project_id)]


def deployment() -> DeploymentResponse:
    with get_client(sync_client=True) as client:
        return client.read_deployment_by_name("advance-due/schedule")


def scheduled_runs() -> list[FlowRun]:
    only = DeploymentFilter(id=DeploymentFilterId(any_=[deployment().id]))
    with get_client(sync_client=True) as client:
        return client.read_flow_runs(flow_run_filter=FlowRunFilter(), deployment_filter=only)


def test_the_schedule_opens_closes_and_picks_up_new_projects(
    prefect_server: Settings, workspace: Workspace, project: str, tmp_path: Path
) -> None:
    found = find_project(workspace, project)
    port = prefect_server.prefect_port
    *_, schedule = services(workspace.settings.model_copy(update={"prefect_port": port, "schedule_seconds": 10.0}))
    with Supervisor() as supervisor:
        supervisor.start(schedule)
        assert supervisor.wait()
        wait_until(lambda: states(workspace, found.id) == [RoundState.OPEN], "the first round")
        assert colours.answer(workspace, found) == 4
        closed_and_next = [RoundState.CLOSED, RoundState.OPEN]
        wait_until(lambda: states(workspace, found.id) == closed_and_next, "round 1 closed and round 2 open")
        later = colours.colour_project(workspace, tmp_path, "later")
        wait_until(lambda: states(workspace, later.id) == [RoundState.OPEN], "the round of a project made meanwhile")

        def completed() -> list[FlowRun]:
            return [run for run in scheduled_runs() if run.state is not None and run.state.is_completed()]

        wait_until(lambda: len(completed()) >= 2, "completed runs")
        assert all(run.auto_scheduled for run in completed())
        assert {run.created_by.type for run in completed() if run.created_by} == {"SCHEDULE"}
    assert deployment().paused
