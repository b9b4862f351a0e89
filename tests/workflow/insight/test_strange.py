"""The most ambiguous and the most unfamiliar images of the pool, by the newest model."""

from pathlib import Path

import pytest
import torch

from alflow.workflow.images.embed import embed_missing
from alflow.workflow.insight.strange import strange_images
from alflow.workflow.model.kept import outlook
from alflow.workflow.rounds.acquire import open_round
from alflow.workspace import Workspace
from tests.colours import answer, colour_project
from tests.workflow.insight.labelled import pool_of

pytestmark = pytest.mark.slow


def test_they_are_the_extremes_of_the_pool(workspace: Workspace, tmp_path: Path) -> None:
    project = colour_project(workspace, tmp_path)
    embed_missing(workspace, project)
    open_round(workspace, project.id)
    answer(workspace, project)
    found = strange_images(workspace, project.id, 3)
    seen = outlook(workspace, project.id)
    pool = [item.id for item in pool_of(workspace, project)]
    rows, _ = seen.rows(pool)
    assert [one.value for one in found.ambiguous] == seen.aleatoric[rows].topk(3).values.tolist()
    labelled = [one.item_id for one in strange_images(workspace, project.id, 99).ambiguous if one.label is not None]
    assert len(labelled) == 4
    free = torch.tensor([item not in labelled for item in pool])
    assert [one.value for one in found.unfamiliar] == seen.novelty[rows[free]].topk(3).values.tolist()
    assert len(strange_images(workspace, project.id, 99).unfamiliar) == 8
    for one in found.ambiguous:
        (first, p), (second, q) = one.top
        assert p >= q
        assert p + q == 1 or abs(p + q - 1) < 1e-5
        assert first != second
