"""Uploads: what is sent enters as an import would take it, whatever it is named, and however often it is sent."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.errors import InvalidInputError, UnavailableError
from alflow.settings import Settings
from alflow.store.images import items, watches
from alflow.workflow.images import once, upload_files
from alflow.workflow.images.allowed import allowed
from alflow.workflow.images.left_out import left_out, parted
from alflow.workflow.images.pool import image_counts, import_items
from alflow.workflow.images.shares import TO_POOL, Destination, checked, parse
from alflow.workflow.images.taking import bring_watched
from alflow.workflow.images.uploads import Arrival, Kept, ended, offered, safe_name
from alflow.workflow.images.watching import watched
from alflow.workflow.projects.projects import create_project, name_classes
from alflow.workflow.rounds.arrival import arrival
from alflow.workflow.rounds.turns import next_to_embed
from alflow.workflow.rounds.waiting import waiting
from alflow.workspace import Workspace
from tests import tiny


@pytest.fixture
def pets(each_workspace: Workspace) -> Project:
    return create_project(each_workspace, "pets", "demo", "fp32", name_classes(["cat", "dog"]))


@pytest.fixture
def pictures(tmp_path: Path) -> list[bytes]:
    return [tiny.write_picture(tmp_path / f"{seed}.png", seed).read_bytes() for seed in range(8)]


def send(workspace: Workspace, project: Project, path: str, data: bytes, to: Destination = TO_POOL) -> Kept:
    with Arrival(workspace, project, path, len(data), to) as arrival_:
        for start in range(0, len(data), 700):
            arrival_.write(data[start : start + 700])
        return arrival_.finish()


def packed(files: Sequence[tuple[str, bytes]]) -> bytes:
    with io.BytesIO() as memory:
        with zipfile.ZipFile(memory, "w") as archive:
            for name, data in files:
                archive.writestr(name, data)
        return memory.getvalue()


def reasons(workspace: Workspace, project: Project) -> dict[str, str]:
    with workspace.database.read() as tx:
        return {Path(one.uri).name: one.reason for one in items.rejections(tx, project.id)}


def test_images_archives_and_manifests_enter_with_the_accounting_of_an_import(
    each_workspace: Workspace, pets: Project, pictures: list[bytes]
) -> None:
    assert send(each_workspace, pets, "cat/a.png", pictures[0]) == Kept("cat/a.png", known=False, images=1)
    assert send(each_workspace, pets, "b.png", pictures[1]).images == 1
    members = [("dog/c.png", pictures[2]), ("dog/copy.png", pictures[1]), ("../up.png", pictures[3]), (".x", b"y")]
    assert send(each_workspace, pets, "all.zip", packed(members)).images == 2
    manifest = b"path,label,split\nb.png,dog,pool\nmissing.png,cat,pool\ncat/a.png,,nowhere\n"
    assert send(each_workspace, pets, "labels.csv", manifest).images == 3
    assert arrival(each_workspace, pets).ready == 7
    assert sum(one.report.added for one in bring_watched(each_workspace, pets)) == 3
    assert image_counts(each_workspace, pets.id)[Split.POOL] == 3
    with each_workspace.database.read() as tx:
        assert len(items.truths(tx, pets.id)) == 3  # by a folder, by the manifest, by a folder in the archive
    assert set(reasons(each_workspace, pets)) == {"missing.png"} | {"a.png"}
    kept = {Path(one.source).name: one for one in watched(each_workspace, pets.id)}
    assert {name: one.left_out for name, one in kept.items() if one.left_out} == {"all.zip": {"hidden files": 2}}
    assert kept["pool"].tally["added"] + kept["all.zip"].tally["added"] + kept["labels.csv"].tally.get("added", 0) == 3
    folder = each_workspace.settings.uploads
    assert oct(folder.stat().st_mode)[-2:] == "00"
    assert all(oct(file.stat().st_mode)[-2:] == "00" for file in folder.rglob("*") if file.is_file())
    assert not (folder / "up.png").exists()


def test_to_send_a_file_again_does_no_harm_and_other_bytes_get_another_name(
    each_workspace: Workspace, pets: Project, pictures: list[bytes]
) -> None:
    assert send(each_workspace, pets, "a.png", pictures[0]).name == "a.png"
    assert send(each_workspace, pets, "a.png", pictures[0]) == Kept("a.png", known=True, images=1)
    assert send(each_workspace, pets, "a.png", pictures[1]).name == "a (2).png"  # of somebody else
    assert send(each_workspace, pets, "a.png", pictures[1]) == Kept("a (2).png", known=True, images=1)
    bring_watched(each_workspace, pets)
    assert image_counts(each_workspace, pets.id)[Split.POOL] == 2
    (one,) = watched(each_workspace, pets.id)
    assert one.tally["bytes"] == len(pictures[0]) + len(pictures[1])


def test_what_was_refused_is_told_and_replaced_by_what_can_be_used(
    each_workspace: Workspace, pets: Project, pictures: list[bytes]
) -> None:
    with pytest.raises(InvalidInputError, match="is empty"):
        send(each_workspace, pets, "empty.jpg", b"")
    with pytest.raises(InvalidInputError, match="but text"):
        send(each_workspace, pets, "text.jpg", b"words, and no picture!\n" * 9)
    with pytest.raises(InvalidInputError, match="larger than 256 MB"):
        offered(each_workspace, pets, "huge.png", 300 * 2**20, pictures[0][:100], TO_POOL)
    with pytest.raises(InvalidInputError, match=r"^the archive bad\.zip"):  # not where the server would keep it
        send(each_workspace, pets, "bad.zip", b"PK\x03\x04 no archive")
    moving = io.BytesIO()
    Image.new("RGB", (60, 40), "red").save(moving, "GIF", save_all=True, append_images=[Image.new("RGB", (60, 40))])
    send(each_workspace, pets, "moving.gif", moving.getvalue())
    send(each_workspace, pets, "cut.png", pictures[0][: len(pictures[0]) // 2])
    bring_watched(each_workspace, pets)
    told = {one.name: one for one in left_out(each_workspace, pets, 9)}
    assert replace(told["empty.jpg"], uri="zip://a/b.txt::/pets/all.zip").name == "b.txt in all.zip"
    assert set(told) == {"empty.jpg", "text.jpg", "huge.png", "bad.zip", "moving.gif", "cut.png"}
    assert all(one.remedy and (one.picture or one.unseen) for one in told.values())
    assert told["moving.gif"].picture is not None
    assert told["moving.gif"].remedy == "save the wanted one as a file"
    assert told["text.jpg"].unseen == "it was not kept"
    assert send(each_workspace, pets, "cut.png", pictures[0]).name == "cut.png"
    bring_watched(each_workspace, pets)
    assert set(reasons(each_workspace, pets)) == set(told) - {"cut.png"}
    assert once.try_again(each_workspace, pets) == 1
    assert not list(each_workspace.settings.uploads.rglob(".arriving*"))


def test_a_file_that_breaks_off_leaves_nothing(each_workspace: Workspace, pets: Project, pictures: list[bytes]) -> None:
    with Arrival(each_workspace, pets, "a.png", len(pictures[0]), TO_POOL) as broken:
        broken.write(pictures[0][:50])
        with pytest.raises(UnavailableError, match="send it again"):
            broken.finish()
    assert not [file for file in each_workspace.settings.uploads.rglob("*") if file.is_file()]
    assert reasons(each_workspace, pets) == {}


def test_there_is_room_for_so_much(
    each_workspace: Workspace, pets: Project, pictures: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_files, "_ROOM", 2**60)
    with pytest.raises(UnavailableError, match="the disk is full"):
        send(each_workspace, pets, "a.png", pictures[0])
    monkeypatch.setattr(upload_files, "MOST_FILES", -1)
    with pytest.raises(InvalidInputError, match="more uploads than"):
        send(each_workspace, pets, "a.png", pictures[0])


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.png", "etc/passwd.png"),
        ("C:\\photos\\a.jpg", "C:/photos/a.jpg"),
        ("/a//b/./c.png", "a/b/c.png"),
        ("a\u2028b\u202ec\0.png", "a_b_c_.png"),
        ("zip://a::b.png", "zip:/a__b.png"),
        ("ä" * 300 + ".jpeg", "ä" * 80 + ".jpeg"),
    ],
)
def test_names_are_made_safe(given: str, kept: str) -> None:
    assert safe_name(given) == kept


@pytest.mark.parametrize("given", ["", "..", ".hidden.png", "a/.git/b.png", "/".join("abcdefghijklmnopqrstuvwxyz")])
def test_names_without_use_are_refused(given: str) -> None:
    with pytest.raises(InvalidInputError):
        safe_name(given)


def test_shares_are_drawn_by_the_bytes_and_stay(
    each_workspace: Workspace, pets: Project, pictures: list[bytes], tmp_path: Path
) -> None:
    halves = Destination(Split.POOL, {"test": 0.5})
    for number, data in enumerate(pictures):
        send(each_workspace, pets, f"{number}.png", data, halves)
    bring_watched(each_workspace, pets)
    before = image_counts(each_workspace, pets.id)
    assert before[Split.POOL]
    assert before[Split.TEST]
    assert sum(before.values()) == 8
    report = import_items(each_workspace, pets, str(tmp_path / "3.png"), halves)
    assert (report.known, report.other_split) == (1, ())
    many = [halves.of(f"{number:064x}", seed=3) for number in range(2_000)]
    assert abs(many.count(Split.TEST) - 1_000) < 100
    thirds = Destination(Split.POOL, {"test": 0.1, "target": 0.2})
    drawn = [thirds.of(f"{number:064x}", seed=3) for number in range(2_000)]
    assert abs(drawn.count(Split.TEST) - 200) < 60
    assert abs(drawn.count(Split.TARGET) - 400) < 80


def test_shares_are_checked() -> None:
    assert parse("test=0.1, target=0") == {"test": 0.1}
    for wrong in ("pool=0.5", "test=2", "test=.6,target=.6", "test", "test=x"):
        with pytest.raises(InvalidInputError):
            parse(wrong)
    assert checked({}) == {}


def test_pages_name_what_is_below_the_allowed_roots_only(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    (inside / "a").mkdir(parents=True)
    outside.mkdir()
    (inside / "link").symlink_to(outside)
    settings = Settings(home=tmp_path, sources=f"{inside}, s3://bucket/birds, https://host/x")
    assert allowed(settings, str(inside), "a") == str(inside / "a")
    assert allowed(settings, str(inside), "") == str(inside)
    assert allowed(settings, "s3://bucket/birds", "new/b.csv") == "s3://bucket/birds/new/b.csv"
    for root, below in (
        (str(inside), "../out"),
        (str(inside), "link"),
        (str(outside), ""),
        ("s3://bucket/birds", "../cats"),
        ("https://host/x", "%2e%2e/y"),
        ("https://host/x", "../y"),
    ):
        with pytest.raises(InvalidInputError):
            allowed(settings, root, below)


def test_reasons_say_what_to_do() -> None:
    assert parted("not an image in a known format, but text: look at it") == (
        "not an image in a known format, but text",
        "look at it",
    )
    assert parted("the file is empty")[1] == "copy or download it again"


def test_the_first_round_waits_while_more_arrive_but_not_for_all(
    each_workspace: Workspace, pets: Project, pictures: list[bytes]
) -> None:
    for number, data in enumerate(pictures):
        send(each_workspace, pets, f"{number}.png", data)
    bring_watched(each_workspace, pets)
    assert waiting(each_workspace, pets.id).words.startswith("images: 8 are here and more arrive")
    with each_workspace.database.read() as tx:
        ids = items.ids(tx, pets.id)
    assert next_to_embed(each_workspace, pets, ids, began=False) == ids, "they arrive one by one: all are embedded"
    ended(each_workspace, pets)
    assert not waiting(each_workspace, pets.id).words.startswith("images:")
    assert next_to_embed(each_workspace, pets, ids, began=False) == ids
    assert next_to_embed(each_workspace, pets, ids, began=True) == [], "the round goes first"


def test_a_small_source_does_not_wait_behind_a_large_one(
    each_workspace: Workspace, pets: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(8):
        tiny.write_picture(tmp_path / "many" / f"{seed}.png", seed)
    monkeypatch.setattr("alflow.workflow.images.taking._A_RUN", 4)
    once.take_once(each_workspace, pets, str(tmp_path / "many"))
    send(each_workspace, pets, "new.png", tiny.write_picture(tmp_path / "new.png", 99).read_bytes())
    brought = {Path(one.source).name: one.files for one in bring_watched(each_workspace, pets)}
    assert brought == {"pool": 1, "many": 3}
    with each_workspace.database.read() as tx:
        assert sum(watches.ready(tx, pets.id).values()) == 5
