"""Groups of images: named by a manifest, and never on both sides of the test split."""

from pathlib import Path

import pytest
from PIL import Image

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.errors import InvalidInputError
from alflow.store.images import items
from alflow.workflow.images.imported import ImportReport
from alflow.workflow.images.pool import import_items
from alflow.workflow.projects.projects import create_project, name_classes
from alflow.workspace import Workspace


@pytest.fixture
def project(each_workspace: Workspace) -> Project:
    return create_project(each_workspace, "scans", "demo", "fp32", name_classes(["ill", "well"]))


def bring(workspace: Workspace, project: Project, folder: Path, *rows: tuple[str, str, str]) -> ImportReport:
    """Import files, made by their names, with their splits and groups."""
    for name, *_ in rows:
        Image.new("RGB", (16, 16), (sum(name.encode()) % 256, len(name), ord(name[-1]))).save(folder / f"{name}.png")
    table = "".join(f"{name}.png,{split},{group}\n" for name, split, group in rows)
    (folder / "scans.csv").write_text(f"path,split,group\n{table}")
    return import_items(workspace, project, str(folder / "scans.csv"))


def stored(workspace: Workspace, project: Project) -> dict[str, tuple[Split, str | None]]:
    with workspace.database.read() as tx:
        return {Path(one.uri).stem: (one.split, one.group) for one in items.list_(tx, project.id)}


def test_a_manifest_names_groups_and_a_later_one_changes_them(
    each_workspace: Workspace, project: Project, tmp_path: Path
) -> None:
    bring(each_workspace, project, tmp_path, ("a", "pool", "p1"), ("b", "target", "p1"), ("c", "pool", ""))
    found = stored(each_workspace, project)
    assert found == {"a": (Split.POOL, "p1"), "b": (Split.TARGET, "p1"), "c": (Split.POOL, None)}
    report = bring(each_workspace, project, tmp_path, ("a", "pool", ""), ("b", "pool", "p2"), ("c", "pool", "p2"))
    assert report.rejected == ()
    assert {name: group for name, (_, group) in stored(each_workspace, project).items()} == {
        "a": "p1",  # an empty cell takes none away
        "b": "p2",
        "c": "p2",
    }


def test_an_image_whose_group_is_on_the_other_side_is_rejected(
    each_workspace: Workspace, project: Project, tmp_path: Path
) -> None:
    report = bring(each_workspace, project, tmp_path, ("a", "pool", "p1"), ("b", "test", "p1"), ("c", "test", "p2"))
    assert [(Path(one.uri).stem, one.reason) for one in report.rejected] == [
        ("b", "its group 'p1' has images outside the test split: give a group one side of the test split")
    ]
    report = bring(each_workspace, project, tmp_path, ("d", "pool", "p2"), ("b", "pool", "p1"))
    assert [(Path(one.uri).stem, one.reason) for one in report.rejected] == [
        ("d", "its group 'p2' has images in the test split: give a group one side of the test split")
    ]
    found = stored(each_workspace, project)
    assert found == {"a": (Split.POOL, "p1"), "b": (Split.POOL, "p1"), "c": (Split.TEST, "p2")}


def test_an_image_that_is_there_stays_in_its_split_and_joins_no_group_on_the_other_side(
    each_workspace: Workspace, project: Project, tmp_path: Path
) -> None:
    bring(each_workspace, project, tmp_path, ("a", "test", ""), ("b", "pool", "p1"))
    report = bring(each_workspace, project, tmp_path, ("a", "pool", "p1"))
    assert len(report.rejected) == 1
    assert stored(each_workspace, project)["a"] == (Split.TEST, None)


@pytest.mark.parametrize(
    ("rows", "words"),
    [("a.png,pool,p1\nb.png,test,p1\n", "its group 'p1' has images outside"), (f"a.png,pool,{'x' * 201}\n", "'group'")],
)
def test_a_strict_import_refuses_it_all(
    each_workspace: Workspace, project: Project, tmp_path: Path, rows: str, words: str
) -> None:
    (tmp_path / "scans.csv").write_text(f"path,split,group\n{rows}")
    with pytest.raises(InvalidInputError, match=words):
        import_items(each_workspace, project, str(tmp_path / "scans.csv"), strict=True)
