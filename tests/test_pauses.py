from datetime import timedelta

from alflow.pauses import pause


def test_the_pause_doubles_and_has_a_limit() -> None:
    first, longest = timedelta(seconds=30), timedelta(minutes=10)
    found = [pause(failures, first, longest).total_seconds() for failures in (0, 1, 2, 3, 5, 6, 10_000)]
    assert found == [0, 30, 60, 120, 480, 600, 600]
