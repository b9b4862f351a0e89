"""A project of tiny pictures that is ready for its first round."""

from pathlib import Path

import pytest

from alflow.domain import Project
from alflow.workflow.embed import embed_missing
from alflow.workspace import Workspace
from tests.tiny import tiny_project


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path) -> Project:
    """Pool, target and test of two colours, embedded, with a posterior; strategy margin, budget 4, one of it control."""
    project = tiny_project(workspace, tmp_path)
    embed_missing(workspace, project)
    return project
