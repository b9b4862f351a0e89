"""Who is handed which candidate while many label at once, watched from outside of the database."""

from collections import defaultdict
from collections.abc import Iterable
from threading import Lock


class Hands:
    """Told of everything before it is asked for and after it is handed out, so that what it counts did happen.

    Attributes:
        again: how often somebody was handed what they had answered.
        crowded: how often more people held a candidate than votes were missing.
    """

    def __init__(self, votes: int) -> None:
        self.again, self.crowded = 0, 0
        self._votes = votes
        self._held: dict[int, set[int]] = {}
        self._holders: defaultdict[int, set[int]] = defaultdict(set)
        self._answered: defaultdict[int, set[int]] = defaultdict(set)
        self._lock = Lock()

    def asks(self, who: int) -> None:
        """Before somebody asks what is next: whatever they hold may go back."""
        with self._lock:
            for one in self._held.pop(who, set()):
                self._holders[one].discard(who)

    def gets(self, who: int, candidates: Iterable[int]) -> None:
        """What they were handed."""
        with self._lock:
            self._held[who] = set(candidates)
            for one in self._held[who]:
                self._holders[one].add(who)
                self.again += who in self._answered[one]
                self.crowded += len(self._holders[one] | self._answered[one]) > self._votes

    def answers(self, who: int, candidate: int) -> None:
        """Before an answer is sent."""
        with self._lock:
            self._answered[candidate].add(who)
            self._holders[candidate].discard(who)

    def takes_back(self, who: int, candidate: int) -> None:
        """Before an answer is undone: the candidate is theirs again."""
        with self._lock:
            self._answered[candidate].discard(who)
