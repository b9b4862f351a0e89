from pathlib import Path

import pytest
import torch

from alflow.domain.projects import NewClass, Project
from alflow.errors import NotFoundError
from alflow.workflow.model.predictions import class_embeddings, image_embeddings, predictions
from alflow.workflow.projects.projects import project_classes, set_classes
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.evaluate import close_round
from alflow.workspace import Workspace
from tests.colours import answer, colour_project

pytestmark = pytest.mark.slow


@pytest.fixture
def fitted(workspace: Workspace, project: Project) -> Project:
    """After the fit of one round; the next is not open."""
    opened = open_round(workspace, project.id)
    answer(workspace, project)
    close_round(workspace, project.id, opened.id)
    return project


def by_class(workspace: Workspace, project: Project) -> dict[str, torch.Tensor]:
    found = predictions(workspace, project.id)
    return {label.name: found.probabilities[:, column] for column, label in enumerate(found.classes)}


def test_a_fit_belongs_to_its_classes_in_whatever_order(workspace: Workspace, fitted: Project) -> None:
    before = by_class(workspace, fitted)
    set_classes(workspace, fitted.id, [NewClass(name, "", ()) for name in ("blue", "red")])
    assert [label.name for label in project_classes(workspace, fitted.id)] == ["blue", "red"]
    after = by_class(workspace, fitted)
    assert list(after) == ["blue", "red"]
    assert all(torch.allclose(after[name], before[name], atol=1e-5) for name in before)


def test_a_class_that_came_after_the_fit_keeps_its_own_logits(workspace: Workspace, fitted: Project) -> None:
    before = by_class(workspace, fitted)
    set_classes(workspace, fitted.id, [NewClass(name, "", ()) for name in ("green", "red", "blue")])
    after = by_class(workspace, fitted)
    assert sum(after.values()).allclose(torch.ones(36), atol=1e-5)  # type: ignore[union-attr]
    order = (before["red"] - before["blue"]).argsort()
    ratio = after["red"] / (after["red"] + after["blue"])
    assert torch.equal(ratio[order].sort().values.argsort(), torch.arange(36))
    assert torch.allclose(ratio, before["red"], atol=0.05)
    assert open_round(workspace, fitted.id).number == 2


def test_nothing_is_predicted_before_there_is_something_to_do_it_with(workspace: Workspace, tmp_path: Path) -> None:
    bare = colour_project(workspace, tmp_path, "bare")
    for ask in (predictions, image_embeddings, class_embeddings):
        with pytest.raises(NotFoundError, match="no embedded image yet"):
            ask(workspace, bare.id)
