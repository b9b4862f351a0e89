import pytest

from alflow.accounts import Role, Visitor
from alflow.domain.projects import Project
from alflow.workflow.projects.projects import create_project
from alflow.workspace import Workspace
from tests.workflow.people.members import member


@pytest.fixture
def birds(workspace: Workspace) -> Project:
    return create_project(workspace, "birds", "demo", "fp32")


@pytest.fixture
def ada(workspace: Workspace, birds: Project) -> Visitor:
    """Who owns the project."""
    return member(workspace, birds, "Ada", Role.OWNER)
