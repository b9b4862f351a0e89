"""A project with votes."""

from pathlib import Path

import pytest

from alflow.domain.projects import Project
from alflow.workflow.images.pool import import_items
from alflow.workflow.projects.projects import create_project, name_classes
from alflow.workspace import Workspace
from tests.voted import Voted, voted


@pytest.fixture
def world(workspace: Workspace, pets: Project, tmp_path: Path) -> Voted:
    """Six images of cats, dogs and traffic lights with answers of two people."""
    return voted(workspace, pets, tmp_path / "originals")


@pytest.fixture
def other(world: Voted, tiny_model: str) -> Project:
    """A second project with the same images and classes, and no answer."""
    classes = name_classes(["cat", "dog", "traffic_light"])
    project = create_project(world.workspace, "others", tiny_model, "fp32", classes)
    for item in world.items:
        import_items(world.workspace, project, item.uri, item.split)
    return project
