"""The work of shards as Prefect tasks on a task runner: threads of this process, or a Ray or Dask cluster.

A task gets the function and names or ids, never tensors, and opens the workspace by the settings of its own process: a
process of the cluster loads an encoder once and keeps it.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Completed, Failed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from alflow.errors import AlflowError, UnavailableError
from alflow.flows.context import workspace
from alflow.progress import Progress, silent
from alflow.settings import Settings

if TYPE_CHECKING:
    from alflow.workspace import Workspace

T = TypeVar("T")
R = TypeVar("R")

_STORE_BYTES = 2**27  # of a Ray cluster on this machine: what tasks get and give is small
_READY = 2  # tasks that are submitted for each that runs, so that no worker waits for the next


def spread() -> "Workspace":
    """The workspace of this process, with the work of shards done by tasks: for use inside a flow."""
    return replace(workspace(), elsewhere=as_tasks)


def on_a_cluster() -> "Workspace":
    """The same where there is a cluster; threads score no faster than the one process that already uses all cores."""
    return workspace() if Settings().task_runner == "thread" else spread()


def as_tasks(
    work: "Callable[[Workspace, Sequence[T], Progress], R]", units: Sequence[Sequence[T]], progress: Progress
) -> Iterator[R]:
    """`work` of each unit, in order, as a task of its own (`alflow.workspace.Elsewhere`); few are in flight at once.

    Raises:
        AlflowError: what one of them raised, or that there is no such task runner.
    """
    settings, total, done = Settings(), sum(map(len, units)), 0
    name = getattr(work, "func", work).__name__.replace("_", "-")
    one_task = on_unit.with_options(name=name)
    with _running(settings) as submit:
        remaining, pending = iter(units), deque[tuple[Sequence[T], PrefectFuture[Any]]]()
        progress(0, total)
        while True:
            while len(pending) < _READY * settings.tasks_at_once and (unit := next(remaining, None)) is not None:
                pending.append((unit, submit(one_task, {"work": work, "unit": unit})))
            if not pending:
                return
            unit, future = pending.popleft()
            yield future.result()
            done += len(unit)
            progress(done, total)


@task(cache_policy=NO_CACHE)
def on_unit(work: "Callable[[Workspace, Sequence[T], Progress], R]", unit: Sequence[T]) -> State[Any]:
    """Do the work; an error that a person can act on is the message of the failed task."""
    try:
        return Completed(data=work(workspace(), unit, silent))
    except AlflowError as error:
        return Failed(message=str(error), data=error)


def task_runner(settings: Settings) -> TaskRunner[Any]:
    """The task runner that the settings name, not started yet.

    Raises:
        UnavailableError: its package is not installed; the message names the extra.
    """
    kind, address, n = settings.task_runner, settings.task_runner_address or None, settings.tasks_at_once
    if kind == "thread":
        return ThreadPoolTaskRunner(max_workers=n)
    if find_spec(f"prefect_{kind}") is None:
        raise UnavailableError(f"ALFLOW_TASK_RUNNER={kind} needs prefect-{kind}: pip install 'alflow[{kind}]'")
    made: TaskRunner[Any]
    if kind == "dask":
        from prefect_dask import DaskTaskRunner

        workers = {"n_workers": n, "threads_per_worker": 1, "dashboard_address": None}
        made = DaskTaskRunner(address=address, cluster_kwargs=None if address else workers)
    else:
        from prefect_ray import RayTaskRunner

        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # tells nobody that it runs
        workers = {} if address else {"num_cpus": n, "include_dashboard": False, "object_store_memory": _STORE_BYTES}
        made = RayTaskRunner(address, workers | {"log_to_driver": False})
    return made


@contextmanager
def _running(settings: Settings) -> Iterator[Callable[..., PrefectFuture[Any]]]:
    """How to submit a task to the started runner.

    Raises:
        UnavailableError: the package of the runner is not installed, or its cluster cannot be reached.
    """
    runner = task_runner(settings)
    try:
        runner.__enter__()
        getattr(runner, "client", None)  # of Dask, which connects when it is asked for
    except (OSError, RuntimeError, ValueError) as error:
        where = settings.task_runner_address or "this machine"
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UnavailableError(
            f"the {settings.task_runner.capitalize()} cluster at {where} cannot be used ({why}): "
            "check ALFLOW_TASK_RUNNER_ADDRESS, or run without it"
        ) from error
    try:
        yield _with_gpus(runner, settings.task_gpus) if settings.task_runner == "ray" else runner.submit
    finally:
        runner.__exit__(None, None, None)


def _with_gpus(runner: TaskRunner[Any], n_gpus: float) -> Callable[..., PrefectFuture[Any]]:
    """Submit tasks that ask Ray for so many GPUs, without which it hides them from a worker."""
    from prefect_ray.context import remote_options

    def submit(*arguments: Any) -> PrefectFuture[Any]:
        with remote_options(num_gpus=n_gpus):
            submitted: PrefectFuture[Any] = runner.submit(*arguments)
            return submitted

    return submit
