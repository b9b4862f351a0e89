import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import fsspec
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from alflow.domain.images import Item, Split
from alflow.domain.projects import Project
from alflow.errors import InvalidInputError, NotFoundError
from alflow.store.images import items
from alflow.workflow.images import addresses, pool
from alflow.workflow.images.imported import remarks
from alflow.workflow.images.pool import import_items, rendition_bytes, rendition_hash
from alflow.workflow.projects.projects import create_project, name_classes, project_classes
from alflow.workspace import Workspace
from tests import tiny


def stored(workspace: Workspace, project: Project) -> list[Item]:
    with workspace.database.read() as tx:
        return items.list_(tx, project.id)


def rejected(workspace: Workspace, project: Project) -> dict[str, str]:
    with workspace.database.read() as tx:
        return {Path(one.uri).name: one.reason for one in items.rejections(tx, project.id)}


def class_id(workspace: Workspace, project: Project, name: str) -> int:
    return next(label.id for label in project_classes(workspace, project.id) if label.name == name)


def test_a_folder_becomes_items_in_a_fixed_order(workspace: Workspace, pets: Project, pictures: Path) -> None:
    report = import_items(workspace, pets, str(pictures))
    assert (report.added, report.known, report.rejected) == (5, 0, ())
    found = stored(workspace, pets)
    assert [Path(item.uri).name for item in found] == ["0.png", "1.jpg", "2.webp", "3.bmp", "4.tiff"]
    for item in found:
        assert item.content_hash == hashlib.sha256(Path(item.uri).read_bytes()).hexdigest()
        assert (item.width, item.height, item.split, item.truth) == (48, 40, Split.POOL, None)


def test_importing_again_adds_only_what_is_new(workspace: Workspace, pets: Project, pictures: Path) -> None:
    import_items(workspace, pets, str(pictures))
    before = stored(workspace, pets)
    tiny.write_picture(pictures / "new.png", seed=9)
    shutil.copy(pictures / "0.png", pictures / "copy of 0.png")
    report = import_items(workspace, pets, str(pictures), Split.TEST)
    assert (report.added, report.known) == (1, 6)
    assert stored(workspace, pets)[:5] == before
    assert stored(workspace, pets)[5].split is Split.TEST
    third = import_items(workspace, pets, str(pictures))
    assert (third.added, third.known, third.rejected) == (0, 7, ())


def test_no_file_stops_a_run_and_each_is_recorded(workspace: Workspace, pets: Project, pictures: Path) -> None:
    (pictures / "empty.jpg").touch()
    (pictures / "notes.txt").write_text("not a picture")
    (pictures / "cut.png").write_bytes((pictures / "0.png").read_bytes()[:60])
    (pictures / ".hidden.png").write_bytes(b"")
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue")]
    frames[0].save(pictures / "moving.gif", save_all=True, append_images=frames[1:])
    report = import_items(workspace, pets, str(pictures))
    assert (report.added, len(report.rejected)) == (5, 4)
    reasons = rejected(workspace, pets)
    assert set(reasons) == {"empty.jpg", "notes.txt", "cut.png", "moving.gif"}
    assert reasons["empty.jpg"] == "the file is empty"
    assert "several frames" in reasons["moving.gif"]
    import_items(workspace, pets, str(pictures))
    assert rejected(workspace, pets).keys() == reasons.keys()


def test_odd_names_and_things_that_are_no_files_stop_nothing(
    workspace: Workspace, pets: Project, pictures: Path
) -> None:
    odd = pictures / os.fsdecode(b"odd \xff.png")
    shutil.copy(pictures / "0.png", odd)
    os.mkfifo(pictures / "pipe.png")
    (pictures / "loop").symlink_to(pictures, target_is_directory=True)
    (pictures.parent / "manifest.csv").write_text("path\npictures/pipe.png\npictures\npictures/0.png\n")
    assert import_items(workspace, pets, str(pictures)).added == 5
    assert import_items(workspace, pets, str(pictures.parent / "manifest.csv")).known == 1
    assert rejected(workspace, pets) == {
        "odd \\udcff.png": "the name of the file is not valid text: rename it",
        "pipe.png": "it is not a file (row 2 of the manifest)",
        "pictures": "it is not a file (row 3 of the manifest)",
    }


def test_an_image_folder_tree_keeps_its_labels_as_truth(workspace: Workspace, pets: Project, tmp_path: Path) -> None:
    for seed, name in enumerate(("cat/a.png", "dog/b.png", "traffic light/deep/c.png", "zebra/d.png", "e.png")):
        tiny.write_picture(tmp_path / "tree" / name, seed)
    report = import_items(workspace, pets, str(tmp_path / "tree"), Split.TEST)
    names = {label.id: label.name for label in project_classes(workspace, pets.id)} | {None: None}
    truths = {Path(item.uri).stem: names[item.truth] for item in stored(workspace, pets)}
    assert truths == {"a": "cat", "b": "dog", "c": "traffic_light", "d": None, "e": None}
    assert {one.label: one.images for one in report.unknown_labels} == {"zebra": 1}
    assert remarks(report) == [
        "1 folder names no class: 'zebra' (1 image)",
        f"1 test image has no label: {tmp_path / 'tree/e.png'}",
    ]


def test_labels_can_be_added_later_and_corrected(workspace: Workspace, pets: Project, tmp_path: Path) -> None:
    picture = tiny.write_picture(tmp_path / "tree/cat/a.png", 1)
    import_items(workspace, pets, str(picture))
    assert stored(workspace, pets)[0].truth is None
    import_items(workspace, pets, str(tmp_path / "tree"))
    assert stored(workspace, pets)[0].truth == class_id(workspace, pets, "cat")
    (tmp_path / "tree/cat").rename(tmp_path / "tree/dog")
    report = import_items(workspace, pets, str(tmp_path / "tree"))
    assert stored(workspace, pets)[0].truth == class_id(workspace, pets, "dog")
    assert remarks(report) == [
        f"1 known image has a new place: {picture} -> {tmp_path / 'tree/dog/a.png'}",
        f"1 label corrected: {tmp_path / 'tree/dog/a.png'} 'cat' -> 'dog'",
    ]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (["pictures/0.png,dogs,pool"], r"1 label names no class: 'dogs' \(1 image\): did you mean 'dog'\?"),
        (["pictures/0.png,Cat,"], r"'Cat' \(1 image\): did you mean 'cat'\?"),
        (["pictures/0.png,cat,", "pictures/1.jpg,,test"], r"1 test image has no label: \S*/pictures/1.jpg"),
        (["pictures/0.png,cat,", "pictures/1.jpg,,TEST"], r"1 test image has no label"),
        (
            ["pictures/0.png,cat,", "pictures/0.png,dog,"],
            r"1 picture is under two classes: \S*/0.png 'dog', but \S* 'cat'",
        ),
        (
            ["pictures/0.png,cat,", "pictures/1.jpg,dog,holdout"],
            r"there is no split 'holdout': .* \(row 3 of the manifest\)",
        ),
        (["pictures/0.png,cat,", ",dog,"], r"row 3: its 'path' is empty"),
    ],
)
def test_strict_imports_nothing_where_a_label_is_wrong(
    workspace: Workspace, pets: Project, pictures: Path, rows: list[str], reason: str
) -> None:
    manifest = pictures.parent / "manifest.csv"
    manifest.write_text("\n".join(["path,label,split", *rows]))
    with pytest.raises(InvalidInputError, match=reason):
        import_items(workspace, pets, str(manifest), strict=True)
    assert stored(workspace, pets) == []
    assert import_items(workspace, pets, str(manifest)).added >= 1
    manifest.write_text("path,label\npictures/0.png,cat\npictures/1.jpg,\n")
    report = import_items(workspace, pets, str(manifest), strict=True)  # the pool needs no labels
    assert report.added + report.known == 2
    with pytest.raises(InvalidInputError, match="1 test image has no label"):
        import_items(workspace, pets, str(manifest), Split.TEST, strict=True)


ROWS = [
    {"path": "pictures/0.png", "label": "cat", "split": "pool"},
    {"path": "pictures/1.jpg", "label": "dog", "split": "TEST"},
    {"path": "pictures/2.webp", "label": None, "split": None},
    {"path": "pictures/3.bmp", "label": "dog", "split": "holdout"},
    {"path": "pictures/nowhere.png", "label": "", "split": ""},
]


def write_manifest(path: Path) -> None:
    if path.suffix == ".parquet":
        parquet.write_table(pa.Table.from_pylist(ROWS), path)
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(row) for row in ROWS) + "\n\n")
    else:
        mark = "\t" if path.suffix == ".tsv" else ","
        lines = [mark.join(ROWS[0]), *(mark.join(value or "" for value in row.values()) for row in ROWS)]
        path.write_text("\n".join(lines), encoding="utf-8-sig")


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_manifests(workspace: Workspace, pets: Project, pictures: Path, suffix: str) -> None:
    header = suffix in {"csv", "tsv"}  # which is line 1, as an editor counts
    manifest = pictures.parent / f"manifest.{suffix}"
    write_manifest(manifest)
    report = import_items(workspace, pets, str(manifest), Split.TARGET)
    names = {label.id: label.name for label in project_classes(workspace, pets.id)} | {None: None}
    found = {Path(item.uri).name: (item.split, names[item.truth]) for item in stored(workspace, pets)}
    assert found == {
        "0.png": (Split.POOL, "cat"),
        "1.jpg": (Split.TEST, "dog"),
        "2.webp": (Split.TARGET, None),
    }
    assert rejected(workspace, pets) == {
        "3.bmp": f"there is no split 'holdout': choose one of pool, target, test (row {4 + header} of the manifest)",
        "nowhere.png": f"the file does not exist (row {5 + header} of the manifest)",
    }
    assert (report.added, report.known) == (3, 0)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "file,label\nx.png,cat\n", "needs 'path' or 'uri' in row 1; it has: file, label"),
        ("a.jsonl", "{}\n[", "cannot be read"),
        ("a.jsonl", "[1]", "line 1 is no JSON object"),
        ("a.parquet", "nonsense", "cannot be read"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_named(
    workspace: Workspace, pets: Project, tmp_path: Path, name: str, text: str, message: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInputError, match=f"{name} .*{message}|{name} needs"):
        import_items(workspace, pets, str(tmp_path / name))


def test_a_source_that_does_not_exist_is_named(workspace: Workspace, pets: Project) -> None:
    with pytest.raises(InvalidInputError, match="no file or folder /nowhere/at/all"):
        import_items(workspace, pets, "/nowhere/at/all")
    with pytest.raises(InvalidInputError, match="gopher://x cannot be reached"):
        import_items(workspace, pets, "gopher://x")


def test_urls_of_other_file_systems(
    workspace: Workspace, pets: Project, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for known in ("SCHEMES", "BUCKETS"):  # fsspec's memory stands for a bucket, which no test can have
        monkeypatch.setattr(addresses, known, (*getattr(addresses, known), "memory"))
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/bucket/inbox/a.png", (pictures / "0.png").read_bytes())
    memory.pipe_file("/bucket/lists/all.csv", b"uri\nmemory://bucket/inbox/b.jpg\n../inbox/a.png\n../../a.png\n")
    memory.pipe_file("/bucket/inbox/b.jpg", (pictures / "1.jpg").read_bytes())
    assert import_items(workspace, pets, "memory://bucket/inbox").added == 2
    listed = import_items(workspace, pets, "memory://bucket/lists/all.csv")
    assert (listed.known, [one.uri for one in listed.rejected]) == (2, ["memory://bucket/lists/all.csv, row 4"])
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(pictures / "2.webp", "cat/2.webp")
    assert import_items(workspace, pets, f"zip://::{tmp_path / 'all.zip'}").added == 1
    item = stored(workspace, pets)[-1]
    assert item.truth == class_id(workspace, pets, "cat")
    with fsspec.open(item.uri, "rb") as file:
        assert hashlib.sha256(file.read()).hexdigest() == item.content_hash


def test_one_image_is_a_source_too(workspace: Workspace, pets: Project, pictures: Path) -> None:
    assert import_items(workspace, pets, str(pictures / "3.bmp")).added == 1


def test_renditions_fit_the_screen(workspace: Workspace, pets: Project, tmp_path: Path) -> None:
    tiny.write_picture(tmp_path / "in/wide.jpg", 1, (2400, 600))
    import_items(workspace, pets, str(tmp_path / "in"))
    (item,) = stored(workspace, pets)
    assert (item.width, item.height) == (2400, 600)
    sizes = {}
    for kind in pool.SIDES:
        with Image.open(io.BytesIO(rendition_bytes(workspace, pets.id, item.id, kind))) as image:
            assert image.format == "JPEG"
            sizes[kind] = image.size
    assert sizes == {"rendition": (1024, 256), "thumbnail": (256, 64)}
    with pytest.raises(InvalidInputError, match="no rendition 'poster'"):
        rendition_bytes(workspace, pets.id, item.id, "poster")
    with pytest.raises(NotFoundError, match="999"):
        rendition_bytes(workspace, pets.id, 999, "thumbnail")
    with pytest.raises(NotFoundError, match="no item of this project"):
        rendition_bytes(workspace, pets.id + 1, item.id, "thumbnail")


def test_a_removed_rendition_says_so_and_comes_back(workspace: Workspace, pets: Project, pictures: Path) -> None:
    import_items(workspace, pets, str(pictures))
    item = stored(workspace, pets)[0]
    (path,) = Path(workspace.settings.artifacts).rglob(f"thumbnails/*/{item.content_hash}.jpg")
    path.unlink()
    source = Path(item.uri).rename(pictures.parent / "aside.png")
    with pytest.raises(NotFoundError, match=r"the thumbnail of item \d+ is damaged or lost.*: bring .*0\.png back"):
        rendition_bytes(workspace, pets.id, item.id, "thumbnail")
    source.rename(item.uri)
    assert import_items(workspace, pets, str(pictures)).added == 0
    assert path.exists()


def test_the_hash_of_a_rendition_that_comes_back_is_known_again(
    workspace: Workspace, pets: Project, pictures: Path
) -> None:
    import_items(workspace, pets, str(pictures))
    item = stored(workspace, pets)[0]
    (path,) = Path(workspace.settings.artifacts).rglob(f"thumbnails/*/{item.content_hash}.jpg")
    data = path.read_bytes()
    path.unlink()
    assert rendition_hash(workspace, item.content_hash, "thumbnail") is None
    assert rendition_hash(workspace, item.content_hash, "poster") is None
    path.write_bytes(data)
    assert rendition_hash(workspace, item.content_hash, "thumbnail") == hashlib.sha256(data).hexdigest()


def test_projects_share_renditions_not_items(workspace: Workspace, pets: Project, pictures: Path) -> None:
    import_items(workspace, pets, str(pictures))
    kept = {path: path.stat().st_mtime_ns for path in Path(workspace.settings.artifacts).rglob("*.jpg")}
    other = create_project(workspace, "other", pets.model, "fp32", name_classes(["a", "b"]))
    assert import_items(workspace, other, str(pictures)).added == 5
    assert {path: path.stat().st_mtime_ns for path in Path(workspace.settings.artifacts).rglob("*.jpg")} == kept


class KilledError(Exception):
    """Stands for the end of the process."""


def test_a_killed_import_is_continued(
    workspace: Workspace, pets: Project, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_A_TRANSACTION", 2)

    def kill(done: int, total: int | None) -> None:
        assert total == 5
        if done == 4:
            raise KilledError

    with pytest.raises(KilledError):
        import_items(workspace, pets, str(pictures), progress=kill)
    assert len(stored(workspace, pets)) == 4
    steps: list[tuple[int, int | None]] = []
    report = import_items(workspace, pets, str(pictures), progress=lambda *step: steps.append(step))
    assert (report.added, report.known) == (1, 4)
    assert steps == [(0, 5), (2, 5), (4, 5), (5, 5)]


@pytest.mark.parametrize(
    "harm",
    [
        lambda data: data[:-30],
        lambda data: data[:400] + b"\x00" + data[401:],
        lambda _: b"",
        lambda data: bytes(len(data)),
    ],
)
@pytest.mark.parametrize("kind", ["thumbnail", "rendition"])
def test_a_damaged_rendition_is_made_anew_from_its_source(
    workspace: Workspace, pets: Project, pictures: Path, kind: str, harm: Callable[[bytes], bytes]
) -> None:
    import_items(workspace, pets, str(pictures))
    item = stored(workspace, pets)[0]
    (path,) = Path(workspace.settings.artifacts).rglob(f"{kind}s/*/{item.content_hash}.jpg")
    data = rendition_bytes(workspace, pets.id, item.id, kind)
    path.write_bytes(harm(data))
    assert rendition_bytes(workspace, pets.id, item.id, kind) == data == path.read_bytes()
    path.unlink()
    assert rendition_bytes(workspace, pets.id, item.id, kind) == data == path.read_bytes()
    path.write_bytes(harm(data))
    (pictures / Path(item.uri).name).write_bytes(b"another picture")
    with pytest.raises(NotFoundError, match=rf"the {kind} of item \d+ is damaged.*was changed.*bring .*0\.png back"):
        rendition_bytes(workspace, pets.id, item.id, kind)
