"""The state of the schedule: late runs are dropped, and a pause is reported."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId, FlowRunFilter
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings

PAUSED = "the schedule is paused in Prefect: resume it there or restart alflow; until then no run starts"
RESUMED = "the schedule was paused in Prefect and is running again"


async def prepare(name: str) -> str:
    """Drop runs of the deployment that nobody started in time; returns a message, or "" without news."""
    async with get_client() as client:
        try:
            deployment = await client.read_deployment_by_name(name)
        except ObjectNotFound:
            return ""
        await _drop_late(client, deployment)
        return RESUMED if _is_paused(deployment) else ""


async def watch(name: str, say: Callable[[str], None], every: float) -> None:
    """Report when the deployment is paused and when it is resumed, until cancelled; look every so many seconds."""
    was_paused = False
    async with get_client() as client:
        while True:
            await asyncio.sleep(every)
            try:
                paused = await is_paused(client, name)
            except (httpx.HTTPError, ObjectNotFound):
                continue  # the runner reports a server that is away
            if paused != was_paused:
                say(PAUSED if paused else RESUMED)
            was_paused = paused


async def is_paused(client: PrefectClient, name: str) -> bool:
    """Whether somebody has paused the deployment, or its schedule.

    Raises:
        httpx.HTTPError: the Prefect server does not answer.
        ObjectNotFound: there is no such deployment.
    """
    return _is_paused(await client.read_deployment_by_name(name))


def in_words(error: Exception) -> str:
    """Why the schedule cannot be set up; names the address where the Prefect server is the cause."""
    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code in {401, 403}:
        return f"the Prefect server at {_address()} refuses us: set PREFECT_API_AUTH_STRING or PREFECT_API_KEY"
    if isinstance(error, httpx.TransportError):
        return f"the Prefect server at {_address()} does not answer ({error or type(error).__name__})"
    return str(error)


def _address() -> str:
    parts = urlsplit(get_current_settings().api.url or "")
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _is_paused(deployment: DeploymentResponse) -> bool:
    return deployment.paused or not any(schedule.active for schedule in deployment.schedules)


async def _drop_late(client: PrefectClient, deployment: DeploymentResponse) -> None:
    late = FlowRunFilter.model_validate({
        "state": {"type": {"any_": ["SCHEDULED"]}},
        "expected_start_time": {"before_": datetime.now(UTC)},
    })
    ours = DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id]))
    while runs := await client.read_flow_runs(flow_run_filter=late, deployment_filter=ours):
        if not (planned := [run for run in runs if run.auto_scheduled]):
            return  # somebody asked for these by hand
        await asyncio.gather(*(_drop(client, run.id) for run in planned))


async def _drop(client: PrefectClient, flow_run_id: UUID) -> None:
    with suppress(ObjectNotFound):  # another process was faster
        await client.delete_flow_run(flow_run_id)
