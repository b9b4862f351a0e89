"""A project after two rounds: pool, target and test of two colours, eight labels."""

import pytest

from alflow.domain.projects import Project
from alflow.workspace import Workspace
from tests.colours import after_two_rounds


@pytest.fixture
def after_two(workspace: Workspace, project: Project) -> Project:
    """Two rounds are closed, the third is open."""
    return after_two_rounds(workspace, project)
