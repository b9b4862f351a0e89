"""A lock that serves threads in the order of arrival.

SQLite allows one writer at a time, and lets the others sleep and retry: with twenty threads, some retry for minutes.
Writers of one process therefore queue here; only processes compete for SQLite's own lock.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class Turns:
    """A lock that is handed over in the order of arrival (`threading.Lock` goes to whoever runs, often the last)."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._taken = False
        self._waiting: deque[Lock] = deque()

    @contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """Wait for the turn and keep it for the block.

        Raises:
            TimeoutError: it did not come in time.
        """
        self._wait(seconds)
        try:
            yield
        finally:
            self._pass_on()

    def _wait(self, seconds: float) -> None:
        gate = Lock()
        gate.acquire()
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            self._waiting.append(gate)
        if gate.acquire(timeout=seconds):
            return
        with self._guard:
            if gate in self._waiting:  # else it was handed over at the last moment
                self._waiting.remove(gate)
                raise TimeoutError(f"no turn within {seconds} s")

    def _pass_on(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
