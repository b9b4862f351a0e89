"""Costly work in a few threads of its own, with a bounded queue, so that other requests do not wait for it.

The threads that all other requests share are for work of milliseconds. What takes long or much memory gets a pool
here: a few calls at once, a short queue, and a refusal beyond it.
"""

from collections.abc import Callable, Hashable
from typing import Any, Final, ParamSpec, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

from alflow.errors import TryLaterError

P = ParamSpec("P")
T = TypeVar("T")


class Pool:
    """Runs `most` calls at once, lets `waiting` others wait, and refuses further ones."""

    def __init__(self, most: int, waiting: int, busy: str) -> None:
        self.most = most
        self.waiting = waiting
        self.busy = busy
        self._threads = CapacityLimiter(most)
        self._inside = 0
        self._shared: dict[Hashable, _Shared] = {}

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `work` returns.

        Raises:
            TryLaterError: too many wait already.
        """
        if self._inside >= self.most + self.waiting:
            raise TryLaterError(self.busy, 1.0 + self.waiting / self.most)
        self._inside += 1
        try:
            return await to_thread.run_sync(lambda: work(*args, **kwargs), limiter=self._threads)
        finally:
            self._inside -= 1

    async def once(self, key: Hashable, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `run`; further callers with the same key get the result of the first one.

        Raises:
            TryLaterError: too many wait already.
        """
        known = self._shared.get(key)
        if known is not None:
            await known.done.wait()
            return known.result()  # type: ignore[no-any-return]
        mine = self._shared[key] = _Shared()
        try:
            mine.value = await self.run(work, *args, **kwargs)
        except BaseException as error:
            mine.error = error
            raise
        else:
            return mine.value  # type: ignore[no-any-return]
        finally:
            del self._shared[key]
            mine.done.set()


class _Shared:
    """The result that several callers wait for."""

    def __init__(self) -> None:
        self.done = anyio.Event()
        self.value: Any = None
        self.error: BaseException | None = None

    def result(self) -> Any:
        """The value.

        Raises:
            TryLaterError: the first caller went away, or was refused.
        """
        if isinstance(self.error, Exception):
            raise self.error
        if self.error is not None:
            raise TryLaterError("the first request was abandoned: try again", 1.0)
        return self.value


LARGE_IMAGES: Final = Pool(2, 6, "the server is busy with large images: try again in a moment")
"""Decoding all pixels of an image takes a second and hundreds of megabytes."""

PASSWORDS: Final = Pool(2, 60, "many people are signing in right now: try again in a moment")
"""A password costs a twentieth of a second and 64 MB on purpose."""

FIGURES: Final = Pool(2, 20, "the server is busy with figures: try again in a moment")
"""What is known of every image takes half a second and some hundred megabytes for 100,000 of them."""

ANSWERS: Final = Pool(12, 200, "the server is busy: nothing is lost, try again in a moment")
"""Answers wait for each other at the database, and images should not wait with them."""

UPLOADS: Final = Pool(4, 200, "the server is busy with uploads: they go on in a moment")
"""Pieces of files go to a disk, which may be slow; an archive of a hundred thousand files is listed in seconds."""

REPORTS: Final = Pool(1, 4, "the server is busy with reports: try again in a moment")
"""A report reads all answers and predictions of a project."""

EXPORTS: Final = Pool(1, 4, "the server is busy with exports: try again in a moment")
"""An export reads what is known of every image, and may copy all of them."""

IMPORTS: Final = Pool(1, 8, "the server is busy with imports: try again in a moment")
"""An import reads and decodes many images."""
