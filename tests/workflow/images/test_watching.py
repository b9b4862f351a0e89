"""Watched sources: what is new enters by itself, what is known costs nothing, and a source that is gone is told."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.domain.watches import CHANGED, Watch
from alflow.errors import ConflictError, InvalidInputError, NotFoundError
from alflow.store.images import items
from alflow.workflow.images import taking
from alflow.workflow.images.pool import image_counts, import_items
from alflow.workflow.images.taking import bring_watched
from alflow.workflow.images.watching import due_watches, look, unwatch, watch, watched
from alflow.workflow.projects.projects import create_project, name_classes
from alflow.workspace import Workspace
from tests import tiny
from tests.watching import an_hour_later

KNOWN, NEW, READY, REFUSED, GONE = "known", "new", "ready", "refused", "gone"


@pytest.fixture
def pets(each_workspace: Workspace) -> Project:
    return create_project(each_workspace, "pets", "demo", "fp32", name_classes(["cat", "dog"]))


@pytest.fixture
def growing(tmp_path: Path) -> Path:
    folder = tmp_path / "growing"
    for name, seed in {"cat/a.png": 1, "dog/b.png": 2}.items():
        tiny.write_picture(folder / name, seed)
    return folder


def see(workspace: Workspace, project: Project, times: int = 1) -> Watch:
    """Look so many times, each as long after the last as it is looked at; returns what is known then."""
    for _ in range(times):
        (one,) = watched(workspace, project.id)
        an_hour_later(workspace, one)
        look(workspace, one)
    (one,) = watched(workspace, project.id)
    return one


def states(one: Watch) -> dict[str, int]:
    return {name: count for name, count in one.files.items() if count}


def test_what_comes_enters_once_it_is_whole_with_the_accounting_of_an_import(
    each_workspace: Workspace, pets: Project, growing: Path
) -> None:
    made = watch(each_workspace, pets, str(growing))
    assert states(made) == {NEW: 2}
    assert bring_watched(each_workspace, pets) == [], "they may still be written"
    look(each_workspace, made)
    assert states(*watched(each_workspace, pets.id)) == {NEW: 2}, "no time has passed since"
    assert states(see(each_workspace, pets)) == {READY: 2}
    (brought,) = bring_watched(each_workspace, pets)
    assert (brought.source, brought.files, brought.changed, brought.report.added) == (str(growing), 2, 0, 2)
    assert states(*watched(each_workspace, pets.id)) == {KNOWN: 2}
    tiny.write_picture(growing / "bird/c.png", 3)
    (growing / "notes.txt").write_text("no picture")
    (growing / ".hidden.png").write_bytes(b"")
    see(each_workspace, pets, 2)
    (brought,) = bring_watched(each_workspace, pets)
    assert (brought.report.added, [one.label for one in brought.report.unknown_labels]) == (1, ["bird"])
    assert [one.uri for one in brought.report.rejected] == [str(growing / "notes.txt")]
    assert brought.report.left_out == {"hidden files": 1}
    (one,) = watched(each_workspace, pets.id)
    assert states(one) == {KNOWN: 3, REFUSED: 1}
    assert image_counts(each_workspace, pets.id)[Split.POOL] == 3
    with each_workspace.database.read() as tx:
        assert len(items.truths(tx, pets.id)) == 2
        assert [each.uri for each in items.rejections(tx, pets.id)] == [str(growing / "notes.txt")]


def test_a_file_that_grows_is_not_taken(each_workspace: Workspace, pets: Project, growing: Path) -> None:
    whole = (growing / "cat/a.png").read_bytes()
    half = growing / "half.png"
    half.write_bytes(whole[:40])
    watch(each_workspace, pets, str(growing))
    half.write_bytes(whole[:90])
    assert states(see(each_workspace, pets)) == {READY: 2, NEW: 1}
    (brought,) = bring_watched(each_workspace, pets)
    assert brought.report.rejected == ()
    half.write_bytes(whole)
    see(each_workspace, pets, 2)
    (brought,) = bring_watched(each_workspace, pets)
    assert (brought.report.known, brought.report.rejected) == (1, ()), "the same bytes as another"


def test_what_is_known_is_not_read_again(
    each_workspace: Workspace, pets: Project, growing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(each_workspace, pets, str(growing))
    see(each_workspace, pets)
    bring_watched(each_workspace, pets)
    read: list[str] = []
    plain = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *args, **more: read.append(str(self)) or plain(self, *args, **more))
    see(each_workspace, pets, 3)
    assert bring_watched(each_workspace, pets) == []
    assert [path for path in read if path.startswith(str(growing))] == []


def test_what_changed_and_what_is_gone_is_told_and_no_image_is_lost(
    each_workspace: Workspace, pets: Project, growing: Path
) -> None:
    watch(each_workspace, pets, str(growing))
    see(each_workspace, pets)
    bring_watched(each_workspace, pets)
    tiny.write_picture(growing / "cat/a.png", 7)
    (growing / "dog/b.png").rename(growing.parent / "b.png")
    assert states(see(each_workspace, pets, 2)) == {READY: 1, GONE: 1, CHANGED: 1}
    (brought,) = bring_watched(each_workspace, pets)
    assert (brought.files, brought.changed, brought.report.added) == (1, 1, 1)
    assert image_counts(each_workspace, pets.id)[Split.POOL] == 3
    (growing.parent / "b.png").rename(growing / "dog/b.png")
    assert states(see(each_workspace, pets)) == {KNOWN: 2, CHANGED: 1}
    assert bring_watched(each_workspace, pets) == [], "it is as it was"


def test_a_file_that_never_was_taken_leaves_no_trace(each_workspace: Workspace, pets: Project, growing: Path) -> None:
    (growing / "cat/a.png.part").write_bytes(b"\x89PNG half")
    watch(each_workspace, pets, str(growing))
    see(each_workspace, pets)
    (brought,) = bring_watched(each_workspace, pets)
    assert len(brought.report.rejected) == 1
    (growing / "cat/a.png.part").unlink()
    assert states(see(each_workspace, pets)) == {KNOWN: 2}
    with each_workspace.database.read() as tx:
        assert items.rejections(tx, pets.id) == []


def test_a_source_that_is_gone_is_told_with_pauses_and_comes_back(
    each_workspace: Workspace, pets: Project, growing: Path, tmp_path: Path
) -> None:
    watch(each_workspace, pets, str(growing), every=5)
    see(each_workspace, pets)
    bring_watched(each_workspace, pets)
    growing.rename(tmp_path / "elsewhere")
    pauses = []
    for _ in range(3):
        one = see(each_workspace, pets)
        assert one.trouble == f"there is no file or folder {growing}"
        pauses.append(round((one.next_at - datetime.now(UTC)) / timedelta(seconds=10)))
    assert pauses == [3, 6, 12]
    assert due_watches(each_workspace) == []
    growing.mkdir()  # as an empty mount point
    one = see(each_workspace, pets)
    assert one.trouble is not None
    assert "is empty, and 2 files of it were taken: look whether its disk is mounted" in one.trouble
    assert states(one) == {KNOWN: 2}
    growing.rmdir()
    (tmp_path / "elsewhere").rename(growing)
    one = see(each_workspace, pets)
    assert (one.trouble, one.times, states(one)) == (None, 0, {KNOWN: 2})


def test_what_cannot_be_read_is_told_and_tried_again(each_workspace: Workspace, pets: Project, growing: Path) -> None:
    watch(each_workspace, pets, str(growing))
    see(each_workspace, pets)
    kept = (growing / "cat/a.png").rename(growing.parent / "kept.png")  # gone after it was looked at
    (brought,) = bring_watched(each_workspace, pets)
    assert (brought.report.added, len(brought.report.rejected)) == (1, 1)
    assert states(*watched(each_workspace, pets.id)) == {KNOWN: 1, REFUSED: 1}
    kept.rename(growing / "cat/a.png")
    assert states(see(each_workspace, pets)) == {KNOWN: 1, READY: 1}
    (brought,) = bring_watched(each_workspace, pets)
    assert brought.report.added == 1
    with each_workspace.database.read() as tx:
        assert items.rejections(tx, pets.id) == []


def test_links_and_hostile_names_are_treated_as_in_an_import(
    each_workspace: Workspace, pets: Project, growing: Path, tmp_path: Path
) -> None:
    tiny.write_picture(tmp_path / "outside.png", 9)
    (growing / "out.png").symlink_to(tmp_path / "outside.png")
    (growing / "loop").symlink_to(growing)
    shutil.copy(growing / "cat/a.png", os.fsencode(growing) + b"/\xff\xfe.png")
    tiny.write_picture(growing / "=cmd()\n\x1b[31m\u202e'\".png", 4)
    watch(each_workspace, pets, str(growing))
    one = see(each_workspace, pets)
    assert states(one) == {READY: 3}
    assert sorted(one.left_out.values()) == [1, 1]
    (brought,) = bring_watched(each_workspace, pets)
    assert brought.report.added == 3
    with each_workspace.database.read() as tx:
        (nameless,) = items.rejections(tx, pets.id)
    assert "the name of the file is not valid text" in nameless.reason
    unwatch(each_workspace, pets, str(growing))
    again = watch(each_workspace, pets, str(growing), anywhere=True)
    assert states(again) == {NEW: 4}


def test_a_folder_inside_that_cannot_be_read_is_told_and_nothing_in_it_is_gone(
    each_workspace: Workspace, pets: Project, growing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(each_workspace, pets, str(growing))
    see(each_workspace, pets)
    bring_watched(each_workspace, pets)
    plain = os.scandir

    def refused(path: Any) -> Any:
        if str(path) == str(growing / "cat"):
            raise PermissionError(13, "Permission denied")
        return plain(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refused)
        assert states(see(each_workspace, pets)) == {KNOWN: 2}
    with each_workspace.database.read() as tx:
        (shut,) = items.rejections(tx, pets.id)
    assert (shut.uri, shut.reason) == (str(growing / "cat"), "the folder cannot be read: Permission denied")
    see(each_workspace, pets)
    with each_workspace.database.read() as tx:
        assert items.rejections(tx, pets.id) == []


def test_what_is_imported_by_hand_meanwhile_is_known(each_workspace: Workspace, pets: Project, growing: Path) -> None:
    watch(each_workspace, pets, str(growing))
    import_items(each_workspace, pets, str(growing))
    see(each_workspace, pets)
    (brought,) = bring_watched(each_workspace, pets)
    assert (brought.report.added, brought.report.known) == (0, 2)


def test_a_run_takes_some_and_the_next_the_rest(
    each_workspace: Workspace, pets: Project, growing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "_A_RUN", 1)
    watch(each_workspace, pets, str(growing))
    see(each_workspace, pets)
    assert [[one.files for one in bring_watched(each_workspace, pets)] for _ in range(3)] == [[1], [1], []]


def test_only_a_folder_or_a_prefix_can_be_watched(each_workspace: Workspace, pets: Project, growing: Path) -> None:
    (growing / "list.csv").write_text("path\ncat/a.png\n")
    for source in (
        str(growing / "list.csv"),
        str(growing / "cat/a.png"),
        "https://example.org/photos/",
        "s3://b/all.zip",
    ):
        with pytest.raises(InvalidInputError, match="cannot be watched, as a folder or a prefix of a bucket can"):
            watch(each_workspace, pets, source)
    with pytest.raises(InvalidInputError, match="there is no file or folder"):
        watch(each_workspace, pets, str(growing / "absent"))
    with pytest.raises(InvalidInputError, match=r"cannot be 0\.5: 1 to 86,400"):
        watch(each_workspace, pets, str(growing), every=0.5)
    assert watched(each_workspace, pets.id) == []


def test_a_source_is_watched_once_and_stopped_by_any_of_its_names(
    each_workspace: Workspace, pets: Project, growing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(growing.parent)
    watch(each_workspace, pets, "growing/")
    with pytest.raises(ConflictError, match="is watched already"):
        watch(each_workspace, pets, str(growing), Split.TEST)
    with pytest.raises(NotFoundError, match=f"it watches {growing}"):
        unwatch(each_workspace, pets, "other")
    see(each_workspace, pets)
    bring_watched(each_workspace, pets)
    shutil.rmtree(growing)
    unwatch(each_workspace, pets, "growing")
    assert watched(each_workspace, pets.id) == []
    assert image_counts(each_workspace, pets.id)[Split.POOL] == 2


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Objects of S3 that were read."""
    s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed (extra `s3`)")
    read: list[str] = []
    plain = s3fs.S3FileSystem._cat_file

    async def cat(self: Any, path: str, *args: Any, **options: Any) -> bytes:
        read.append(path)
        data: bytes = await plain(self, path, *args, **options)
        return data

    monkeypatch.setattr(s3fs.S3FileSystem, "_cat_file", cat)
    opened = s3fs.S3FileSystem._open

    def open_(self: Any, path: str, *args: Any, **options: Any) -> Any:
        read.append(path)
        return opened(self, path, *args, **options)

    monkeypatch.setattr(s3fs.S3FileSystem, "_open", open_)
    s3fs.S3FileSystem.clear_instance_cache()
    yield read
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.mark.slow
def test_a_prefix_of_a_bucket_is_listed_without_reading_an_object(
    each_workspace: Workspace, pets: Project, growing: Path, bucket: str, counted: list[str]
) -> None:
    import s3fs

    place, files = f"{bucket}/{uuid4().hex}", s3fs.S3FileSystem()
    for name in ("cat/a.png", "dog/b.png"):
        files.put_file(str(growing / name), f"{place}/{name}")
    made = watch(each_workspace, pets, f"{place}/")
    assert (made.source, states(made)) == (place, {READY: 2})
    assert counted == []
    (brought,) = bring_watched(each_workspace, pets)
    assert brought.report.added == 2
    assert len(counted) == 2
    with each_workspace.database.read() as tx:
        assert len(items.truths(tx, pets.id)) == 2
    counted.clear()
    see(each_workspace, pets, 2)
    assert bring_watched(each_workspace, pets) == []
    files.put_file(str(growing / "dog/b.png"), f"{place}/cat/a.png")
    files.rm_file(f"{place}/dog/b.png")
    assert states(see(each_workspace, pets)) == {READY: 1, GONE: 1, CHANGED: 1}
    assert counted == []
    (brought,) = bring_watched(each_workspace, pets)
    assert (brought.changed, brought.report.known) == (1, 1)
    files.rm(place, recursive=True)
    one = see(each_workspace, pets)
    assert one.trouble is not None
    assert states(one) == {KNOWN: 1, GONE: 1, CHANGED: 1}
