"""Unbiased numbers of a real project: they are those of the pool, whatever the strategy took."""

from pathlib import Path

import numpy as np
import pytest

from alflow.store.images import items
from alflow.store.rounds import rounds
from alflow.workflow.answers.certifying import SLICE, certifying
from alflow.workflow.answers.unbiased import unbiased
from alflow.workspace import Workspace
from tests import certified

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("strategy", ["margin", "power-bald"])
def test_the_numbers_are_those_of_the_pool(workspace: Workspace, tmp_path: Path, strategy: str) -> None:
    project = certified.grown_project(workspace, tmp_path, 500)
    project = certified.with_settings(workspace, project, strategy=strategy, budget=60, control_fraction=0.4)
    certified.one_round(workspace, project)
    certified.one_round(workspace, project)
    found, said = unbiased(workspace, project.id), certifying(workspace, project.id)
    with workspace.database.read() as tx:
        truth, first = dict(items.truths(tx, project.id)), rounds.by_number(tx, project.id, 1)
    right = np.array([said.class_ids[c] == truth[i] for i, c in zip(said.item_ids, said.predicted, strict=True)])
    assert found.n_slice == said.count(SLICE) == 48
    assert found.accuracy.low <= right.mean() <= found.accuracy.high
    assert found.confidence == pytest.approx(said.confidence.mean())
    assert found.overconfidence.low <= found.confidence - right.mean() <= found.overconfidence.high
    for class_id, share in found.shares.items():
        assert share.low <= np.mean([truth[i] == class_id for i in said.item_ids.tolist()]) <= share.high
    assert sum(share.value for share in found.shares.values()) == pytest.approx(1)
    assert found.without_class.value == 0
    if strategy == "power-bald":
        assert found.n_weighted > 0
        assert found.accuracy.images > 50  # more than the slices alone
        assert all(0 < chance <= 1 for chance in first.configuration["chances"].values())
    else:
        assert found.n_weighted == 0
        assert found.accuracy.images == pytest.approx(48, rel=0.2)
        assert "chances" not in first.configuration


def test_before_any_answer_nothing_is_claimed(workspace: Workspace, tmp_path: Path) -> None:
    project = certified.grown_project(workspace, tmp_path, 30)
    found = unbiased(workspace, project.id)
    assert found.n_slice == 0
    assert np.isnan(found.accuracy.value)
    assert found.wanted(0.05) == 381
