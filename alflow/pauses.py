"""Pauses between tries at what failed: each is twice as long as the one before, up to a longest one."""

from datetime import timedelta


def pause(failures: int, first: timedelta, longest: timedelta) -> timedelta:
    """How long to wait after so many failures in a row; not at all after none."""
    return min(longest, first * 2 ** min(failures - 1, 20)) if failures > 0 else timedelta()
