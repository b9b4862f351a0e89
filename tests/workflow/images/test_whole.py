"""All pixels of an image: made once, kept, and never a stand-in for good."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.errors import NotFoundError
from alflow.store.images import items
from alflow.workflow.images.pool import import_items
from alflow.workflow.images.whole import kept_whole, make_whole
from alflow.workflow.projects.projects import create_project
from alflow.workspace import Workspace


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder of one image, larger than its rendition."""
    folder = tmp_path / "images"
    folder.mkdir()
    Image.linear_gradient("L").resize((1500, 1100)).save(folder / "large.png")
    return folder


@pytest.fixture
def project(workspace: Workspace, source: Path) -> Project:
    project = create_project(workspace, "birds", "demo", "fp32")
    import_items(workspace, project, str(source), Split.POOL)
    return project


def _id(workspace: Workspace, project: Project) -> int:
    with workspace.database.read() as tx:
        (item,) = items.list_(tx, project.id)
    return item.id


def _size(content: bytes) -> tuple[int, int]:
    return Image.open(BytesIO(content)).size


def test_it_is_made_once_and_outlives_its_source(workspace: Workspace, project: Project, source: Path) -> None:
    item = _id(workspace, project)
    assert kept_whole(workspace, project.id, item) is None
    made = make_whole(workspace, project.id, item)
    assert (made.lasting, _size(made.content)) == (True, (1500, 1100))
    (source / "large.png").unlink()
    assert kept_whole(workspace, project.id, item) == made
    assert make_whole(workspace, project.id, item) == made


@pytest.mark.parametrize("happens", ["gone", "changed", "broken"])
def test_while_the_source_is_away_its_rendition_stands_in_for_a_moment(
    workspace: Workspace, project: Project, source: Path, happens: str
) -> None:
    item, file = _id(workspace, project), source / "large.png"
    before = file.read_bytes()
    if happens == "gone":
        file.unlink()
    elif happens == "changed":
        Image.new("RGB", (1500, 1100), "red").save(file)
    else:
        file.write_bytes(b"no image")
    for _ in range(2):
        made = make_whole(workspace, project.id, item)
        assert (made.lasting, max(_size(made.content))) == (False, 1024)
    file.write_bytes(before)
    assert make_whole(workspace, project.id, item).lasting


def test_a_small_image_needs_no_other(workspace: Workspace, tmp_path: Path) -> None:
    project = create_project(workspace, "birds", "demo", "fp32")
    Image.new("RGB", (300, 200)).save(tmp_path / "small.png")
    import_items(workspace, project, str(tmp_path / "small.png"), Split.POOL)
    kept = kept_whole(workspace, project.id, _id(workspace, project))
    assert kept is not None
    assert _size(kept.content) == (300, 200)


def test_it_belongs_to_its_project(workspace: Workspace, project: Project) -> None:
    for which in (kept_whole, make_whole):
        with pytest.raises(NotFoundError):
            which(workspace, project.id + 1, _id(workspace, project))
