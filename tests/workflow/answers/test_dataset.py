"""What holds for every layout: nothing is overwritten, nothing half-made looks whole, withdrawn answers stay out."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import fsspec
import pytest
from PIL import Image

from alflow.commands.export import DatasetFormat
from alflow.domain.projects import Project
from alflow.errors import AlflowError, ConflictError, InvalidInputError, NotFoundError, UnavailableError
from alflow.workflow.answers import dataset
from alflow.workflow.answers.dataset import Exported, export_dataset
from alflow.workflow.answers.export import label_rows
from alflow.workflow.answers.formats.pictures import safe_stem
from alflow.workflow.answers.formats.table import FORMATS
from alflow.workflow.rounds.advance import advance
from alflow.workspace import Workspace
from tests.colours import answer
from tests.voted import Voted


def test_the_command_offers_every_format() -> None:
    assert [each.value for each in DatasetFormat] == list(FORMATS)


@pytest.mark.parametrize("layout", FORMATS)
def test_every_layout_writes_the_same_images(world: Voted, tmp_path: Path, layout: str) -> None:
    assert world.export(tmp_path / "out", layout) == Exported(images=4, labelled=2, votes=5, left_out=2)
    assert world.export(tmp_path / "all", layout, unlabelled=True) == Exported(images=6, labelled=2, votes=5)
    for folder, count in (("out", 4), ("all", 6)):
        found = _jpegs(tmp_path / folder)
        assert len(found) == count == len({name.lower() for name in found})
        for name, data in found.items():
            assert re.fullmatch(r"[A-Za-z0-9_-]+\.jpg", name)
            with Image.open(io.BytesIO(data)) as image:
                image.load()
                assert (image.format, dict(image.getexif())) == ("JPEG", {})
    assert not list(tmp_path.rglob("*.part"))
    assert not list(tmp_path.glob(".*.partial"))
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))


@pytest.mark.parametrize("layout", FORMATS)
def test_nothing_is_overwritten(world: Voted, tmp_path: Path, layout: str) -> None:
    for name in ("file", "folder", "link"):
        place = tmp_path / name
        (tmp_path / "folder").mkdir(exist_ok=True)
        (tmp_path / "folder" / "mine.txt").write_text("mine")
        if name == "file":
            place.write_text("mine")
        elif name == "link":
            place.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(ConflictError, match=f"{name} is there already"):
            world.export(place, layout)
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["mine.txt"]
    assert not (tmp_path / "elsewhere").exists()
    (tmp_path / "empty").mkdir()
    world.export(tmp_path / "empty", layout)
    assert any((tmp_path / "empty").iterdir())


def test_a_folder_that_fills_up_in_the_meantime_is_left_alone(
    world: Voted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, read = tmp_path / "out", dataset.rendition_bytes

    def meanwhile(*args: object) -> bytes:
        place.mkdir(exist_ok=True)
        (place / "mine.txt").write_text("mine")
        return read(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(dataset, "rendition_bytes", meanwhile)
    with pytest.raises(ConflictError, match="out is there already"):
        world.export(place, "coco")
    assert [path.name for path in place.iterdir()] == ["mine.txt"]
    assert not list(tmp_path.glob(".*.partial"))


@pytest.mark.parametrize("layout", FORMATS)
def test_an_export_that_fails_leaves_nothing(world: Voted, tmp_path: Path, layout: str) -> None:
    name = f"renditions/{world.items[2].content_hash[:2]}/{world.items[2].content_hash}.jpg"
    (rendition,) = tmp_path.rglob(name)
    rendition.unlink()
    Path(world.items[2].uri).unlink()  # of which it would be made anew
    with pytest.raises(NotFoundError, match=r"cannot be made anew .*: bring .* back"):
        world.export(tmp_path / "deep" / "out", layout)
    assert list((tmp_path / "deep").iterdir()) == []


@pytest.mark.slow
def test_an_export_that_is_killed_leaves_only_a_partial_folder(world: Voted, tmp_path: Path) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from alflow.settings import Settings
from alflow.workflow.answers import dataset
from alflow.workspace import Workspace
read, done = dataset.rendition_bytes, []
def deadly(*args):
    if len(done) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    done.append(1)
    return read(*args)
dataset.rendition_bytes = deadly
workspace = Workspace.open(Settings(home=Path(sys.argv[1]), database_url=sys.argv[2]))
dataset.export_dataset(workspace, 1, Path(sys.argv[3]), "webdataset")
"""
    settings = world.workspace.settings
    args = [sys.executable, "-c", program, str(settings.home), settings.database_url, str(tmp_path / "out")]
    died = subprocess.run(args, check=False, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    assert died.returncode == -9
    assert not (tmp_path / "out").exists()
    assert [path.name[:5] for path in tmp_path.glob(".*.partial")] == [".out."]
    world.export(tmp_path / "out", "webdataset")
    assert len(_jpegs(tmp_path / "out")) == 4


@pytest.mark.parametrize("layout", FORMATS)
def test_withdrawn_answers_stay_out(world: Voted, tmp_path: Path, layout: str) -> None:
    world.export(tmp_path / "out", layout)
    withdrawn_at = "12:32:15"
    for path in (tmp_path / "out").rglob("*"):
        assert path.is_dir() or withdrawn_at.encode() not in path.read_bytes()


def test_a_reviewers_decision_goes_before_votes_and_import(world: Voted, tmp_path: Path) -> None:
    from alflow.store.answers import adjudications
    from alflow.store.answers.adjudications import NewAdjudication
    from alflow.store.people import annotators
    from alflow.store.projects import projects
    from tests.voted import START

    with world.workspace.database.begin() as tx:
        eve, light = annotators.get_or_create(tx, "eve").id, projects.classes(tx, world.project.id)[2].id
        for item, class_id in ((world.items[0], light), (world.items[5], None)):
            adjudications.settle(tx, NewAdjudication(world.project.id, item.id, eve, class_id, "", (), START))
    assert world.export(tmp_path / "out", "fiftyone", unlabelled=True).labelled == 2
    rows = [line for line in (tmp_path / "out" / "labels.jsonl").read_text().splitlines() if '"eve"' in line]
    assert len(rows) == 1
    assert '"label": "traffic_light", "label_from": "eve"' in rows[0]


def test_pages_lose_and_repeat_nothing(world: Voted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for page in (1, 2, 3, 4):
        monkeypatch.setattr(dataset, "_PAGE", page)
        assert world.export(tmp_path / str(page), "webdataset", unlabelled=True).images == 6
        assert len(_jpegs(tmp_path / str(page))) == 6
        shutil.rmtree(tmp_path / str(page))


@pytest.mark.parametrize("layout", FORMATS)
def test_nothing_to_write_is_said(world: Voted, tmp_path: Path, layout: str) -> None:
    with pytest.raises(InvalidInputError, match=r"'yolo': choose one of imagefolder, coco"):
        world.export(tmp_path / "out", "yolo")
    with world.workspace.database.begin() as tx:
        tx.exec_driver_sql("UPDATE label SET withdrawn_at = at")
        tx.exec_driver_sql("UPDATE item SET truth = NULL")
    with pytest.raises(ConflictError, match="no image of project 'pets' has a class or a vote"):
        world.export(tmp_path / "out", layout)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("folder", "error", "message"),
    [
        ("nosuch://bucket/out", InvalidInputError, "is no address of a file system that is known"),
        ("http://127.0.0.1:9/out", UnavailableError, "out"),
        ("{tmp}/file/out", UnavailableError, "Not a directory"),
        ("{tmp}/" + "x" * 300, UnavailableError, "too long"),
    ],
)
def test_a_place_that_cannot_be_written_is_named(
    world: Voted, tmp_path: Path, folder: str, error: type[AlflowError], message: str
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(error, match=message):
        export_dataset(world.workspace, world.project.id, folder.format(tmp=tmp_path), "coco")
    assert not Path("s3:").exists()


@pytest.mark.parametrize("layout", FORMATS)
def test_an_address_holds_what_a_folder_would(world: Voted, tmp_path: Path, layout: str) -> None:
    place = f"memory://{tmp_path.name}-{layout}/deep/out"
    assert world.export(place, layout) == world.export(tmp_path / "out", layout)
    files, root = fsspec.url_to_fs(place)
    far = {path.removeprefix(f"{root}/"): files.cat_file(path) for path in files.find(root)}
    near = {str(path.relative_to(tmp_path / "out")): path for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert sorted(far) == sorted(near)
    for name in (name for name in near if name.endswith((".jpg", ".jsonl"))):
        assert far[name] == near[name].read_bytes()
    with pytest.raises(ConflictError, match="out is there already"):
        world.export(place, layout)


@pytest.mark.slow
def test_rounds_and_scores_travel(workspace: Workspace, project: Project, tmp_path: Path) -> None:
    advance(workspace, project.id)
    answer(workspace, project)
    for layout in FORMATS:
        export_dataset(workspace, project.id, tmp_path / layout, layout)
    rows = [json.loads(line) for line in (tmp_path / "fiftyone" / "labels.jsonl").read_text().splitlines()]
    votes = [vote for row in rows for vote in row["votes"]]
    known = {row.rank: row for row in label_rows(workspace, project.id)}
    assert len(votes) == len(known) == 4
    for vote in votes:
        row = known[vote["rank"]]
        assert (vote["round_number"], vote["strategy"], vote["origin"]) == (1, "margin", row.origin)
        assert (vote["score"], vote["posterior"]) == (row.score, row.posterior)
    for layout, name in {
        "cvat": "annotations.xml",
        "label-studio": "tasks.json",
        "coco": "annotations/pool.json",
        "croissant": "labels.jsonl",
        "imagefolder": "train/metadata.jsonl",
    }.items():
        text = (tmp_path / layout / name).read_text()
        assert all(str(row.score) in text for row in known.values() if row.score is not None)


@pytest.mark.parametrize(
    ("uri", "stem"),
    [
        ("/a/b/Cat 1.JPG", "Cat-1"),
        ("s3://bucket/x.tar.gz?sig=1", "x-tar"),
        ("zip://in/ä.png::https://host/a.zip", "a"),
        ("/a/..png", "image"),
        ("/a/目.png", "image"),
        ("C:\\a\\con.png", "con"),
        (f"/a/{'x' * 300}.png", "x" * 40),
        ("/a/-rf.png", "rf"),
    ],
)
def test_names_are_safe(uri: str, stem: str) -> None:
    assert safe_stem(uri) == stem


def _jpegs(folder: Path) -> dict[str, bytes]:
    found = {path.name: path.read_bytes() for path in folder.rglob("*.jpg")}
    for path in folder.rglob("*.tar"):
        with tarfile.open(path) as shard:
            for member in shard:
                if member.name.endswith(".jpg"):
                    found[member.name] = shard.extractfile(member).read()  # type: ignore[union-attr]
    return found
