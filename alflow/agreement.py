"""What several annotators say together."""

from collections import Counter
from collections.abc import Sequence


def majority(votes: Sequence[int]) -> int | None:
    """The class with the most votes; None on a tie or without votes.

    A plurality is enough: of votes for 3, 3, 5 and 7 the class is 3.
    """
    ranked = Counter(votes).most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]
