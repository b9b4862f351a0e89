import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from alflow.store.fair_lock import Turns


def wait_for(turns: Turns, length: int) -> None:
    while len(turns._waiting) < length:
        time.sleep(0.001)


def test_first_come_first_served() -> None:
    turns, served = Turns(), []

    def take(number: int) -> None:
        with turns.turn(10):
            served.append(number)

    with turns.turn(10):
        threads = [threading.Thread(target=take, args=(number,)) for number in range(8)]
        for waiting, thread in enumerate(threads, start=1):
            thread.start()
            wait_for(turns, waiting)
    for thread in threads:
        thread.join()
    assert served == list(range(8))


def test_one_at_a_time() -> None:
    turns, inside, most = Turns(), 0, 0

    def work(_: int) -> None:
        nonlocal inside, most
        with turns.turn(30):
            inside += 1
            most = max(most, inside)
            time.sleep(0.0001)
            inside -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(400)))
    assert (most, inside) == (1, 0)


def test_a_block_that_raises_passes_the_turn_on() -> None:
    turns = Turns()
    with pytest.raises(RuntimeError), turns.turn(1):
        raise RuntimeError
    with turns.turn(0.1):
        pass


def test_who_waited_too_long_leaves_the_queue_in_order() -> None:
    turns = Turns()
    with turns.turn(1):
        with pytest.raises(TimeoutError), turns.turn(0.01):
            pass
        assert not turns._waiting
    with turns.turn(0.1):
        pass


def test_turns_are_not_lost_when_patience_ends_as_they_come() -> None:
    turns = Turns()

    def hurry(number: int) -> None:
        try:
            with turns.turn(0.0005 * (number % 4)):
                time.sleep(0.0005)
        except TimeoutError:
            pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hurry, range(600)))
    with turns.turn(1):
        pass
