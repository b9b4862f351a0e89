"""Seconds that an annotator waits from the last answer of a round to the first image of the next.

    python -m tests.bench.turn [--items N] [--rounds K] [--pace SECONDS] [--json FILE]

Runs `alflow up` on a project of N images of the widths of `tests.bench.scale`, answers K rounds of 40 images at this
pace, goes on with the reserve behind each, and looks for the next round ten times a second. Prints, and writes to FILE,
{items, pace, opened, idle}: for each round the seconds until the next one had an image, and how many of them there was
nothing to answer. After a round that is answered at once, no process stands ready.
"""
# ruff: noqa: T201 (its output is its purpose)

import argparse
import json
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

from alflow.domain.answers import Verdict
from alflow.domain.projects import Project
from alflow.ids import AnnotatorId
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.queue import QueueEntry, next_candidates
from alflow.workflow.desk.submission import Submission
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import find_project, project_classes
from alflow.workspace import Workspace
from tests.bench import scale
from tests.bench.up import running, settings_in

_BUDGET = 40
_LOOK_SECONDS = 0.1
_PATIENCE_SECONDS = 600.0


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--pace", type=float, default=1.0, help="seconds an answer takes")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        turns = measure(Path(folder) / "home", arguments.items, arguments.rounds, arguments.pace)
    opened, idle = ([round(seconds, 2) for seconds in each] for each in zip(*turns, strict=True))
    found = {"items": arguments.items, "pace": arguments.pace, "opened": opened, "idle": idle}
    print(text := json.dumps(found))
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(text + "\n", encoding="utf-8")


def measure(home: Path, n_items: int, n_rounds: int, pace: float) -> list[tuple[float, float]]:
    """The wait for the round after each of so many, and how much of it there was nothing to answer."""
    scale.prepare_project(home, _BUDGET)
    scale.draw(home, n_items)
    settings = settings_in(home)
    workspace = Workspace.open(settings)
    desk = _Desk(workspace, find_project(workspace, scale.NAME), sign_in(workspace, "bench").id, pace)
    with running(settings):
        desk.wait()
        turns = [desk.turn() for _ in range(n_rounds)]
    workspace.database.close()
    return turns


class _Desk:
    """One person who answers at a steady pace, by the known class where there is one."""

    def __init__(self, workspace: Workspace, project: Project, annotator: AnnotatorId, pace: float) -> None:
        self._workspace, self._project, self._annotator, self._pace = workspace, project, annotator, pace
        self._classes = [label.id for label in project_classes(workspace, project.id)]
        self._random = Random(0)

    def turn(self) -> tuple[float, float]:
        """Answer the open round, and go on behind it until the next one opens."""
        while queue := self._queue(extra=False):
            self._answer(queue)
        return self.wait()

    def wait(self) -> tuple[float, float]:
        """Seconds until a round has an image, and those of them without any image."""
        begun, idle = time.monotonic(), 0.0
        while not self._queue(extra=False):
            looked = time.monotonic()
            assert looked < begun + _PATIENCE_SECONDS, "the next round did not open"
            if more := self._queue(extra=True):
                self._answer(more[:1])
            else:
                time.sleep(_LOOK_SECONDS)
                idle += time.monotonic() - looked
        return time.monotonic() - begun, idle

    def _queue(self, *, extra: bool) -> list[QueueEntry]:
        return next_candidates(self._workspace, self._project.id, self._annotator, extra=extra)

    def _answer(self, queue: list[QueueEntry]) -> None:
        for entry in queue:
            time.sleep(self._pace)
            chosen: Any = entry.item.truth or self._random.choice(self._classes)
            given = Submission(f"{entry.candidate.id}", entry.candidate.id, Verdict.CLASS, chosen, self._pace)
            submit(self._workspace, self._project.id, self._annotator, given)


if __name__ == "__main__":
    main()
