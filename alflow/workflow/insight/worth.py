"""Whether labels are worth what the model expects of them, over the rounds of a project."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from alflow.domain.rounds import Origin
from alflow.ids import ProjectId
from alflow.promises import Group, Kept, grouped, kept
from alflow.store.rounds import reasons
from alflow.store.rounds.reasons import Gain
from alflow.workspace import Workspace

__all__ = ["Group", "Kept", "Worth", "worth"]


@dataclass(frozen=True)
class Worth:
    """Expected and realised gains of the labels whose worth is known, in nats.

    Attributes:
        overall: of all of them; None while there is none.
        by_round: of each round that has any, by its number.
        groups: images of which about the same was expected, for the strategy's picks and for the control slice.
    """

    overall: Kept | None
    by_round: tuple[tuple[int, Kept], ...]
    groups: tuple[tuple[Origin, Group], ...]


def worth(workspace: Workspace, project_id: ProjectId) -> Worth:
    """Of every round that is closed and has reasons."""
    with workspace.database.read() as tx:
        gains = reasons.realised(tx, project_id)
    numbers = sorted({gain.round_number for gain in gains})
    return Worth(
        kept(*_columns(gains)) if gains else None,
        tuple((number, kept(*_columns([one for one in gains if one.round_number == number]))) for number in numbers),
        tuple(
            (origin, group)
            for origin in Origin
            for group in grouped(*_columns([one for one in gains if one.origin is origin]))
        ),
    )


def _columns(gains: Sequence[Gain]) -> tuple[torch.Tensor, torch.Tensor]:
    both = torch.tensor([[one.expected, one.realised] for one in gains], dtype=torch.float64).reshape(-1, 2)
    return both[:, 0], both[:, 1]
