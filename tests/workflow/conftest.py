"""Projects to work on: one that is ready for its first round, and one without items."""

from pathlib import Path

import pytest

from alflow.domain.projects import Project
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.projects.projects import create_project, name_classes
from alflow.workspace import Workspace
from tests import tiny
from tests.colours import colour_project


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path) -> Project:
    """Pool, target and test of two colours, embedded, with a posterior; strategy margin, budget 4, one control."""
    project = colour_project(workspace, tmp_path)
    embed_missing(workspace, project)
    return project


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Reference of a small random CLIP: image layer 32 -> 12, text layer 16 -> 12."""
    return tiny.write_model(tmp_path_factory.mktemp("tiny-model"))


@pytest.fixture
def pets(workspace: Workspace, tiny_model: str) -> Project:
    """A project of the small random CLIP with the classes cat, dog and traffic_light, and no item."""
    return create_project(workspace, "pets", tiny_model, "fp32", name_classes(["cat", "dog", "traffic_light"]))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with five pictures of different formats."""
    folder = tmp_path / "pictures"
    for seed, suffix in enumerate(("png", "jpg", "webp", "bmp", "tiff")):
        tiny.write_picture(folder / f"{seed}.{suffix}", seed)
    return folder
