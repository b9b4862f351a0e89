"""Which images are embedded first, so that people who wait for a round do not wait for all images of a project."""

from collections.abc import Sequence
from typing import Final

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.domain.rounds import RoundState
from alflow.ids import ItemId
from alflow.store.images import items
from alflow.store.rounds import rounds
from alflow.workflow.images.embedded import known_ids
from alflow.workflow.rounds.hindrances import first_images, reason_to_stop, unready
from alflow.workspace import Workspace

A_TURN: Final = 2_048
"""Images that are embedded between two looks whether people wait for something else."""


def next_to_embed(workspace: Workspace, project: Project, due: Sequence[ItemId], *, began: bool) -> Sequence[ItemId]:
    """Those of the images that are `due` for an embedding that come next; none where a round goes before them.

    Before the first round, these are all images of target and test, and as many of the pool as it waits for. An
    answered round waits for a few at most. In between, all come, turn by turn.

    Args:
        workspace: where.
        project: their project.
        due: what is to be embedded.
        began: whether a run asks again, which has embedded some.
    """
    with workspace.database.read() as tx:
        last, may_open = rounds.last(tx, project.id), reason_to_stop(tx, project) is None
    if last is not None:
        few = first_images(project) if last.state is RoundState.LABELLED else A_TURN
        return due[: 0 if began and last.state is RoundState.LABELLED else few]
    if not may_open or unready(workspace, project) is not None:
        return due[:A_TURN]
    if began:
        return []
    with workspace.database.read() as tx:
        pool = set(items.ids(tx, project.id, Split.POOL))
    lacking = max(0, first_images(project) - len(pool & known_ids(workspace, project)))
    later = set([one for one in due if one in pool][lacking:])
    return [one for one in due if one not in later]  # in the order of all: the same shards, bit by bit
