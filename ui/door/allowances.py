"""Rate limits per person, as token buckets: bursts pass, floods do not."""

import time
from collections.abc import Hashable
from typing import Final

_MOST_KNOWN: Final = 10_000


class Allowance:
    """`burst` at once, and `a_second` more each second, for everybody."""

    def __init__(self, burst: int, a_second: float) -> None:
        self.burst = burst
        self.a_second = a_second
        self._left: dict[Hashable, tuple[float, float]] = {}

    def take(self, who: Hashable, now: float | None = None, *, cost: int = 1) -> float:
        """Take `cost` (at most `burst`) from somebody's allowance: 0 if there was enough, else the seconds to wait."""
        now = time.monotonic() if now is None else now
        left = self._at(who, now)
        if left < cost:
            return (cost - left) / self.a_second
        self._forget(now)
        self._left[who] = (left - cost, now)
        return 0.0

    def _at(self, who: Hashable, now: float) -> float:
        left, at = self._left.get(who, (float(self.burst), now))
        return min(float(self.burst), left + self.a_second * (now - at))

    def _forget(self, now: float) -> None:
        """Forget people whose allowance is full."""
        if len(self._left) > _MOST_KNOWN:
            self._left = {who: left for who, left in self._left.items() if self._at(who, now) < self.burst}


LARGE_IMAGES: Final = Allowance(20, 1.0)
"""Large images that must be made: people look at one for longer than a second."""

ANSWERS: Final = Allowance(600, 30.0)
"""Exchanges of desk and grid, and the answers in them, of all tabs of a person; a key held down makes fewer."""

MESSAGES: Final = Allowance(100, 10.0)
"""What pages send while one uses them; each runs a script."""

REPORTS: Final = Allowance(10, 0.2)
"""Reports of a project or a round."""

EXPORTS: Final = Allowance(10, 0.2)
"""Files of labels, images, predictions or a model."""

READS: Final = Allowance(600, 30.0)
"""What programs read, in pages of up to a thousand entries."""

IMPORTS: Final = Allowance(20, 0.2)
"""Imports that programs ask for."""
