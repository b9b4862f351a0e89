"""`python -m flows.deployments`: keeps the schedule and runs what is due.

Every `schedule_seconds` it looks at the database and starts `advance` for what is due (`flows.looking`), so a project
created meanwhile is picked up by itself. The net beneath is the deployment `advance-due`, which advances all projects
every `net_seconds`; the others are for runs started by hand. The limit of one run per project is taken inside the flows
(`limits.one_run`) and so holds against all of them.
"""

import argparse
import asyncio
import signal
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path

import httpx
from prefect.deployments.runner import RunnerDeployment
from prefect.runner import Runner
from prefect.types.entrypoint import EntrypointType

from alflow.errors import AlflowError
from alflow.settings import Settings
from flows import looking, standing
from flows.ingest import ingest
from flows.rounds import advance, advance_due, close_round, open_round

SCHEDULED = "schedule"
SCHEDULE = f"advance-due/{SCHEDULED}"
BY_HAND = "manual"
ADVANCE = f"advance/{BY_HAND}"
_RUNS_AT_ONCE = 2  # so that a long run of one project does not hold up the others
_POLL_SECONDS = 3.0
_EARLY_SECONDS = 1.0  # a run is started this long before its time, and waits for it as a process


def main() -> None:
    """Serve with the settings of the environment."""
    parser = argparse.ArgumentParser(description="Serve the flows of alflow on their schedule.")
    parser.add_argument("--ready", type=Path, help="a file to create once the schedule is set up")
    ready = parser.parse_args().ready
    try:
        serve(Settings(), ready)
    except (AlflowError, httpx.HTTPError) as error:
        sys.exit(f"alflow: {standing.in_words(error)}")


def serve(settings: Settings, ready: Path | None = None) -> None:
    """Register the deployments, make the file `ready`, and run what is due until SIGTERM or Ctrl-C.

    A paused schedule is resumed. Runs that were planned while nothing served are dropped, because one run does the work
    of all. At shutdown, runs are cancelled: they are idempotent, and the next start finishes their work. The schedule
    is not paused then, because another process may serve it.
    """
    runner = Runner(
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


async def _serve(runner: Runner, settings: Settings, ready: Path | None) -> None:
    said = await standing.prepare(SCHEDULE)
    for deployment in await deployments(settings):
        await runner.aadd_deployment(deployment)
    running = asyncio.create_task(runner.start())
    while not (runner.started or running.done()):
        await asyncio.sleep(0.05)
    for number in (signal.SIGINT, signal.SIGTERM):  # only now: the runner sets a handler of its own while it starts
        asyncio.get_running_loop().add_signal_handler(number, lambda: asyncio.ensure_future(_stop(runner)))
    _say(ready, said)
    standing_now = standing.Standing()
    watching = asyncio.create_task(standing.watch(SCHEDULE, partial(_say, ready), standing_now))
    looking_on = asyncio.create_task(
        looking.keep_looking(ADVANCE, settings.schedule_seconds, lambda: not standing_now.paused)
    )
    try:
        await running
    finally:
        watching.cancel()
        looking_on.cancel()


def _say(ready: Path | None, words: str) -> None:
    if words:
        sys.stdout.write(f"{words}\n")
        sys.stdout.flush()
    if ready is not None:
        ready.write_text(words, encoding="utf-8")


async def _stop(runner: Runner) -> None:
    if runner.started:
        await runner.astop()


if __name__ == "__main__":
    main()
