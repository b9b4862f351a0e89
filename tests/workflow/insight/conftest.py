"""A project after two rounds: pool, target and test of two colours, eight labels."""

import pytest

from alflow.domain.projects import Project
from alflow.workflow.rounds.advance import advance
from alflow.workspace import Workspace
from tests.colours import answer


@pytest.fixture
def after_two(workspace: Workspace, project: Project) -> Project:
    """Two rounds are closed, the third is open."""
    for _ in range(2):
        advance(workspace, project.id)
        answer(workspace, project)
    advance(workspace, project.id)
    return project
