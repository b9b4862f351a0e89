"""Work in threads whose results come in order and whose backlog is bounded."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Final, TypeVar

T = TypeVar("T")
R = TypeVar("R")

WORKERS: Final = min(8, (os.cpu_count() or 1) + 2)
"""Reading, decoding and resizing images mostly waits for disks, or runs in C without the interpreter's lock."""


def ahead(work: Callable[[T], R], values: Iterable[T], window: int) -> Iterator[R]:
    """`work` of each value, in order, with at most `window` of them started and not yet consumed."""
    pending: deque[Future[R]] = deque()
    remaining = iter(values)
    with ThreadPoolExecutor(WORKERS) as threads:
        try:
            pending.extend(threads.submit(work, value) for value in islice(remaining, window))
            while pending:
                result = pending.popleft().result()
                pending.extend(threads.submit(work, value) for value in islice(remaining, 1))
                yield result
        finally:
            for future in pending:
                future.cancel()


def groups(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` values each, the last one shorter."""
    remaining = iter(values)
    while group := list(islice(remaining, size)):
        yield group
