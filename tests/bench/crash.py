"""Kill every step of a project, and the pages while two people answer, again and again, and count what that does.

    python -m tests.bench.crash [--kills N] [--database sqlite|postgres] [--step NAME ...] [--json FILE]

Each step is killed (SIGKILL) before N of its changes, spread evenly over all of them (`tests.crash.moments`), run
again, and compared with the run that nobody killed. Prints a table, and writes {step, database, changes, kills, equal,
answers_lost, leftovers, not_swept} of each step to FILE. `equal` are the kills after which the second run ended as if
there had been none; `leftovers` are unfinished files, `not_swept` those that the next writer and `alflow doctor
--repair` did not remove when they were a week old. The exit status is 1 if a kill did harm.
"""
# ruff: noqa: T201 (its output is its purpose)

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from tests import postgres
from tests.crash.kills import PAGES, Trial, World, spread
from tests.crash.steps import STEPS

_LIVES: Final = 10
"""Of the server, while one queue is answered."""
_CHANGES: Final = 15
"""In the shortest of them: two answers, and signing in."""
_COLUMNS: Final = ("step", "database", "changes", "kills", "equal", "answers_lost", "leftovers", "not_swept")


def main() -> int:
    """Kill, print, write; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, help="of each step; 20 by default")
    parser.add_argument("--database", choices=["sqlite", "postgres"], action="append")
    parser.add_argument("--step", choices=[*STEPS, PAGES], action="append")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    print("".join(f"{name:>14}" for name in _COLUMNS))
    rows = []
    for kind in asked.database or ["sqlite", "postgres"]:
        for row in _table(kind, asked.step or [*STEPS, PAGES], asked.kills):
            rows.append(row)
            print("".join(f"{row[name]:>14}" for name in _COLUMNS), flush=True)
            if asked.json is not None:
                asked.json.parent.mkdir(parents=True, exist_ok=True)
                asked.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 1 if any(row["kills"] > row["equal"] or row["answers_lost"] or row["not_swept"] for row in rows) else 0


def _table(kind: str, steps: list[str], kills: int) -> Iterator[dict[str, Any]]:
    with ExitStack() as stack:
        server = stack.enter_context(postgres.server()) if kind == "postgres" else None
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        world = stack.enter_context(World(folder, server))
        for step in steps:
            if step == PAGES:
                changes, trials = 0, _of_pages(world, kills)
            else:
                moments = world.moments(step)
                changes, trials = len(moments), [world.trial(step, at) for at in spread(moments, kills)]
            for one in trials:
                if not one.is_good:
                    print(one, file=sys.stderr)
            yield {
                "step": step,
                "database": kind,
                "changes": changes,
                "kills": len(trials),
                "equal": sum(not one.wrong for one in trials),
                "answers_lost": sum(one.lost for one in trials),
                "leftovers": sum(one.leftovers for one in trials),
                "not_swept": sum(one.kept for one in trials),
            }


def _of_pages(world: World, kills: int) -> list[Trial]:
    """The server dies ever later, and after the last life of a queue early again."""
    lives = [_CHANGES + number % _LIVES for number in range(kills)]
    return [one for start in range(0, kills, _LIVES) for one in world.pages(lives[start : start + _LIVES])]


if __name__ == "__main__":
    sys.exit(main())
