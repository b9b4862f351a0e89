"""Kill a step at a moment, run it again, and compare the end with that of the run that nobody killed.

Processes are forked from one that has imported everything, so that a kill costs what the step costs. A state is a
folder and a database; each trial works on a copy of the state that its step starts from.
"""

import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, Self

from sqlalchemy import URL

from alflow.store.engines import make_engine
from alflow.workflow.operating.doctor import tidy
from tests import forks, postgres
from tests.colours import captions, paint
from tests.crash.content import Content, content_of, told_in
from tests.crash.moments import Deadly, watch
from tests.crash.pages import answered_while_killed
from tests.crash.steps import STEPS, Place
from tests.earlier import fill
from tests.tiny import write_model

PAGES: Final = "pages"
"""The name of what `World.pages` kills."""

_WEEK: Final = 7 * 86_400.0


@dataclass(frozen=True)
class Trial:
    """What became of a step that was killed and run again.

    Attributes:
        step: its name.
        moment: before which it was killed.
        wrong: where the end differs from that of the run that nobody killed; empty if nowhere.
        lost: acknowledged answers that are not stored.
        leftovers: unfinished files that the killed run left.
        kept: how many of them were not swept when they were a week old.
    """

    step: str
    moment: str
    wrong: str = ""
    lost: int = 0
    leftovers: int = 0
    kept: int = 0

    @property
    def is_good(self) -> bool:
        """Whether the kill did no harm."""
        return not (self.wrong or self.lost or self.kept)


@dataclass
class World:
    """The states of a project on one kind of database, each made when it is asked for.

    Attributes:
        folder: of everything.
        server: PostgreSQL's maintenance database; None for SQLite.
    """

    folder: Path
    server: URL | None
    _states: dict[str, Place] = field(default_factory=dict)
    _ends: dict[str, Content] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def moments(self, step: str) -> list[str]:
        """What the step changes, in order, when nobody kills it."""
        return list(json.loads((self._state(step).folder / "moments.json").read_text()))

    def trial(self, step: str, at: int) -> Trial:
        """Kill the step before its change of that number, and run it again."""
        moment = self.moments(step)[at]
        if step not in self._ends:
            self._ends[step] = content_of(self._state(step))
        with self._copy(STEPS[step].before) as place:
            assert _run(place, step, at) == -signal.SIGKILL, f"{step} was not killed before {moment}"
            if _run(place, step):
                return Trial(step, moment, "it could not be run again")
            found = content_of(place)
            wrong, lost = found.differs(self._ends[step]), len(told_in(place) - found.tokens)
            return Trial(step, moment, wrong, lost, len(found.leftovers), _not_swept(place, step, found))

    def pages(self, lives: list[int]) -> list[Trial]:
        """Kill the pages before a change of each number, counted from their start, while two people answer."""
        with self._copy("open") as place:
            told, wrong = answered_while_killed(place, lives)
            found = content_of(place)
            lost, left = len(told - found.tokens), len(found.leftovers)
            return [Trial(PAGES, f"change {at}", wrong, lost, left, _not_swept(place, "", found)) for at in lives]

    def _state(self, name: str) -> Place:
        """The place where a step has ended, or a start; nobody works there any more."""
        if name not in self._states:
            place = self._stack.enter_context(self._copy(STEPS[name].before if name in STEPS else ""))
            if name == "earlier":
                fill(place.url)
            if name == "restore":
                shutil.copy(self._state("backup").folder / "backup.tar", place.backup)
            if name in STEPS:
                assert _run(place, name) == 0, f"{name} failed"
            self._states[name] = place
        return self._states[name]

    @contextmanager
    def _copy(self, of: str) -> Iterator[Place]:
        """A place of its own: a copy of a state, or nothing."""
        before = self._state(of) if of else None
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        if before is not None:
            shutil.copytree(before.folder, folder, dirs_exist_ok=True)
        (folder / "home").mkdir(exist_ok=True)
        url = f"sqlite:///{folder / 'home' / 'alflow.db'}"
        with ExitStack() as stack:
            if self.server is not None:
                template = None if before is None else make_engine(before.url).url
                made = stack.enter_context(postgres.new_database(self.server, template))
                url = made.render_as_string(hide_password=False)
            yield Place(folder, url, self._sources)
        shutil.rmtree(folder)

    @cached_property
    def _sources(self) -> Path:
        folder = self.folder / "sources"
        for seed, (split, per_colour) in enumerate({"pool": 16, "target": 4, "test": 4}.items()):
            paint(folder / split, per_colour, seed)
        captions(folder / "target")
        write_model(folder / "model")
        return folder


def spread(moments: list[str], kills: int) -> list[int]:
    """So many places among the moments, evenly; all of them where there are no more."""
    kills = min(kills, len(moments))
    return [(2 * number + 1) * len(moments) // (2 * kills) for number in range(kills)]


def _run(place: Place, step: str, at: int | None = None) -> int | None:
    """Run a step in a process of its own, killed before the change of that number; returns its exit code."""
    process = forks.process(_work, place, step, at)
    process.start()
    process.join()
    return process.exitcode


def _work(place: Place, step: str, at: int | None) -> None:
    (place.folder / "tmp").mkdir(exist_ok=True)
    os.environ["TMPDIR"] = str(place.folder / "tmp")
    moments = Deadly(at)
    watch(place.folder, moments)
    STEPS[step].run(place)
    seen = json.dumps(moments.seen)
    (place.folder / "moments.json").write_text(seen)


def _not_swept(place: Place, step: str, found: Content) -> int:
    """How many leftovers a week later survive the next writer, which is the same step, and the doctor."""
    if not found.leftovers:
        return 0
    then = time.time() - _WEEK
    for path in (each for left in found.leftovers for each in (left, *left.rglob("*"))):
        os.utime(path, (then, then))
    tidy(place.settings)
    if step in {"export", "backup", "restore"}:  # which write outside of the artifacts too
        assert _run(place, step) == 0, f"{step} could not be run a third time"
    return len(content_of(place).leftovers)
