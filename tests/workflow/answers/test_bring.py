"""Answers from other tools: what we export comes back equal, and what cannot be used is counted by its kind."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.domain.rounds import RoundState
from alflow.errors import InvalidInputError
from alflow.store.answers import outcomes
from alflow.store.images import items
from alflow.workflow.answers.audit import check_history
from alflow.workflow.answers.bring import bring_labels
from alflow.workflow.answers.brought import Brought, faults, remarks, summary
from alflow.workflow.answers.export import LabelRow, export_labels, label_rows
from alflow.workflow.answers.history import recent_changes, withdraw_label
from alflow.workflow.images.pool import import_items
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import create_project, name_classes
from alflow.workflow.rounds.advance import advance
from alflow.workflow.rounds.moment import look
from alflow.workspace import Workspace
from tests.colours import answer
from tests.voted import ANN, Voted, voted

EXPORTS: dict[str, Callable[[Voted, Path], Path]] = {
    "label-studio": lambda world, folder: world.export(folder, "label-studio") and folder / "tasks.json",
    "cvat": lambda world, folder: world.export(folder, "cvat") and folder / "annotations.xml",
    "fiftyone": lambda world, folder: world.export(folder, "fiftyone") and folder,
    "imagefolder": lambda world, folder: world.export(folder, "imagefolder") and folder / "train",
    "croissant": lambda world, folder: world.export(folder, "croissant") and folder,
    "own": lambda world, folder: (
        export_labels(world.workspace, world.project.id, f"{folder}/l.jsonl") and folder / "l.jsonl"
    ),
}


@pytest.mark.parametrize("kind", EXPORTS)
def test_what_is_exported_comes_back_equal(world: Voted, other: Project, tmp_path: Path, kind: str) -> None:
    path = EXPORTS[kind](world, tmp_path / "out")
    votes = [row for row in label_rows(world.workspace, world.project.id) if row.withdrawn_at is None]
    if kind == "cvat":  # which has no place for an answer without a class, and none for a comment
        votes = [replace(row, comment="") for row in votes if row.class_name]
    report = bring_labels(world.workspace, other, str(path), strict=kind != "own")
    assert report.added == len(votes) == (3 if kind == "cvat" else 5)
    assert _said(label_rows(world.workspace, other.id)) == _said(votes)
    assert report.people[ANN] == (2 if kind == "cvat" else 3)
    assert faults(report) == []
    with world.workspace.database.read() as tx:
        assert len(outcomes.settled(tx, other.id)) == 1
    again = bring_labels(world.workspace, other, str(path))
    assert (again.added, again.known) == (0, len(votes))
    home = bring_labels(world.workspace, world.project, str(path))
    assert (home.added, home.known, home.contradictions) == (0, len(votes), ())


def test_an_answer_that_was_withdrawn_here_stays_withdrawn(world: Voted, other: Project, tmp_path: Path) -> None:
    path = str(EXPORTS["own"](world, tmp_path / "out"))
    bring_labels(world.workspace, other, path)
    with world.workspace.database.read() as tx:
        label = tx.exec_driver_sql("SELECT max(id) FROM label").scalar_one()
    withdraw_label(world.workspace, other.id, sign_in(world.workspace, "bob").id, label, "wrong")
    report = bring_labels(world.workspace, other, path)
    assert (report.added, report.known) == (0, 5)
    assert len([row for row in label_rows(world.workspace, other.id) if row.withdrawn_at is None]) == 4


def _task(image: str, choice: str | list[str] | None = "cat", **more: Any) -> dict[str, Any]:
    chosen = [choice] if isinstance(choice, str) else choice
    result = [{"from_name": "c", "to_name": "i", "type": "choices", "value": {"choices": chosen}}] if chosen else []
    annotation = {"completed_by": 3, "created_at": "2026-01-02T03:04:05.678Z", "lead_time": 2.5, "result": result}
    return {"id": 7, "data": {"image": image}, "annotations": [annotation | more]}


def _bring(world: Voted, project: Project, path: Path, tasks: Any, *, strict: bool = False, by: str = "") -> Brought:
    path.write_text(json.dumps(tasks))
    return bring_labels(world.workspace, project, str(path), by, strict=strict)


@pytest.mark.parametrize(
    ("image", "number"),
    [
        ("{uri}", 0),
        ("file://{uri}", 0),
        ("/data/local-files/?d=some/folder/b/x.png", 1),
        ("/data/upload/4/0a1b2c3d-last%20test.png", None),
        ("/data/upload/4/0a1b2c3d-%3D1%2B1.png", 3),
        ("s3://bucket/deep/a/x.png", 0),
        ("C:\\pictures\\a\\x.png", 0),
        ("=1+1.png", 3),
        ("https://host/path/%3D1%2B1.png?token=1", 3),
    ],
)
def test_images_are_found_by_what_the_tool_calls_them(
    world: Voted, other: Project, tmp_path: Path, image: str, number: int | None
) -> None:
    report = _bring(world, other, tmp_path / "l.json", [_task(image.format(uri=world.items[0].uri))])
    if number is None:
        assert report.other_split == (world.items[5].uri,)
        return
    (row,) = label_rows(world.workspace, other.id)
    assert row.uri == world.items[number].uri
    assert (row.annotator, row.class_name, row.seconds) == ("Label Studio user 3", "cat", 2.5)
    assert row.at.isoformat() == "2026-01-02T03:04:05.678000+00:00"


def test_each_fault_is_counted_and_named(world: Voted, other: Project, tmp_path: Path) -> None:
    fine = _task("a/x.png", completed_by={"id": 1, "email": "ada@example.org"})
    tasks = [
        fine,
        _task("x.png"),
        _task("nowhere.png"),
        _task("=1+1.png", "cats"),
        _task("last test.png"),
        _task("=1+1.png", ["cat", "dog"]),
        _task("=1+1.png", created_at="yesterday"),
        _task("=1+1.png", created_at="2999-01-01T00:00:00Z"),
        _task("=1+1.png", None),
        _task("=1+1.png", completed_by=None),
        {"image": "x.png", "choice": "cat"},
        {"id": 8, "data": {"image": "x.png"}, "annotations": [], "predictions": [{"result": []}]},
    ]
    with pytest.raises(
        InvalidInputError, match="no label was imported: answers about images that the project does not have: 1"
    ) as error:
        _bring(world, other, tmp_path / "l.json", tasks, strict=True)
    for part in ("'cats' (1 image): did you mean 'cat'?", "2 choices", "2999", "of nobody", "JSON-MIN"):
        assert part in str(error.value)
    assert label_rows(world.workspace, other.id) == []
    report = _bring(world, other, tmp_path / "l.json", tasks)
    assert (report.added, dict(report.people)) == (1, {"ada@example.org": 1})
    assert (report.unknown_images, report.ambiguous_images) == (("nowhere.png",), ("x.png",))
    assert [(one.label, one.near) for one in report.unknown_classes] == [("cats", ("cat",))]
    assert report.other_split == (world.items[5].uri,)
    assert (report.unnamed, len(report.unusable)) == (1, 4)
    assert set(report.left_out.values()) == {1}
    assert summary(report) == "1 added of ada@example.org (1), 0 known already"
    assert len(remarks(report)) == len(faults(report)) + 2
    assert report.by_name > 0
    assert _bring(world, other, tmp_path / "l.json", [tasks[9]], by="eve").people == {"eve": 1}


def test_whoever_has_answered_here_keeps_the_answer(world: Voted, tmp_path: Path) -> None:
    task = _task(world.items[1].uri, "dog", completed_by={"email": ANN})
    report = _bring(world, world.project, tmp_path / "l.json", [task])
    assert (report.added, report.contradictions) == (0, (world.items[1].uri,))


def test_of_several_answers_of_a_person_the_last_counts(world: Voted, other: Project, tmp_path: Path) -> None:
    tasks = [
        _task("a/x.png", "dog", created_at="2026-03-01T00:00:00+02:00"),
        _task("a/x.png", "cat", created_at="2026-01-01T00:00:00Z"),
        _task("b/x.png", "cat", created_at=None),
    ]
    report = _bring(world, other, tmp_path / "l.json", tasks)
    assert (report.added, report.repeated, report.undated) == (2, 1, 1)
    assert [row.class_name for row in label_rows(world.workspace, other.id)] == ["dog", "cat"]


CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version>
<meta><task><name>t</name><owner><username>olga</username></owner><assignee></assignee></task></meta>
<image id="0" name="a/x.png" width="9" height="9"><tag label="cat" source="manual"></tag></image>
<image id="1" name="b/x.png"><box label="dog" xtl="1" ytl="1" xbr="2" ybr="2"/><tag label="dog" source="auto">
<attribute name="annotator">ada</attribute><attribute name="at">2026-01-02T03:04:05+00:00</attribute></tag></image>
</annotations>"""


def test_tags_of_cvat_are_of_the_tasks_owner_unless_they_say_so(world: Voted, other: Project, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(CVAT)
    report = bring_labels(world.workspace, other, str(tmp_path / "a.xml"))
    assert (report.people, report.undated) == ({"olga": 1, "ada": 1}, 1)
    assert report.left_out == {"<box> of images": 1}
    rows = label_rows(world.workspace, other.id)
    assert [(row.annotator, row.class_name) for row in rows] == [("olga", "cat"), ("ada", "dog")]
    assert bring_labels(world.workspace, other, str(tmp_path / "a.xml")).known == 2


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "{}", "no list of tasks"),
        ("a.json", "[", "no JSON"),
        ("a.json", "[" * 200_000, "no JSON"),
        ("a.json", b"\xff\xfe[\0]\0", "not UTF-8"),
        ("a.xml", "<a>", "no XML"),
        ("a.xml", "<html/>", "begins with <html>"),
        ("a.xml", '<!DOCTYPE a [<!ENTITY b "c">]><annotations>&b;</annotations>', "document type"),
        ("a.csv", "x", r"must end in \.json .* \.xml .* \.jsonl"),
        ("b.json", None, "b.json"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    world: Voted, tmp_path: Path, name: str, text: str | bytes | None, message: str
) -> None:
    if text is not None:
        (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(InvalidInputError, match=message):
        bring_labels(world.workspace, world.project, str(tmp_path / name))


def test_a_file_without_answers_says_so(world: Voted, tmp_path: Path) -> None:
    assert remarks(_bring(world, world.project, tmp_path / "l.json", [])) == ["the file holds no answers"]


@pytest.mark.parametrize(
    "row",
    ["[]", "{", '{"class_name": "cat"}', '{"uri": 3}', '{"uri": "a", "verdict": "maybe"}', '{"uri": "a", "at": 5}'],
)
def test_a_bad_line_is_named_and_the_rest_goes_on(world: Voted, other: Project, tmp_path: Path, row: str) -> None:
    good = json.dumps({"uri": world.items[0].uri, "class_name": "cat", "annotator": "ada"})
    (tmp_path / "a.jsonl").write_text(f"{row}\n\n{good}\n")
    report = bring_labels(world.workspace, other, str(tmp_path / "a.jsonl"))
    assert (report.added, [one.place for one in report.unusable]) == (1, ["line 1"])


def _said(rows: list[LabelRow]) -> list[tuple[Any, ...]]:
    kept = [(r.uri, r.annotator, r.at, r.seconds, r.verdict, r.class_name, r.comment, r.proposed_class) for r in rows]
    return sorted(kept, key=repr)


def test_each_database_reads_and_stores_alike(each_workspace: Workspace, tiny_model: str, tmp_path: Path) -> None:
    classes = name_classes(["cat", "dog", "traffic_light"])
    one, two = (create_project(each_workspace, name, tiny_model, "fp32", classes) for name in ("one", "two"))
    world = voted(each_workspace, one, tmp_path / "originals")
    for item in world.items:
        import_items(each_workspace, two, item.uri, item.split)
    path = str(EXPORTS["label-studio"](world, tmp_path / "out"))
    assert bring_labels(each_workspace, two, path, strict=True).added == 5
    assert bring_labels(each_workspace, two, path, strict=True).known == 5


@pytest.mark.slow
def test_what_was_brought_is_not_asked_and_is_fitted(workspace: Workspace, project: Project, tmp_path: Path) -> None:
    with workspace.database.read() as tx:
        first, second = items.list_(tx, project.id, Split.POOL)[:2]
    tasks = [_task(first.uri, "red"), _task(second.uri, "red")]
    (tmp_path / "l.json").write_text(json.dumps(tasks))
    assert bring_labels(workspace, project, str(tmp_path / "l.json")).added == 2
    advance(workspace, project.id)
    assert answer(workspace, project) == 4
    advance(workspace, project.id)
    rows = label_rows(workspace, project.id)
    assert len({row.item_id for row in rows}) == 6
    with workspace.database.read() as tx:
        moment = look(tx, project.id)
        assert {first.id, second.id} <= moment.support([one.id for one in moment.classes]).keys()
    assert moment.rounds[0].state is RoundState.CLOSED
    assert check_history(workspace, project.id) == []
    assert len(recent_changes(workspace, project.id)) >= 6
