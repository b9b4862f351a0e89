"""Processes that are forked from one that has imported everything, so that each costs what it does, and no imports."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess


def process(work: Callable[..., object], *args: object) -> ForkServerProcess:
    """A process that will do this work; what it starts from has none of the state of this process."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["__main__", "tests.warm"])
    return forks.Process(target=work, args=args)
