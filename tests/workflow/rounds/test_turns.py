"""Which images are embedded before the first round."""

from pathlib import Path

import pytest

from alflow.domain.images import Split
from alflow.store.images import items
from alflow.workflow.images.embedded import due_ids
from alflow.workflow.rounds import hindrances
from alflow.workflow.rounds.turns import next_to_embed
from alflow.workspace import Workspace
from tests import colours


def test_all_but_what_the_round_does_not_wait_for_and_in_the_order_of_all(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order cuts the shards: where it differed, so did their bits."""
    monkeypatch.setattr(hindrances, "_FIRST", 8)
    project = colours.colour_project(workspace, tmp_path, budget=2)
    due = due_ids(workspace, project)
    with workspace.database.read() as tx:
        later = items.ids(tx, project.id, Split.POOL)[8:]
    assert len(later) == 4
    assert due == sorted(due)
    assert next_to_embed(workspace, project, due, began=False) == [one for one in due if one not in later]
