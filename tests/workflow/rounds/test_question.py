from dataclasses import replace

import pytest
import torch

from alflow.domain.projects import Project
from alflow.domain.rounds import Candidate
from alflow.store.images import items
from alflow.store.rounds import candidates
from alflow.workflow.images.embedded import folder, names
from alflow.workflow.images.shards import read
from alflow.workflow.model.model import load_model
from alflow.workflow.projects.projects import change_settings
from alflow.workflow.rounds import question as module
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.question import Groups, ask_about
from alflow.workspace import Workspace

pytestmark = pytest.mark.slow


def opened(workspace: Workspace, project: Project) -> tuple[list[Candidate], dict[str, object]]:
    """The candidates of the round that opens, and its configuration."""
    round_ = open_round(workspace, project.id)
    with workspace.database.read() as tx:
        return candidates.of_round(tx, round_.id), dict(round_.configuration)


def ids_of(workspace: Workspace, project: Project) -> list[int]:
    with workspace.database.read() as tx:
        return list(items.ids(tx, project.id))


@pytest.mark.parametrize("strategy", ["default", "epig", "badge"])
def test_a_round_of_a_large_pool_is_that_of_a_small_one(
    workspace: Workspace, project: Project, strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_settings(workspace, project.id, replace(project.settings, strategy=strategy, budget=10))
    model = load_model(workspace, project)
    ids = ids_of(workspace, project)
    small = ask_about(workspace, project, model, 0, Groups(ids[5:], ids[:5], ids[:3]))
    monkeypatch.setattr(module, "IN_MEMORY", 0)
    large = ask_about(workspace, project, model, 0, Groups(ids[5:], ids[:5], ids[:3]))
    assert torch.equal(small.item_ids, large.item_ids)
    assert small.n_target == large.n_target == 5
    every = torch.arange(len(ids) - 5)
    for one, other in zip(small.question.pool[every].columns(), large.question.pool[every].columns(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    streamed, its = opened(workspace, project)
    monkeypatch.undo()
    with workspace.database.begin() as tx:
        from sqlalchemy import text

        tx.execute(text("delete from candidate"))
        tx.execute(text("delete from round"))
    in_memory, others = opened(workspace, project)
    assert [one.item_id for one in streamed] == [one.item_id for one in in_memory]
    assert {name: its[name] for name in ("n_pool", "n_target", "n_labels", "near_duplicates")} == {
        name: others[name] for name in ("n_pool", "n_target", "n_labels", "near_duplicates")
    }
    for one, other in zip(streamed, in_memory, strict=True):
        assert (one.score or 0) == pytest.approx(other.score or 0, rel=1e-4)
        assert one.probabilities == pytest.approx(other.probabilities, rel=1e-4)


def test_of_an_item_with_two_rows_the_last_counts(
    workspace: Workspace, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, ids = load_model(workspace, project), ids_of(workspace, project)
    encoder = model.hashes["encoder"]
    first = read(workspace, names(workspace, project, encoder)[0])
    twice = {"item_ids": first.item_ids[:4], "values": first.activations.values[4:8].clone()}
    workspace.artifacts.write_tensors(f"{folder(project, encoder)}/{'f' * 64}.safetensors", twice)
    small = ask_about(workspace, project, model, 0, Groups(ids, [], []))
    monkeypatch.setattr(module, "IN_MEMORY", 0)
    large = ask_about(workspace, project, model, 0, Groups(ids, [], []))
    rows = torch.cat([its for its, _ in large.question.pool.points()])
    assert sorted(rows.tolist()) == list(range(len(ids)))
    every = torch.arange(len(ids))
    torch.testing.assert_close(
        small.question.pool[every].activations, large.question.pool[every].activations, rtol=0, atol=0
    )
    torch.testing.assert_close(small.question.pool.probabilities, large.question.pool.probabilities)
