"""Work beside the looks of the schedule: a thread for each thing, a few at once; one that hangs holds up no other."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from threading import Thread
from typing import Generic, TypeVar

K = TypeVar("K", bound=int)


@dataclass(frozen=True)
class _Work:
    thread: Thread
    began: float

    def goes_on(self, patience: float = inf) -> bool:
        return self.thread.is_alive() and time.monotonic() - self.began <= patience


@dataclass
class Beside(Generic[K]):
    """Starts work for a thing unless it goes on, so many at once; what takes longer than `patience` seconds hangs."""

    at_once: int
    _works: dict[K, _Work] = field(default_factory=dict)

    def start(self, key: K, work: Callable[[], object], *, patience: float = inf) -> bool:
        """Start it in a thread; False where it goes on, or too much else does."""
        last = self._works.get(key)
        busy = sum(one.goes_on(patience) for one in self._works.values())
        if (last is not None and last.goes_on()) or busy >= self.at_once:
            return False
        self._works = {one: work_ for one, work_ in self._works.items() if work_.goes_on()}
        self._works[key] = _Work(Thread(target=work, daemon=True), time.monotonic())
        self._works[key].thread.start()
        return True

    def hangs(self, key: K, patience: float) -> bool:
        """Whether its work takes longer than that."""
        last = self._works.get(key)
        return last is not None and last.goes_on() and not last.goes_on(patience)

    def wait(self, key: K, seconds: float) -> None:
        """Wait for the end of its work."""
        if (last := self._works.get(key)) is not None:
            last.thread.join(seconds)
