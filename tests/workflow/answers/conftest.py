"""A project with votes."""

from pathlib import Path

import pytest

from alflow.domain.projects import Project
from alflow.workspace import Workspace
from tests.voted import Voted, voted


@pytest.fixture
def world(workspace: Workspace, pets: Project, tmp_path: Path) -> Voted:
    """Six images of cats, dogs and traffic lights with answers of two people."""
    return voted(workspace, pets, tmp_path / "originals")
