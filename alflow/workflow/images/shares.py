"""A share of images, drawn by chance, for the target or the test split.

The draw is a function of the project's seed and the image's bytes, or its group, alone: brought again, from wherever,
an image comes into the same split. Which split it stays in for good was decided when it came first (see `ledger`).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from alflow.domain.images import Split
from alflow.errors import InvalidInputError
from alflow.text import quoted

_DRAWN: Final = (Split.TEST, Split.TARGET)
_BITS: Final = 64


@dataclass(frozen=True)
class Destination:
    """What images are for: a split; with `shares`, each of those splits gets its part of them, drawn by chance."""

    split: Split = Split.POOL
    shares: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def given(cls, to: "Split | Destination") -> "Destination":
        """A split as a destination; one stays what it is."""
        return to if isinstance(to, Destination) else cls(to)

    def of(self, name: str, seed: int) -> Split:
        """The split of an image whose bytes have this hash, or of a group of this name, in a project with this seed."""
        chance = hashlib.sha256(f"{seed} {name}".encode()).digest()
        place = int.from_bytes(chance[: _BITS // 8], "big") / 2**_BITS
        for split in _DRAWN:
            if place < self.shares.get(split, 0.0):
                return split
            place -= self.shares.get(split, 0.0)
        return self.split


TO_POOL: Final = Destination()
"""All of them may be asked about."""


def checked(shares: Mapping[str, float]) -> dict[str, float]:
    """The shares that are more than nothing.

    Raises:
        InvalidInputError: they name another split, are no shares, or leave nothing.
    """
    if others := shares.keys() - set(_DRAWN):
        raise InvalidInputError(f"no share of {quoted(min(others))} can be drawn: there are {' and '.join(_DRAWN)}")
    if not all(0 <= share <= 1 for share in shares.values()) or sum(shares.values()) > 1:
        raise InvalidInputError("the shares of test and target need to be from 0 to 1, and no more than 1 together")
    return {str(split): float(share) for split, share in shares.items() if share}


def parse(text: str) -> dict[str, float]:
    """Shares as a command line and an address give them: `test=0.1,target=0.1`.

    Raises:
        InvalidInputError: it says something else.
    """
    try:
        pairs = [one.split("=") for one in text.split(",") if one.strip()]
        given = {name.strip(): float(share) for name, share in pairs}
    except ValueError as error:
        raise InvalidInputError(f"the shares {quoted(text)} cannot be read: write test=0.1,target=0.1") from error
    return checked(given)
