import threading
import time
from contextvars import copy_context

import pytest

from alflow.flows.limits import BusyError, one_run

pytestmark = pytest.mark.prefect


@pytest.mark.usefixtures("prefect_server")
class TestOneRun:
    def test_a_second_run_of_the_project_is_turned_away_until_the_first_ends(self) -> None:
        with one_run(101, wait=False):
            with pytest.raises(BusyError, match="project 101"):
                one_run(101, wait=False).__enter__()
            with one_run(102, wait=False):
                pass
        with one_run(101, wait=False):
            pass

    def test_a_run_that_waits_gets_the_place_when_it_is_free(self) -> None:
        order: list[str] = []

        def wait_for_it() -> None:
            with one_run(103, wait=True):
                order.append("second")

        with one_run(103, wait=False):
            waiting = threading.Thread(target=copy_context().run, args=(wait_for_it,))  # else of another server
            waiting.start()
            time.sleep(1.5)
            order.append("first")
        waiting.join(60)
        assert order == ["first", "second"]

    def test_the_place_is_given_back_when_the_work_fails(self) -> None:
        with pytest.raises(ZeroDivisionError), one_run(104, wait=False):
            _ = 1 / 0
        with one_run(104, wait=False):
            pass
