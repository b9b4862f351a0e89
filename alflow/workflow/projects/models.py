"""Which models a new project may choose from, and which of them are on this machine."""

from dataclasses import dataclass

from alflow.vlm.offered import BYTES_PER_WEIGHT, OFFERED, OfferedModel


@dataclass(frozen=True)
class ModelChoice:
    """A model to choose.

    Attributes:
        model: what it is.
        megabytes: of its weights, on disk and to fetch.
        here: whether the weights are on this machine.
    """

    model: OfferedModel
    megabytes: int
    here: bool


def model_choices() -> list[ModelChoice]:
    """Those that alflow offers, the smallest first; nothing is loaded or fetched."""
    from alflow.vlm.models import find_weights  # noqa: PLC0415 - open_clip takes seconds to import

    return [
        ModelChoice(one, round(one.parameters * BYTES_PER_WEIGHT / 1e6), find_weights(one.reference) is not None)
        for one in OFFERED
    ]
