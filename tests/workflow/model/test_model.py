"""A fit and the prompts of today: what labels add to the logits belongs to the zero-shot logits it was fitted to."""

import pytest
import torch
from safetensors.torch import save_file

from alflow.bayes.fit import refit
from alflow.domain.projects import NewClass, Project
from alflow.domain.rounds import Round
from alflow.workflow.model.model import ProjectModel, load_model, load_rows
from alflow.workflow.model.source import fit_path, last_fit
from alflow.workflow.projects.class_changes import add_classes, edit_classes, order_classes
from alflow.workflow.projects.class_edits import Edit
from alflow.workflow.rounds.advance import advance
from alflow.workflow.rounds.review import round_candidates, round_summaries
from alflow.workspace import Workspace
from tests.colours import answer

pytestmark = pytest.mark.slow

OTHER = Edit(prompts=("crimson, as blood", "a warm colour"))


@pytest.fixture
def closed(workspace: Workspace, project: Project) -> Round:
    """The first round, closed."""
    advance(workspace, project.id)
    answer(workspace, project)
    advance(workspace, project.id)
    return round_summaries(workspace, project.id)[0].round


def newest(workspace: Workspace, project: Project) -> ProjectModel:
    past = [summary.round for summary in round_summaries(workspace, project.id)]
    return load_model(workspace, project, last_fit(past))


def fitted_by_hand(workspace: Workspace, project: Project, closed: Round) -> torch.Tensor:
    """The weight of the field after the labels of the round, with the prompts of today."""
    zero_shot = load_model(workspace, project)
    truths = {row.item.id: row.settled_class_id for row in round_candidates(workspace, closed.id)}
    (rows,) = load_rows(workspace, project, zero_shot, sorted(truths))
    labels = zero_shot.columns([truths[item] for item in rows.item_ids.tolist()])  # type: ignore[misc]
    generator = torch.Generator().manual_seed(closed.seed)
    return refit(zero_shot.model, rows.activations, labels, generator).field.weight


def test_other_prompts_are_fitted_to_the_same_labels(workspace: Workspace, project: Project, closed: Round) -> None:
    before = newest(workspace, project)
    by_hand = fitted_by_hand(workspace, project, closed)  # where rows lie in memory decides the last digits
    torch.testing.assert_close(before.model.field.weight, by_hand, rtol=0, atol=1e-4)
    edit_classes(workspace, project.id, ["red"], OTHER)
    after = newest(workspace, project)
    by_hand = fitted_by_hand(workspace, project, closed)
    torch.testing.assert_close(after.model.field.weight, by_hand, rtol=0, atol=1e-4)
    assert float((after.model.field.weight - before.model.field.weight).abs().max()) > 1e-2
    assert after.hashes["fit"] == before.hashes["fit"]
    assert after.model.frame.radius == before.model.frame.radius
    assert torch.equal(after.model.field.seen, before.model.field.seen)  # which images are labelled is the same


def test_a_fit_is_made_again_once(workspace: Workspace, project: Project, closed: Round) -> None:
    edit_classes(workspace, project.id, ["red"], OTHER)
    newest(workspace, project)
    kept = workspace.artifacts.list(f"projects/{project.id}/fields")
    another = Workspace.open(workspace.settings)  # holds nothing in memory
    assert newest(another, project).hashes["fit"] == closed.hashes["fit"]
    assert another.artifacts.list(f"projects/{project.id}/fields") == kept
    assert len(kept) == 2
    another.database.close()


@pytest.mark.usefixtures("closed")
def test_prompts_of_before_bring_the_fit_of_before(workspace: Workspace, project: Project) -> None:
    before = newest(workspace, project)
    edit_classes(workspace, project.id, ["red"], OTHER)
    newest(workspace, project)
    edit_classes(workspace, project.id, ["red"], Edit(prompts=("a photo of a red",)))
    assert torch.equal(newest(workspace, project).model.field.weight, before.model.field.weight)


@pytest.mark.usefixtures("closed")
def test_order_and_new_classes_leave_a_fit_as_it_was(workspace: Workspace, project: Project) -> None:
    before = newest(workspace, project).model.field.weight
    order_classes(workspace, project.id, ["blue", "red"])
    add_classes(workspace, project.id, [NewClass("green", "", ())])
    after = newest(workspace, project).model.field.weight
    assert torch.equal(after, torch.stack([before[:, 1], before[:, 0], torch.zeros(len(before))], dim=1))


@pytest.mark.usefixtures("closed")
def test_a_class_that_came_since_is_no_part_of_the_fit(workspace: Workspace, project: Project) -> None:
    """Nobody who answered could have named it: no label speaks against it."""
    edit_classes(workspace, project.id, ["red"], OTHER)
    without = newest(workspace, project).model.field.weight
    order_classes(workspace, project.id, ["blue"])
    add_classes(workspace, project.id, [NewClass("green", "", ())])
    after = newest(workspace, project).model.field.weight
    assert torch.allclose(after[:, [1, 0]], without, atol=1e-5)
    assert not after[:, 2].any()


@pytest.mark.usefixtures("closed")
def test_a_fit_of_an_older_alflow_stays_until_the_next(workspace: Workspace, project: Project) -> None:
    before = newest(workspace, project)
    name = fit_path(project.id, before.hashes["fit"])
    tensors, notes = workspace.artifacts.read_tensors(name)
    older = {key: tensor.clone() for key, tensor in tensors.items() if key not in {"item_ids", "labels"}}
    save_file(older, workspace.artifacts.path(name), {key: notes[key] for key in before.hashes if key in notes})
    edit_classes(workspace, project.id, ["red"], OTHER)
    assert torch.equal(newest(workspace, project).model.field.weight, before.model.field.weight)


def test_texts_name_the_prompts_of_each_class(workspace: Workspace, project: Project) -> None:
    before = load_model(workspace, project)
    assert len(set(before.texts)) == 2
    edit_classes(workspace, project.id, ["red"], OTHER)
    red, blue = load_model(workspace, project).texts
    assert (red != before.texts[0], blue) == (True, before.texts[1])
