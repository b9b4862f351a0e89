"""`samples.json` and `labels.json` as FiftyOne 1.22 writes them, and the folders that alflow writes for it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alflow.domain.projects import Project
from alflow.errors import InvalidInputError
from alflow.workflow.answers.bring import bring_labels
from alflow.workflow.answers.brought import Brought, remarks
from alflow.workflow.answers.export import label_rows
from tests.voted import Voted


def sample(path: str, label: Any = "cat", field: str = "ground_truth", **more: Any) -> dict[str, Any]:
    said = {"_id": {"$oid": "66"}, "_cls": "Classification", "tags": [], "label": label} | more
    return {
        "_id": {"$oid": "65"},
        "filepath": path,
        "tags": [],
        "_media_type": "image",
        "_rand": 0.9,
        "created_at": {"$date": "2026-01-01T00:00:00Z"},
        "last_modified_at": {"$date": "2026-01-02T03:04:05.678Z"},
        field: said if label is not None else None,
    }


def bring(
    world: Voted, project: Project, folder: Path, content: Any, name: str = "samples.json", **more: Any
) -> Brought:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(content))
    return bring_labels(world.workspace, project, str(folder), "eve", **more)


def test_a_data_set_folder_gives_classes_people_and_times(world: Voted, other: Project, tmp_path: Path) -> None:
    samples = [
        sample("data/a/x.png"),
        sample("data/=1+1.png", "dog", annotator="bob", at={"$date": 1767225600000}),
        sample('data/Häß & "q" <i>.png', "dog", attributes={"annotator": {"_cls": "Attribute", "value": "zoe"}}),
        sample("data/目標.png"),
        sample("data/b/x.png", None),
    ]
    report = bring(world, other, tmp_path / "out", {"samples": samples})
    assert (report.added, report.undated) == (3, 0)
    assert report.people == {"eve": 1, "bob": 1, "zoe": 1}
    assert report.left_out == {"samples without a class": 1}
    assert len(report.other_split) == 1
    rows = {row.annotator: (row.uri, row.class_name, row.at) for row in label_rows(world.workspace, other.id)}
    changed = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    assert rows == {
        "eve": (world.items[0].uri, "cat", changed),
        "bob": (world.items[3].uri, "dog", datetime(2026, 1, 1, tzinfo=UTC)),
        "zoe": (world.items[2].uri, "dog", changed),
    }
    assert bring(world, other, tmp_path / "out", {"samples": samples}).known == 3


def test_predictions_are_no_answers_unless_named(world: Voted, other: Project, tmp_path: Path) -> None:
    samples = [
        sample("a/x.png", "dog", confidence=0.9) | {"mine": {"_cls": "Classification", "label": "cat"}},
        sample("b/x.png", "dog", confidence=None),
        sample("=1+1.png", "dog", "mine", confidence=0.5),
    ]
    report = bring(world, other, tmp_path / "a", {"samples": samples})  # ground_truth is what FiftyOne calls it
    assert report.added == 1
    assert report.left_out == {"classes with a confidence, which are predictions": 1, "samples without a class": 1}
    report = bring(world, other, tmp_path / "a", {"samples": samples}, field="mine")
    assert report.added == 2


def test_the_simple_layout_has_names_without_endings(world: Voted, other: Project, tmp_path: Path) -> None:
    labels = {
        "a/x": 0,
        "b/x": "dog",
        "=1+1": {"label": 2, "attributes": {"annotator": "bob", "at": "2026-01-02T00:00:00Z"}},
        'Häß & "q" <i>': None,
        "last test": [1],
        "目標": [0, 1],
        "x": 7,
    }
    report = bring(
        world, other, tmp_path / "s", {"classes": ["cat", "dog", "traffic_light"], "labels": labels}, "labels.json"
    )
    assert report.added == 3
    assert report.people == {"eve": 2, "bob": 1}
    assert {row.class_name for row in label_rows(world.workspace, other.id)} == {"cat", "dog", "traffic_light"}
    said = "\n".join(remarks(report))
    for piece in (
        "image 目標: it has 2 classes",
        "image x: its class 7 is not among the 3",
        "samples without a class (1)",
        "target or test images, which are never fitted: 1",
        "without a time, which have that of now: 2",
    ):
        assert piece in said


def test_a_split_that_alflow_wrote_is_read_alone(world: Voted, other: Project, tmp_path: Path) -> None:
    """The simple layout keeps the class, and no person; images are found by the hash in their name."""
    world.export(tmp_path / "out", "fiftyone")
    report = bring_labels(world.workspace, other, str(tmp_path / "out" / "pool"), "eve", strict=True)
    assert report.added == 1
    assert report.by_name == 0
    (row,) = label_rows(world.workspace, other.id)
    assert (row.uri, row.class_name, row.annotator) == (world.items[1].uri, "cat", "eve")


@pytest.mark.parametrize(
    ("content", "name", "field", "message"),
    [
        (
            {"samples": [sample("a", "cat", "x") | {"y": {"_cls": "Classification", "label": "a"}}]},
            "",
            "",
            "fields, x, y",
        ),
        ({"samples": [sample("a")]}, "", "z", "no sample has a class in 'z': field is one of ground_truth"),
        ({"classes": [], "labels": {}}, "labels.json", "z", "has no fields"),
        ({"classes": "cat", "labels": {}}, "labels.json", "", "'classes' are no list of names"),
        ({"images": []}, "", "", "no data set of FiftyOne"),
        ([{"id": 1, "data": {"image": "a"}}], "", "z", "a field is for FiftyOne and Argilla"),
    ],
)
def test_what_cannot_be_read_says_why(
    world: Voted, other: Project, tmp_path: Path, content: Any, name: str, field: str, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        bring(world, other, tmp_path / "f", content, name or "samples.json", field=field)


TWO = {"_cls": "Classifications", "classifications": [{"label": "cat"}, {"label": "dog"}]}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("text", "sample 1: it has no 'filepath'"),
        ({"tags": []}, "sample 1: it has no 'filepath'"),
        (sample("a/x.png", 3), "sample 1: its class is no Classification"),
        (sample("a/x.png", at="yesterday"), "is not written as"),
        (sample("a/x.png", at={"$date": "9" * 30}), "is none"),
        (sample("a/x.png", at={"$date": {"$numberLong": "x"}}), "is not written as"),
        (sample("a/x.png", at={"$date": "2999-01-01T00:00:00Z"}), "has not come yet"),
        (sample("a/x.png", "x\u0000y"), "1 label names no class"),
        (sample("a/x.png") | {"ground_truth": TWO}, "2 classes"),
    ],
)
def test_a_bad_sample_is_named_and_the_others_count(
    world: Voted, other: Project, tmp_path: Path, wrong: Any, message: str
) -> None:
    report = bring(world, other, tmp_path / "f", {"samples": [wrong, sample("b/x.png")]})
    assert report.added == 1
    assert message in "\n".join(remarks(report))
    assert len(remarks(report)) == 1


def test_a_folder_without_labels_says_what_it_needs(world: Voted, other: Project, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        InvalidInputError, match=r"empty holds no labels that can be read: it needs one of labels\.jsonl"
    ):
        bring_labels(world.workspace, other, str(tmp_path / "empty"))
