"""The Project page: what is watched, why it cannot be read, and that it can be stopped."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from alflow.domain.projects import Project
from alflow.settings import Settings
from alflow.ui.parts import services
from alflow.workflow.images.watching import look, watch, watched
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


def pets(workspace: Workspace) -> Project:
    sign_in(workspace, "Ada")
    return create_project(workspace, "pets", "demo", "fp32", name_classes(["cat", "dog"]))


def test_a_source_is_listed_with_its_trouble_and_stopped(
    workspace: Workspace, tmp_path: Path, drawn: Callable[..., AppTest]
) -> None:
    project = pets(workspace)
    shown = drawn(page, role="engineer")
    shown.session_state[f"project-section-{project.id}"] = "Images"
    shown.run()
    assert not shown.exception
    assert [one.value for one in shown.code if "watch" in one.value] == ["alflow watch pets FOLDER"]
    write_picture(tmp_path / "new/a.png", 1)
    made = watch(workspace, project, str(tmp_path / "new"))
    (tmp_path / "new").rename(tmp_path / "away")
    look(workspace, made)
    shown.run()
    assert not shown.exception
    (row,) = [frame.value for frame in shown.dataframe if "Source" in frame.value]
    assert row.loc[0, ["Source", "On their way"]].tolist() == [str(tmp_path / "new"), 1]
    assert any("there is no file or folder" in one.value for one in shown.warning)
    shown.button(key=f"unwatch-{project.id}").click().run()
    assert not shown.exception
    assert watched(workspace, project.id) == []
    assert any("Nothing more is taken of" in one.value for one in shown.success)


def test_a_reviewer_cannot_stop(workspace: Workspace, tmp_path: Path, drawn: Callable[..., AppTest]) -> None:
    project = pets(workspace)
    write_picture(tmp_path / "new/a.png", 1)
    watch(workspace, project, str(tmp_path / "new"))
    shown = drawn(page, role="reviewer")
    shown.session_state[f"project-section-{project.id}"] = "Images"
    shown.run()
    assert not shown.exception
    assert [one for one in shown.button if one.label == "Stop"] == []


def test_an_empty_project_leads_to_its_images(workspace: Workspace, drawn: Callable[..., AppTest]) -> None:
    project = pets(workspace)
    key = f"bring-first-{project.id}"
    assert key not in {one.key for one in drawn(page, role="reviewer").run().button}
    shown = drawn(page, role="engineer").run()
    shown.button(key=key).click().run()
    assert not shown.exception
    assert shown.session_state[f"project-section-{project.id}"] == "Images"


def test_a_source_is_taken_strictly_or_watched_seldom(
    workspace: Workspace, tmp_path: Path, drawn: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = pets(workspace)
    for name in ("cat", "dgo"):
        write_picture(tmp_path / f"seen/once/{name}/a.png", len(name))
    write_picture(tmp_path / "seen/later/a.png", 1)
    seen = Workspace.open(Settings(home=workspace.settings.home, sources=str(tmp_path / "seen")))
    shown = drawn(page, role="owner")
    monkeypatch.setattr(services, "_provided", [services.Services(seen, None)])  # type: ignore[arg-type]
    shown.session_state[f"project-section-{project.id}"] = "Images"
    key = f"bring-{project.id}"

    def pressed(button: str, below: str) -> list[str]:
        shown.text_input(key=f"{key}-below").set_value(below)
        shown.button(key=f"bring-{button}-{project.id}").click().run()
        assert not shown.exception
        return [one.value.replace("\\", "") for one in (*shown.warning, *shown.success)]

    shown.run()
    shown.toggle(key=f"{key}-strict").set_value(True)
    assert "Nothing was imported: 1 folder names no class: 'dgo' (1 image)" in pressed("once", "once")[0]
    assert watched(seen, project.id) == []
    shown.toggle(key=f"{key}-strict").set_value(False)
    assert pressed("once", "once") == [f"2 files of {tmp_path}/seen/once will be taken by the next runs."]
    shown.selectbox(key=f"{key}-every").set_value(3_600.0)
    assert pressed("watch", "later") == [f"{tmp_path}/seen/later is watched from now on, each hour."]
    assert [one.every for one in watched(seen, project.id) if not one.once] == [3_600.0]
    assert "leads out" in pressed("watch", "../..")[0]
    seen.database.close()
