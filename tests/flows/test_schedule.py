"""The schedule for real: a server that schedules, a process that serves, and nobody who starts a run by hand."""

import asyncio
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId, FlowRunFilter
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import DeploymentResponse

from alflow.commands.clock import secret_file
from alflow.commands.processes import Supervisor
from alflow.commands.up import services
from alflow.domain.rounds import RoundState
from alflow.flows import standing
from alflow.flows.deployments import ADVANCE, SCHEDULE, deployments
from alflow.settings import Settings
from alflow.workflow.projects.projects import find_project
from alflow.workflow.rounds.review import round_summaries
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


def deployment(name: str = SCHEDULE) -> DeploymentResponse:
    with get_client(sync_client=True) as client:
        return client.read_deployment_by_name(name)


def runs_of(name: str = SCHEDULE) -> list[FlowRun]:
    only = DeploymentFilter(id=DeploymentFilterId(any_=[deployment(name).id]))
    with get_client(sync_client=True) as client:
        return client.read_flow_runs(flow_run_filter=FlowRunFilter(), deployment_filter=only)


def test_the_schedule_opens_closes_and_picks_up_new_projects(
    prefect_server: Settings, workspace: Workspace, project: str, tmp_path: Path
) -> None:
    found = find_project(workspace, project)
    *_, schedule = services(at(prefect_server, workspace))
    with Supervisor() as supervisor:
        supervisor.start(schedule)
        assert supervisor.wait()
        wait_until(lambda: states(workspace, found.id) == [RoundState.OPEN], "the first round")
        assert colours.answer(workspace, found) == 4
        closed_and_next = [RoundState.CLOSED, RoundState.OPEN]
        wait_until(lambda: states(workspace, found.id) == closed_and_next, "round 1 closed and round 2 open")
        later = colours.colour_project(workspace, tmp_path, "later")
        wait_until(lambda: states(workspace, later.id) == [RoundState.OPEN], "the round of a project made meanwhile")

        def ended() -> bool:
            return all(run.state is not None and run.state.is_final() for run in runs_of(ADVANCE))

        wait_until(ended, "the runs to end")
        runs = runs_of(ADVANCE)
        time.sleep(10)  # five looks
        assert len(runs_of(ADVANCE)) == len(runs) == 3, "a run for each that was due, and none when nothing is"
        assert all(run.state is not None and run.state.is_completed() for run in runs)
        assert not [run for run in runs_of() if run.state is not None and run.state.is_final()], (
            "the net lies fallow for a quarter of an hour"
        )
        with Supervisor() as second:
            (tmp_path / "second").mkdir()
            *_, other = services(at(prefect_server, workspace, home=tmp_path / "second"))
            second.start(other)
            assert second.wait()
        assert not deployment().paused  # a second one that left
    assert not deployment().paused


def test_a_paused_schedule_goes_on_and_says_so_and_a_pause_is_told(
    prefect_server: Settings, workspace: Workspace
) -> None:
    settings = at(prefect_server, workspace, net_seconds=30.0, schedule_seconds=0.2)
    serving = settings.home / "serving"
    asyncio.run(apply(settings))
    set_paused(True)
    *_, schedule = services(settings)
    with Supervisor() as supervisor:
        supervisor.start(schedule)
        assert supervisor.wait()
        assert not deployment().paused
        wait_until(lambda: serving.read_text() == standing.RESUMED, "the word that it goes on")
        set_paused(True)
        wait_until(lambda: serving.read_text() == standing.PAUSED, "the word that it is paused")
        set_paused(False)
        wait_until(lambda: serving.read_text() == standing.RESUMED, "the word that it goes on again")
    log = schedule.log.read_text()
    assert log.index(standing.RESUMED) < log.index(standing.PAUSED)


def test_what_was_planned_while_nobody_served_is_dropped_and_a_run_by_hand_is_not(
    prefect_server: Settings, workspace: Workspace
) -> None:
    asyncio.run(apply(at(prefect_server, workspace, net_seconds=1.0)))
    try:
        with get_client(sync_client=True) as client:
            by_hand = client.create_flow_run_from_deployment(deployment().id)
        wait_until(lambda: len(late()) >= 3, "three runs that nobody started")
        asyncio.run(apply(at(prefect_server, workspace, net_seconds=3600.0)))  # plans nothing more for now
        assert asyncio.run(standing.prepare(SCHEDULE)) == ""
        assert [run.id for run in late()] == [by_hand.id]
    finally:
        with get_client(sync_client=True) as client:
            client.delete_deployment(deployment().id)


def at(server: Settings, workspace: Workspace, **changes: Any) -> Settings:
    """The settings of the workspace, with the server that runs, and its secret."""
    settings = workspace.settings.model_copy(update={"prefect_port": server.prefect_port, **changes})
    shutil.copy(secret_file(server.home), secret_file(settings.home))
    return settings


async def apply(settings: Settings) -> None:
    for made in await deployments(settings):
        await made.aapply()


def set_paused(paused: bool) -> None:
    with get_client(sync_client=True) as client:
        (client.pause_deployment if paused else client.resume_deployment)(deployment().id)


def late() -> list[FlowRun]:
    now = datetime.now(UTC)
    due = [run for run in runs_of() if run.expected_start_time and run.expected_start_time < now]
    return [run for run in due if run.state is not None and run.state.is_scheduled()]
