from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from alflow.workflow.people.annotators import sign_in
from alflow.workspace import Workspace
from tests.colours import colour_project

pytestmark = pytest.mark.slow


def page(project_id: int, role: str, other_id: int = 0) -> None:
    """What the visitor sees above the desk; AppTest runs this text alone."""
    from alflow.accounts import Role, Visitor
    from alflow.domain.answers import Annotator
    from alflow.ui.parts import session, welcome
    from alflow.workflow.projects.projects import list_projects

    session.be(Visitor(Annotator(1, "Ada"), "", {project_id: Role(role), other_id: Role(role)}))
    welcome.welcome(next(each for each in list_projects(session.workspace()) if each.id == project_id))


def test_a_newcomer_is_told_three_things_until_they_say_so(
    workspace: Workspace, tmp_path: Path, drawn: Callable[..., AppTest]
) -> None:
    project = colour_project(workspace, tmp_path)
    assert sign_in(workspace, "Ada").id == 1
    shown = drawn(page, project_id=project.id, role="annotator").run()
    (text,) = [each.value for each in shown.markdown]
    assert [line[:2] for line in text.splitlines()] == ["1.", "2.", "3."]
    assert f"**After {project.settings.budget} images**" in text
    assert "another project" not in text
    (button,) = shown.button
    button.click().run()
    assert not shown.markdown
    assert not shown.button
    assert not drawn(page, project_id=project.id, role="annotator").run().markdown


def test_another_project_is_named_where_there_is_one(
    workspace: Workspace, tmp_path: Path, drawn: Callable[..., AppTest]
) -> None:
    one, other = colour_project(workspace, tmp_path), colour_project(workspace, tmp_path, "other")
    assert sign_in(workspace, "Ada").id == 1
    shown = drawn(page, project_id=one.id, role="owner", other_id=other.id).run()
    assert "another project" in shown.markdown[0].value
