"""Many trials of a back-test, in several processes; every point is handed over as soon as it is there."""

import os
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from typing import TYPE_CHECKING, Any, Final, Protocol

from alflow.domain.trials import Trial, TrialPoint
from alflow.errors import InvalidInputError, UnavailableError
from alflow.ids import ProjectId
from alflow.progress import Progress, silent

if TYPE_CHECKING:
    from alflow.workflow.backtests.backtest import World

Keep = Callable[[Trial, TrialPoint], None]

_LOOK_SECONDS: Final = 0.2


@dataclass(frozen=True)
class About:
    """What a world is, without opening it.

    Attributes:
        project_id, name, world, n_items, n_chosen: see `alflow.domain.trials.Backtest`.
        with_posterior: there is a model; without one some strategies cannot be tried.
        usual_batch: labels a round where nobody says how many.
    """

    project_id: ProjectId | None
    name: str
    world: str
    n_items: int
    n_chosen: int
    with_posterior: bool = True
    usual_batch: int = Trial.batch


class Source(Protocol):
    """Where a world comes from: small enough to be sent to a process, which then opens the world itself."""

    def about(self) -> About:
        """Name it."""
        ...

    def world(self) -> "World":
        """Read the images and the model."""
        ...


@dataclass(frozen=True)
class Plan:
    """What is to be tried.

    Attributes:
        source: of the world.
        trials: all of them.
        rounds: how far each goes.
        done: the points that are known already, by trial.
    """

    source: Source
    trials: Sequence[Trial]
    rounds: int
    done: Mapping[Trial, Sequence[TrialPoint]]

    @property
    def open_trials(self) -> list[Trial]:
        """Those that are not through yet, by seed: all strategies get on together."""
        left = [trial for trial in self.trials if len(self.done.get(trial, ())) <= self.rounds]
        return sorted(left, key=lambda trial: trial.seed)


def run_trials(plan: Plan, keep: Keep, processes: int = 1, progress: Progress = silent) -> None:
    """Make the points that are missing and hand each to `keep`, in this process; a killed run loses none of them.

    Args:
        plan: what to try.
        keep: called with every new point, in the order of each trial's rounds.
        processes: how many work side by side; each opens the world once and computes in one thread.
        progress: trials through, and all of them.

    Raises:
        AlflowError: a trial cannot be made; the message says why. All others are made before.
    """
    if processes <= 1 or len(plan.open_trials) <= 1:
        _run_here(plan, keep, progress)
    else:
        _run_in_processes(plan, keep, processes, progress)


def _run_here(plan: Plan, keep: Keep, progress: Progress) -> None:
    from alflow.workflow.backtests.backtest import backtest  # noqa: PLC0415 - so that pages start without torch

    left, total = plan.open_trials, len(plan.trials)
    if not left:
        return
    world, failed = plan.source.world(), list[InvalidInputError]()
    for through, trial in enumerate(left, start=total - len(left)):
        progress(through, total)
        try:
            for point in backtest(world, trial, plan.rounds, plan.done.get(trial, ())):
                keep(trial, point)
        except InvalidInputError as error:  # a strategy that another package brings may fail; the others go on
            failed.append(error)
    progress(total, total)
    if failed:
        raise failed[0]


def _run_in_processes(plan: Plan, keep: Keep, processes: int, progress: Progress) -> None:
    context = get_context("spawn")  # a fork of a process that has used threads may hang
    points: queue.Queue[tuple[Trial, TrialPoint]] = context.Queue()  # type: ignore[assignment]
    left, total = plan.open_trials, len(plan.trials)
    workers = min(processes, len(left))
    with ProcessPoolExecutor(workers, context, _open_world, (plan.source, points)) as pool:
        running = {pool.submit(_try, trial, plan.rounds, tuple(plan.done.get(trial, ()))): trial for trial in left}
        told: dict[Trial, int] = dict.fromkeys(left, 0)
        try:
            _collect(running, points, told, keep, progress, total)
        except BrokenProcessPool as error:
            raise UnavailableError(
                "a process of the back-test was ended from outside, most often for lack of memory; the points that "
                "were made are kept: run it again, with fewer processes"
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _collect(
    running: dict[Future[int], Trial],
    points: "queue.Queue[tuple[Trial, TrialPoint]]",
    told: dict[Trial, int],
    keep: Keep,
    progress: Progress,
    total: int,
) -> None:
    """Hand over points until every trial is through and all that it told of has arrived."""
    awaited: dict[Trial, int] = {}
    pending, failed = set(running), list[BaseException]()
    while pending or any(told[trial] < count for trial, count in awaited.items()):
        progress(total - len(pending), total)
        try:
            trial, point = points.get(timeout=_LOOK_SECONDS)
            keep(trial, point)
            told[trial] += 1
        except queue.Empty:
            pass
        through, pending = wait(pending, timeout=0)
        failed += [error for future in through if isinstance(error := future.exception(), InvalidInputError)]
        awaited |= {running[one]: one.result() for one in through if not isinstance(one.exception(), InvalidInputError)}
    progress(total, total)
    if failed:
        raise failed[0]


# In the processes.

_state: dict[str, Any] = {}


def _open_world(source: Source, points: "queue.Queue[tuple[Trial, TrialPoint]]") -> None:
    import torch  # noqa: PLC0415 - only where it computes

    torch.set_num_threads(1)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    points.cancel_join_thread()  # type: ignore[attr-defined]  # a parent that gave up does not listen any more
    _state.update(world=source.world(), points=points)


def _try(trial: Trial, rounds: int, done: tuple[TrialPoint, ...]) -> int:
    """One trial; returns how many points it told of."""
    from alflow.workflow.backtests.backtest import backtest  # noqa: PLC0415

    count = 0
    for point in backtest(_state["world"], trial, rounds, done):
        _state["points"].put((trial, point))
        count += 1
    return count


def _leave_with_parent() -> None:
    """A parent that was killed cannot say goodbye: without it nobody would keep the points."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
