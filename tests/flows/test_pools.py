"""Flows on a work pool of Prefect: registered by the command, looked for by one process, run by the workers of two."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate

from alflow.commands.processes import Service, Supervisor
from alflow.commands.up import services
from alflow.domain.rounds import RoundState
from alflow.errors import InvalidInputError, NotFoundError
from alflow.flows import pools
from alflow.flows.deployments import ADVANCE, deployments
from alflow.settings import Settings
from alflow.workflow.projects.projects import find_project
from alflow.workflow.rounds.advance import advance as advance_here
from alflow.workspace import Workspace
from tests import colours
from tests.flows.test_schedule import at, deployment, states, wait_until
from tests.flows.test_spreading import copy_of, kill_a_worker, made, picks

pytestmark = pytest.mark.prefect


@contextmanager
def pool(kind: str) -> Iterator[str]:
    """A new work pool; what was registered on it goes with it."""
    name, image = f"{kind}-{uuid4().hex[:8]}", {"image": {"type": "string"}}
    template = {"job_configuration": {"image": "{{ image }}"}, "variables": {"type": "object", "properties": image}}
    with get_client(sync_client=True) as client:
        if kind == "process":
            client.create_work_pool(WorkPoolCreate(name=name, type=kind))
        else:
            client.create_work_pool(WorkPoolCreate(name=name, type=kind, base_job_template=template))
        yield name
        for one in client.read_deployments():
            client.delete_deployment(one.id)
        client.delete_work_pool(name)


def worker(schedule: Service, name: str, folder: Path) -> Service:
    """A worker as `prefect worker start` runs one, which takes one run at a time."""
    folder.mkdir()
    quick = {"PREFECT_WORKER_QUERY_SECONDS": "1", "PREFECT_WORKER_PREFETCH_SECONDS": "1"}
    return replace(
        schedule,
        name=f"worker {folder.name}",
        command=(sys.executable, "-m", "prefect", "worker", "start", "--pool", name, "--limit", "1"),
        environment=schedule.environment | quick,
        log=folder / "worker.log",
        ready=lambda: (folder / "worker.log").exists() and "started!" in (folder / "worker.log").read_text(),
    )


@pytest.mark.slow
def test_two_workers_open_the_rounds_that_one_process_would_though_a_run_is_killed(
    prefect_server: Settings, workspace: Workspace, project: str, tmp_path: Path
) -> None:
    other = colours.colour_project(workspace, tmp_path, "other").name
    alone, names = copy_of(workspace, tmp_path / "alone"), (project, other)
    for name in names:
        advance_here(alone, find_project(alone, name).id)
    with pool("process") as work_pool, Supervisor() as supervisor:
        settings = at(prefect_server, workspace, work_pool=work_pool)
        *_, schedule = services(settings)
        for number in range(2):
            supervisor.start(worker(schedule, work_pool, tmp_path / f"worker-{number}"))
        killed: list[int] = []
        Thread(target=kill_a_worker, args=(workspace, killed), daemon=True).start()
        supervisor.start(schedule)
        assert supervisor.wait()
        assert deployment(ADVANCE).work_pool_name == work_pool
        for name in names:
            wait_until(
                lambda name=name: states(workspace, find_project(workspace, name).id) == [RoundState.OPEN],
                f"the first round of {name}",
            )
    shards = {name: data for name, data in made(alone).items() if "/outlooks/" not in name}
    assert shards.items() <= made(workspace).items()
    assert len(killed) == 1
    assert [picks(workspace, name) for name in names] == [picks(alone, name) for name in names]


@pytest.mark.slow
def test_what_a_pool_lacks_is_said_before_anything_is_registered(prefect_server: Settings) -> None:
    def register(settings: Settings, name: str, image: str = "") -> None:
        made_for = asyncio.run(deployments(settings))
        asyncio.run(pools.register(made_for, settings, name, image))

    shared = prefect_server.model_copy(
        update={"database_url": "postgresql://db/alflow", "artifacts_url": "s3://bucket/alflow"}
    )
    with pytest.raises(
        NotFoundError, match="no work pool 'none': `prefect work-pool create none --type process` makes"
    ):
        register(prefect_server, "none")
    with pool("kubernetes") as name:
        with pytest.raises(InvalidInputError, match=r"name their image, which has alflow \(--image\)"):
            register(shared, name)
        with pytest.raises(InvalidInputError, match=r"need a PostgreSQL .* and an artifact root such as s3://"):
            register(prefect_server, name, "registry/alflow:1")
        register(shared, name, "registry/alflow:1")
        found = deployment(ADVANCE)
        assert (found.work_pool_name, found.job_variables) == (name, {"image": "registry/alflow:1"})
        assert found.entrypoint == "alflow.flows.rounds.advance"
