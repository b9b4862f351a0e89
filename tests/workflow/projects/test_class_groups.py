"""Groups of classes: given in files and edits, kept by every change that does not name them."""

from dataclasses import replace
from pathlib import Path

import pytest

from alflow.domain.projects import NewClass, Project
from alflow.errors import InvalidInputError
from alflow.workflow.projects import class_changes, classes
from alflow.workflow.projects.class_edits import Edit
from alflow.workflow.projects.projects import as_new, create_project, project_classes, set_classes
from alflow.workspace import Workspace

BIRDS = "name,group\nwren,songbirds\nrobin,  song   birds \nowl,\n"


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path) -> Project:
    (tmp_path / "birds.csv").write_text(BIRDS)
    return create_project(workspace, "birds", "demo", "fp32", classes.read_classes(tmp_path / "birds.csv"))


def groups(workspace: Workspace, project: Project) -> dict[str, str]:
    return {one.name: one.group for one in project_classes(workspace, project.id)}


def test_a_table_and_a_list_of_objects_name_groups(workspace: Workspace, project: Project) -> None:
    assert groups(workspace, project) == {"wren": "songbirds", "robin": "song birds", "owl": ""}
    (given,) = classes.read_pasted('[{"name": "kite", "group": "raptors"}]')
    assert (given.name, given.group) == ("kite", "raptors")
    with pytest.raises(InvalidInputError, match="not text"):
        classes.read_pasted('[{"name": "kite", "group": 3}]')


def test_an_edit_sets_and_clears_them_and_nothing_else_does(workspace: Workspace, project: Project) -> None:
    class_changes.edit_classes(workspace, project.id, ["robin", "owl"], Edit(group="others"))
    class_changes.edit_classes(workspace, project.id, ["owl"], Edit(hot_key="o"))
    class_changes.rename_class(workspace, project.id, "robin", "redbreast")
    set_classes(workspace, project.id, [NewClass(name, "", ()) for name in ("owl", "wren", "redbreast")])
    assert groups(workspace, project) == {"owl": "others", "wren": "songbirds", "redbreast": "others"}
    class_changes.edit_classes(workspace, project.id, ["owl"], Edit(group=""))
    assert groups(workspace, project)["owl"] == ""


def test_a_table_of_all_classes_gives_every_group(workspace: Workspace, project: Project) -> None:
    stored = project_classes(workspace, project.id)
    rows = [(one.id, replace(as_new(one), group="birds")) for one in stored]
    class_changes.arrange_classes(workspace, project.id, rows, stored)
    assert set(groups(workspace, project).values()) == {"birds"}
