"""One run per project at a time: a Prefect concurrency limit that every flow takes, scheduled or started by hand."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from prefect.client.orchestration import PrefectClient, get_client
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from alflow.ids import ProjectId

_LOCKED = 423
_LOOK_SECONDS = 2.0
_LEASE_SECONDS = 60.0  # the slot of a killed run is released after this time, the least the server allows


class BusyError(Exception):
    """Another run works on this project."""


def limit_name(project_id: ProjectId) -> str:
    """The name of the project's concurrency limit in Prefect."""
    return f"alflow-project-{project_id}"


@contextmanager
def one_run(project_id: ProjectId, *, wait: bool) -> Iterator[None]:
    """Hold the project's only slot while the block runs.

    Args:
        project_id: whose slot.
        wait: wait until it is free, or give up at once.

    Raises:
        BusyError: the slot is taken, and `wait` is false.
        ConcurrencySlotAcquisitionError: the Prefect server grants no slots.
    """
    name = limit_name(project_id)
    _ensure_limit(name)
    with ExitStack() as slot:
        while not _take(slot, name):
            if not wait:
                raise BusyError(f"another run is working on project {project_id}")
            time.sleep(_LOOK_SECONDS)
        yield


async def is_held(client: PrefectClient, project_id: ProjectId) -> bool:
    """Whether a run works on the project now, or died less than a minute ago."""
    try:
        limit = await client.read_global_concurrency_limit_by_name(limit_name(project_id))
    except ObjectNotFound:
        return False
    return limit.active_slots > 0


def _take(slot: ExitStack, name: str) -> bool:
    """Whether the slot was free; tried once, since Prefect itself retries only after 15 seconds or more.

    Raises:
        ConcurrencySlotAcquisitionError: the Prefect server grants no slots.
    """
    try:
        slot.enter_context(concurrency(name, max_retries=0, lease_duration=_LEASE_SECONDS, strict=True))
    except ConcurrencySlotAcquisitionError as error:
        response = getattr(error.__cause__, "response", None)
        if getattr(response, "status_code", None) == _LOCKED:
            return False
        raise
    return True


def _ensure_limit(name: str) -> None:
    with get_client(sync_client=True) as client:
        try:
            client.upsert_global_concurrency_limit_by_name(name, 1)
        except ObjectAlreadyExists:  # made by another run since we looked
            return
