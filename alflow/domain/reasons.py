"""Why an image is asked about, and what its label was worth."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from alflow.ids import ClassId, ItemId


class Aim(StrEnum):
    """What a label is to tell about: the target images, or the pool where there are none."""

    TARGET = "target"
    POOL = "pool"


@dataclass(frozen=True)
class Near:
    """Another image, and how near it is: nats that the label tells about it, or the likeness of a near copy."""

    item_id: ItemId
    value: float


@dataclass(frozen=True)
class Place:
    """Place of an image in the pool by a strategy (1 is the first choice) of how many; not exact where by a sample."""

    strategy: str
    place: int
    of: int
    exact: bool


@dataclass(frozen=True)
class Reasons:
    """What was known of a candidate when its round opened, and what its label was worth when it closed.

    Attributes:
        aim: what the gains are about.
        expected: expected information gain of a label, in nats (`alflow.acquisition.worth`).
        gains: what each answer would be worth, in nats: every class, or those that stand for all.
        lead: log-odds of the most probable class against the second, in nats.
        lead_deviation: by how much the model may still err about that, as a standard deviation.
        informs: images that a label tells most about, in nats each; best first.
        copies: near copies among the pool, with their likeness; the most alike first.
        n_copies: how many there are in all.
        places: where it stood by several strategies, the one that chose first.
        realised: what the label was worth, in nats; None without a settled class of the round.
    """

    aim: Aim
    expected: float
    gains: Mapping[ClassId, float]
    lead: float
    lead_deviation: float
    informs: tuple[Near, ...] = ()
    copies: tuple[Near, ...] = ()
    n_copies: int = 0
    places: tuple[Place, ...] = ()
    realised: float | None = None
