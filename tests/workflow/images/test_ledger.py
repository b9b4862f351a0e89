"""Importing what is known: places, known classes, copies, splits; by the real import."""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.progress import silent
from alflow.store.desk import gold
from alflow.store.images import items
from alflow.store.people import annotators
from alflow.workflow.images import pool
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.images.imported import Contradiction, Copy, Corrected, ImportReport, Moved, OtherSplit, counts
from alflow.workflow.images.pool import import_items
from alflow.workflow.projects.projects import create_project, name_classes, project_classes
from alflow.workspace import Workspace


@pytest.fixture
def pets(each_workspace: Workspace, tiny_model: str) -> Project:
    """The classes cat, dog and traffic_light, on SQLite and on PostgreSQL."""
    return create_project(each_workspace, "pets", tiny_model, "fp32", name_classes(["cat", "dog", "traffic_light"]))


def known(workspace: Workspace, project: Project) -> dict[str, tuple[str, str | None]]:
    """Path below the temporary folder -> split and class, of all items."""
    names = {one.id: one.name for one in project_classes(workspace, project.id)}
    with workspace.database.read() as tx:
        found = items.list_(tx, project.id)
    return {item.uri: (item.split.value, names.get(item.truth or 0)) for item in found}


def manifest(path: Path, *rows: str) -> str:
    path.write_text("\n".join(["path,label,split", *rows]) + "\n", encoding="utf-8")
    return str(path)


def said(report: ImportReport) -> dict[str, object]:
    """The counts that are not zero."""
    return {name: value for name, value in counts(report).items() if value}


def test_a_moved_image_is_read_from_its_new_place(each_workspace: Workspace, pets: Project, pictures: Path) -> None:
    import_items(each_workspace, pets, str(pictures))
    moved = pictures.rename(pictures.parent / "elsewhere")
    assert embed_missing(each_workspace, pets).embedded == 0
    report = import_items(each_workspace, pets, str(moved))
    assert said(report) == {"known": 5, "moved": 5}
    assert report.moved[0] == Moved(str(pictures / "0.png"), str(moved / "0.png"))
    assert embed_missing(each_workspace, pets).embedded == 5
    with each_workspace.database.read() as tx:
        assert items.rejections(tx, pets.id) == []
    assert said(import_items(each_workspace, pets, str(moved))) == {"known": 5}


def test_what_is_taken_leaves_the_list_and_what_is_turned_away_stays(
    each_workspace: Workspace, pets: Project, pictures: Path
) -> None:
    (pictures / "0.png").rename(pictures.parent / "kept.png")
    (pictures / "0.png").touch()
    assert said(import_items(each_workspace, pets, str(pictures))) == {"added": 4, "rejected": 1}
    shutil.copy(pictures.parent / "kept.png", pictures / "0.png")
    assert said(import_items(each_workspace, pets, str(pictures))) == {"added": 1, "known": 4}
    (pictures / "0.png").write_text("no picture any more")
    report = import_items(each_workspace, pets, manifest(pictures.parent / "a.csv", "pictures/0.png", "kept.png"))
    assert said(report) == {"known": 1, "moved": 1, "rejected": 1}
    with each_workspace.database.read() as tx:
        assert [one.uri for one in items.rejections(tx, pets.id)] == [str(pictures / "0.png")]


def test_a_corrected_label_corrects_and_nothing_takes_a_label_away(
    each_workspace: Workspace, pets: Project, pictures: Path
) -> None:
    rows = ["pictures/0.png,cat,test", "pictures/1.jpg,dog,test", "pictures/2.webp,,pool"]
    import_items(each_workspace, pets, manifest(pictures.parent / "a.csv", *rows))
    rows = ["pictures/0.png,dog,test", "pictures/1.jpg,,test", "pictures/2.webp,traffic light,pool"]
    report = import_items(each_workspace, pets, manifest(pictures.parent / "b.csv", *rows))
    assert said(report) == {"known": 3, "corrected": 1, "learned": 1}
    assert report.corrected == (Corrected(str(pictures / "0.png"), "cat", "dog"),)
    rows = ["pictures/0.png,cats,test", "pictures/1.jpg,Dog,test"]
    report = import_items(each_workspace, pets, manifest(pictures.parent / "c.csv", *rows))
    assert said(report) == {"known": 2, "unknown_labels": {"Dog": 1, "cats": 1}}
    assert known(each_workspace, pets) == {
        str(pictures / "0.png"): ("test", "dog"),
        str(pictures / "1.jpg"): ("test", "dog"),
        str(pictures / "2.webp"): ("pool", "traffic_light"),
    }


@pytest.mark.parametrize(
    ("rows", "expected", "truth"),
    [
        (["0,cat", "copy,cat"], {"copies": 1}, "cat"),
        (["0,cat", "copy,dog"], {"copies": 1, "contradictions": 1}, "cat"),
        (["0,cat", "0,dog"], {"copies": 1, "contradictions": 1}, "cat"),
        (["0,cat", "copy,dog", "0,traffic_light"], {"copies": 2, "contradictions": 2}, "cat"),
        (["0,", "copy,dog"], {"copies": 1}, "dog"),
        (["0,", "copy,dog", "0,cat"], {"copies": 2, "contradictions": 1}, "dog"),
        (["0,", "copy,"], {"copies": 1, "unlabelled": 1}, None),
    ],
)
@pytest.mark.parametrize("size", [1, 100])
def test_the_same_picture_twice_is_said_and_its_first_label_counts(
    each_workspace: Workspace,
    pets: Project,
    pictures: Path,
    rows: list[str],
    expected: dict[str, int],
    truth: str | None,
    size: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "_A_TRANSACTION", size)
    shutil.copy(pictures / "0.png", pictures / "copy.png")
    lines = [f"pictures/{name}.png,{label},test" for name, label in (row.split(",") for row in rows)]
    source = manifest(pictures.parent / "a.csv", *lines)
    for counted in ({"added": 1, "known": len(rows) - 1}, {"known": len(rows)}):  # again: the same
        report = import_items(each_workspace, pets, source)
        assert said(report) == counted | expected
        assert known(each_workspace, pets) == {str(pictures / "0.png"): ("test", truth)}
    if "contradictions" in expected and len(rows) == 2:
        twin = str(pictures / f"{rows[1].partition(',')[0]}.png")
        assert report.copies == (Copy(twin, str(pictures / "0.png")),)
        assert report.contradictions == (Contradiction(twin, "dog", str(pictures / "0.png"), "cat"),)


def test_an_image_stays_in_its_split_and_that_is_said(each_workspace: Workspace, pets: Project, pictures: Path) -> None:
    import_items(each_workspace, pets, str(pictures / "0.png"))
    shutil.copy(pictures / "0.png", pictures / "0 again.png")
    report = import_items(each_workspace, pets, str(pictures), Split.TEST)
    assert said(report) == {"added": 4, "known": 2, "moved": 1, "copies": 1, "other_split": 1, "unlabelled": 4}
    assert report.other_split == (OtherSplit(str(pictures / "0 again.png"), Split.TEST, Split.POOL),)
    both = manifest(pictures.parent / "a.csv", "pictures/1.jpg,cat,test", "pictures/1.jpg,cat,pool")
    report = import_items(each_workspace, pets, both)
    assert report.other_split == (OtherSplit(str(pictures / "1.jpg"), Split.POOL, Split.TEST),)


def test_checks_are_judged_by_the_corrected_class(each_workspace: Workspace, pets: Project, pictures: Path) -> None:
    """An answer that was right stays no longer right if the image turns out to be something else, and back."""
    import_items(each_workspace, pets, manifest(pictures.parent / "a.csv", "pictures/0.png,cat,test"))
    cat, dog, _ = (one.id for one in project_classes(each_workspace, pets.id))
    people = []
    with each_workspace.database.begin() as tx:
        (item,) = items.list_(tx, pets.id)
        for name, class_id, right in [("a", cat, True), ("b", dog, False), ("c", None, False), ("d", None, None)]:
            people.append(annotators.get_or_create(tx, name).id)
            check = gold.deal(tx, pets.id, people[-1], item.id, 1, datetime.now(UTC))
            gold.answer(tx, replace(check, class_id=class_id, right=right, answered_at=datetime.now(UTC)))
    import_items(each_workspace, pets, manifest(pictures.parent / "b.csv", "pictures/0.png,dog,test"))
    with each_workspace.database.read() as tx:
        results = gold.results(tx, pets.id)
    assert [results.get(one) for one in people] == [(0, 1), (1, 1), (0, 1), None]


@pytest.mark.slow
def test_two_imports_at_once_do_not_undo_each_other(each_workspace: Workspace, pets: Project, pictures: Path) -> None:
    import_items(each_workspace, pets, str(pictures / "0.png"))
    moved = (pictures / "0.png").rename(pictures / "moved.png")
    cat, *_ = project_classes(each_workspace, pets.id)
    with ThreadPoolExecutor(1) as threads:
        with each_workspace.database.begin() as tx:  # as another import does
            items.lock(tx, pets.id)
            other = threads.submit(import_items, each_workspace, pets, str(moved))
            time.sleep(1)
            assert not other.done()
            items.change(tx, [replace(item, truth=cat.id) for item in items.list_(tx, pets.id)])
        other.result()
    assert known(each_workspace, pets) == {str(moved): ("pool", "cat")}


class KilledError(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("after", range(7))
def test_a_killed_import_is_finished_by_the_next_one(
    workspace: Workspace, tiny_model: str, pictures: Path, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it is killed: places, classes and the list of what was turned away are those of an undisturbed one."""
    monkeypatch.setattr(pool, "_A_TRANSACTION", 1)
    shutil.copytree(pictures, folder := pictures.parent / "new")
    shutil.copy(folder / "0.png", folder / "copy.png")
    (folder / "cut.png").touch()
    rows = [
        "copy.png,,pool",
        "0.png,dog,test",
        "copy.png,cat,test",
        "1.jpg,dog,test",
        "cut.png,cat,pool",
        "2.webp,,test",
    ]
    source = manifest(folder / "all.csv", *rows)

    def kill(done: int, total: int | None) -> None:
        if done == after and done != total:
            raise KilledError

    found = []
    for progress in (kill, silent):
        project = create_project(workspace, progress.__name__, tiny_model, "fp32", name_classes(["cat", "dog"]))
        import_items(
            workspace, project, manifest(pictures.parent / "old.csv", *(f"pictures/{row}" for row in rows[1:4]))
        )
        with suppress(KilledError):
            import_items(workspace, project, source, progress=progress)
        import_items(workspace, project, source)
        with workspace.database.read() as tx:
            found.append((known(workspace, project), [one.uri for one in items.rejections(tx, project.id)]))
    assert found[0] == found[1]
    assert found[1][0][str(folder / "copy.png")] == ("test", "dog")
