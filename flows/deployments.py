"""`python -m alflow.flows.deployments`: keeps the schedule and runs what is due.

Every `schedule_seconds` it looks at the database and starts `advance` for what is due (`alflow.flows.looking`), so a
project created meanwhile is picked up by itself. The net beneath is the deployment `advance-due`, which advances all
projects every `net_seconds`; the others are for runs started by hand. The limit of one run per project is taken inside
the flows (`limits.one_run`) and so holds against all of them.

With the setting `work_pool`, the workers of that pool run what is due, and this process looks only. `--pool NAME`
registers the deployments there and ends.
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from prefect.deployments.runner import RunnerDeployment
from prefect.types.entrypoint import EntrypointType

from alflow.errors import AlflowError
from alflow.flows import looking, pools, standing
from alflow.flows.ingest import ingest
from alflow.flows.rounds import advance, advance_due, close_round, open_round
from alflow.flows.running import ReadyRunner
from alflow.settings import Settings

SCHEDULED = "schedule"
SCHEDULE = f"advance-due/{SCHEDULED}"
BY_HAND = "manual"
ADVANCE = f"advance/{BY_HAND}"
_RUNS_AT_ONCE = 2  # so that a long run of one project does not hold up the others
_TELLING_LOOKS = 15  # after which it is told when somebody has paused the schedule
_POLL_SECONDS = 10.0  # for runs that somebody started by hand: what is due is started at once
_EARLY_SECONDS = 1.0  # a run is started this long before its time, and waits for it as a process


def main() -> None:
    """Serve with the settings of the environment."""
    parser = argparse.ArgumentParser(description="Serve the flows of alflow on their schedule.")
    parser.add_argument("--ready", type=Path, help="a file to create once the schedule is set up")
    parser.add_argument("--pool", help="register the deployments on this work pool, and end")
    parser.add_argument("--image", default="", help="of the containers that the pool starts")
    asked = parser.parse_args()
    try:
        if asked.pool:
            asyncio.run(_register(Settings(), asked.pool, asked.image))
        else:
            serve(Settings(), asked.ready)
    except (AlflowError, httpx.HTTPError) as error:
        sys.exit(f"alflow: {standing.in_words(error)}")


def serve(settings: Settings, ready: Path | None = None) -> None:
    """Register the deployments, make the file `ready`, and run what is due until SIGTERM or Ctrl-C.

    A paused schedule is resumed. Runs that were planned while nothing served are dropped, because one run does the work
    of all. At shutdown, runs are cancelled: they are idempotent, and the next start finishes their work. The schedule
    is not paused then, because another process may serve it.
    """
    runner = ReadyRunner(
        name="alflow",
        query_seconds=_POLL_SECONDS,
        prefetch_seconds=_EARLY_SECONDS,
        limit=_RUNS_AT_ONCE,
        pause_on_shutdown=False,
    )
    asyncio.run(_serve(runner, settings, ready))


async def deployments(settings: Settings) -> list[RunnerDeployment]:
    """What is served: `advance-due` on its long interval, every other flow for runs by hand."""
    every = timedelta(seconds=settings.net_seconds)
    module = EntrypointType.MODULE_PATH  # whatever the working folder is
    scheduled = await advance_due.ato_deployment(SCHEDULED, interval=every, paused=False, entrypoint_type=module)
    by_hand = (advance, ingest, open_round, close_round)
    return [scheduled, *[await flow.ato_deployment(BY_HAND, entrypoint_type=module) for flow in by_hand]]


async def _register(settings: Settings, pool: str, image: str = "") -> None:
    await pools.register(await deployments(settings), settings, pool, image)


async def _serve(runner: ReadyRunner, settings: Settings, ready: Path | None) -> None:
    said = await standing.prepare(SCHEDULE)
    running = asyncio.create_task(await _runs(runner, settings))
    while not (runner.started or running.done() or settings.work_pool):
        await asyncio.sleep(0.05)
    stop = running.cancel if settings.work_pool else lambda: asyncio.ensure_future(_stop(runner))
    for number in (signal.SIGINT, signal.SIGTERM):  # only now: the runner sets a handler of its own while it starts
        asyncio.get_running_loop().add_signal_handler(number, stop)
    _say(ready, said)
    every = settings.schedule_seconds
    watching = asyncio.create_task(standing.watch(SCHEDULE, partial(_say, ready), _TELLING_LOOKS * every))
    looking_on = asyncio.create_task(
        looking.keep_looking(ADVANCE, SCHEDULE, every, None if settings.work_pool else runner)
    )
    try:
        with suppress(asyncio.CancelledError):
            await running
    finally:
        watching.cancel()
        looking_on.cancel()


async def _runs(runner: ReadyRunner, settings: Settings) -> Coroutine[Any, Any, object]:
    """What runs as long as this process: the runner with its deployments, or nothing where a work pool has them."""
    if settings.work_pool:
        await _register(settings, settings.work_pool)
        return asyncio.Event().wait()
    for deployment in await deployments(settings):
        await runner.aadd_deployment(deployment)
    return runner.start()


def _say(ready: Path | None, words: str) -> None:
    if words:
        sys.stdout.write(f"{words}\n")
        sys.stdout.flush()
    if ready is not None:
        ready.write_text(words, encoding="utf-8")


async def _stop(runner: ReadyRunner) -> None:
    if runner.started:
        await runner.astop()


if __name__ == "__main__":
    main()
