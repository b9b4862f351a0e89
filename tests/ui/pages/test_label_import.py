"""The section Import labels: what the server sees is imported for owners, and for nobody else."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.settings import Settings
from alflow.ui.parts import services
from alflow.workflow.answers.export import label_rows
from alflow.workflow.images.pool import import_items
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import create_project, name_classes
from alflow.workspace import Workspace
from tests.tiny import write_picture

pytestmark = pytest.mark.slow


def page(role: str) -> None:
    """The page alone, as Ada sees it."""
    import streamlit as st

    from alflow.accounts import Role, Visitor
    from alflow.domain.answers import Annotator
    from alflow.ui.pages import project
    from alflow.ui.parts import session

    session.be(Visitor(Annotator(1, "Ada"), "", {1: Role(role)}))
    st.session_state["project"] = "pets"
    project.show(session.project())  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def pets(workspace: Workspace, tmp_path: Path) -> Project:
    """With an image, and labels of another tool beside it."""
    sign_in(workspace, "Ada")
    project = create_project(workspace, "pets", "demo", "fp32", name_classes(["cat", "dog"]))
    write_picture(tmp_path / "seen/a.png", 1)
    import_items(workspace, project, str(tmp_path / "seen"), Split.POOL)
    chosen = [{"from_name": "c", "to_name": "i", "type": "choices", "value": {"choices": ["dog"]}}]
    tasks = [{"id": 1, "data": {"image": "a.png"}, "annotations": [{"result": chosen}]}]
    (tmp_path / "seen/tasks.json").write_text(json.dumps(tasks))
    (tmp_path / "hidden").mkdir()
    return project


@pytest.fixture
def shown(
    workspace: Workspace, tmp_path: Path, drawn: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], AppTest]:
    settings = Settings(home=workspace.settings.home, sources=str(tmp_path / "seen"))
    place = Workspace.open(settings)

    def show(role: str) -> AppTest:
        app = drawn(page, role=role)
        monkeypatch.setattr(services, "_provided", [services.Services(place, None)])  # type: ignore[arg-type]
        app.session_state["project-section-1"] = "Import labels"
        app.run()
        assert not app.exception
        return app

    return show


def test_an_owner_names_a_file_below_the_sources(
    shown: Callable[[str], AppTest], workspace: Workspace, pets: Project
) -> None:
    app = shown("owner")
    app.text_input(key="labels-1-below").set_value("../hidden")
    app.button(key="labels-import-1").click().run()
    assert any("leads out of" in one.value for one in app.warning)
    app.text_input(key="labels-1-below").set_value("tasks.json")
    app.button(key="labels-import-1").click().run()
    assert any("No label was imported" in one.value and "answers of nobody" in one.value for one in app.warning)
    app.text_input(key="labels-annotator-1").set_value("Zoë")
    app.button(key="labels-import-1").click().run()
    assert any("1 added of Zoë" in one.value for one in app.success)
    assert [(row.annotator, row.class_name) for row in label_rows(workspace, pets.id)] == [("Zoë", "dog")]


def test_an_engineer_sends_files_and_names_none(shown: Callable[[str], AppTest]) -> None:
    app = shown("engineer")
    assert [one.key for one in app.text_input] == ["labels-annotator-1", "labels-field-1"]
    assert not [one for one in app.button if one.key == "labels-import-1"]
