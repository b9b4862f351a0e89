"""Few at once, a short queue, an honest refusal beyond; the same thing is made once."""

import threading
from collections.abc import Awaitable, Callable

import anyio
import pytest

from alflow.errors import TryLaterError
from alflow.ui.door.pools import Pool


def _together(count: int, ask: Callable[[int], Awaitable[str]]) -> list[str]:
    """What each of so many who ask at once is told."""
    told = [""] * count

    async def one(place: int) -> None:
        try:
            told[place] = await ask(place)
        except TryLaterError as error:
            told[place] = "later" if error.seconds > 0 else "at once"

    async def all_() -> None:
        async with anyio.create_task_group() as group:
            for place in range(count):
                group.start_soon(one, place)

    anyio.run(all_)
    return told


@pytest.mark.slow
def test_few_run_at_once_some_wait_and_the_rest_is_refused() -> None:
    pool = Pool(2, 3, "busy")
    here, most, lock, go = 0, 0, threading.Lock(), threading.Event()

    def work() -> str:
        nonlocal here, most
        with lock:
            here += 1
            most = max(most, here)
        go.wait(0.2)
        with lock:
            here -= 1
        return "done"

    told = _together(20, lambda _: pool.run(work))
    assert most == 2
    assert told.count("done") == 5
    assert told.count("later") == 15
    assert _together(2, lambda _: pool.run(lambda: "done")) == ["done", "done"]


def test_the_same_thing_is_made_once_and_takes_one_place() -> None:
    pool = Pool(1, 1, "busy")
    made = []

    def work(place: int) -> str:
        made.append(place)
        threading.Event().wait(0.1)
        return "it"

    assert _together(45, lambda place: pool.once("image", work, place)) == ["it"] * 45
    assert len(made) == 1
    assert _together(1, lambda place: pool.once("image", work, place)) == ["it"]
    assert len(made) == 2


def test_others_go_on_while_the_pool_is_full() -> None:
    pool = Pool(1, 5, "busy")
    held = threading.Event()

    async def elsewhere(place: int) -> str:
        if place < 6:
            return await pool.run(lambda: "held" if held.wait(5) else "stuck")
        await anyio.to_thread.run_sync(held.set)  # in the threads that all share
        return "free"

    assert _together(7, elsewhere) == ["held"] * 6 + ["free"]


def test_a_failure_is_told_to_everybody_who_waits() -> None:
    pool = Pool(1, 1, "busy")

    def work() -> str:
        threading.Event().wait(0.1)
        raise TryLaterError("no", 3.0)

    assert _together(3, lambda _: pool.once(1, work)) == ["later"] * 3


def test_a_pool_outlives_its_event_loop() -> None:
    pool = Pool(1, 1, "busy")
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            anyio.run(pool.run, lambda: 1 // 0)
