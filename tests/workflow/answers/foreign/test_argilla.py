"""Records as Argilla 2.8 writes them (`records.to_json`, `to_list(flatten=True)`), copied from its own output."""

import base64
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from alflow.domain.answers import Verdict
from alflow.domain.projects import Project
from alflow.errors import InvalidInputError
from alflow.workflow.answers.bring import bring_labels
from alflow.workflow.answers.brought import remarks
from alflow.workflow.answers.export import label_rows
from tests.voted import Voted

ANN, BOB = str(UUID(int=1)), str(UUID(int=2))


def record(fields: dict[str, Any], answers: dict[str, list[tuple[Any, str]]], **more: Any) -> dict[str, Any]:
    responses = {name: [{"value": value, "user_id": user} for value, user in given] for name, given in answers.items()}
    plain = {"id": "1", "metadata": {}, "suggestions": {}, "vectors": {}, "status": "pending", "_server_id": None}
    return plain | {"fields": fields, "responses": responses} | more


def data_uri(path: str) -> str:
    return f"data:image/png;base64,{base64.b64encode(Path(path).read_bytes()).decode()}"


def bring(world: Voted, project: Project, path: Path, records: Any, **more: Any) -> Any:
    path.write_text(json.dumps(records))
    return bring_labels(world.workspace, project, str(path), **more)


def test_answers_come_with_their_people(world: Voted, other: Project, tmp_path: Path) -> None:
    uris = [item.uri for item in world.items]
    records = [
        record({"image": data_uri(uris[0])}, {"label": [("cat", ANN), ("dog", BOB)]}),  # found by the bytes it holds
        record({"image": "data:image/png;base64,AAAA"}, {"label": [(["dog"], ANN)]}, id="b/x.png"),
        record({"text": "What is it?"}, {"label": [("cat", ANN)]}, metadata={"sha256": world.items[2].content_hash}),
        record({"image": "https://host/%3D1%2B1.png"}, {"label": [("traffic_light", BOB)]}),
    ]
    report = bring(world, other, tmp_path / "r.json", records, strict=True)
    assert (report.added, report.undated) == (5, 5)
    assert report.people == {f"Argilla user {ANN}": 3, f"Argilla user {BOB}": 2}
    rows = {(row.uri, row.annotator[-1]): row.class_name for row in label_rows(world.workspace, other.id)}
    assert rows == {
        (uris[0], "1"): "cat",
        (uris[0], "2"): "dog",
        (uris[1], "1"): "dog",
        (uris[2], "1"): "cat",
        (uris[3], "2"): "traffic_light",
    }
    again = bring(world, other, tmp_path / "again.json", dict(enumerate(records)))
    assert (again.added, again.known) == (0, 5)  # and `to_dict(orient="index")` is read too


def test_flattened_records_tell_drafts_and_discarded(world: Voted, other: Project, tmp_path: Path) -> None:
    flat = {
        "id": "r1",
        "status": "pending",
        "_server_id": None,
        "image": "https://host/a/x.png",
        "label.responses": ["cat", "dog", "dog"],
        "label.responses.users": [ANN, BOB, str(UUID(int=3))],
        "label.responses.status": ["submitted", "draft", "discarded"],
        "label.suggestion": "dog",
        "label.suggestion.score": 0.9,
        "label.suggestion.agent": "m",
        "note.responses": None,
        "note.responses.users": None,
    }
    report = bring(world, other, tmp_path / "r.json", [flat])
    assert report.added == 2
    assert report.left_out == {"drafts": 1, "records with suggestions, which are no answers": 1}
    rows = label_rows(world.workspace, other.id)
    assert [(row.verdict, row.class_name) for row in rows] == [(Verdict.CLASS, "cat"), (Verdict.SKIP, None)]


def test_each_fault_is_counted_and_named(world: Voted, other: Project, tmp_path: Path) -> None:
    image = {"image": "a/x.png"}
    records = [
        record(image, {"label": [("cow", ANN)]}),
        record({"image": "nowhere.png"}, {"label": [("cat", ANN)]}),
        record({"image": "last test.png"}, {"label": [("cat", ANN)]}),
        record({"image": "x.png"}, {"label": [("cat", ANN)]}),
        record(image, {"label": [(["cat", "dog"], ANN), (3, ANN), ([{"start": 1}], ANN), ("cat", "")]}),
        record({}, {"label": [("cat", ANN)]}, id=None),
        record(image, {}, responses={"label": ["cat"]}),
        "nothing",
        record(image, {}, suggestions={"label": {"value": "cat", "score": 1, "agent": "m"}}),
    ]
    report = bring(world, other, tmp_path / "r.json", records)
    assert report.added == 0
    said = "\n".join(remarks(report))
    for piece in (
        "the project does not have: 1 (nowhere.png)",
        "several images have: 1 (x.png)",
        "target or test images, which are never fitted: 1",
        "cow",
        "record 5: it has 2 labels, and an image has one",
        "record 6: no field and no metadata names an image",
        "record 7: a response is no JSON object",
        "record 8: it is no JSON object",
        "answers of nobody: 1",
        "responses that are no label (2)",
        "records with suggestions, which are no answers (1)",
    ):
        assert piece in said


@pytest.mark.parametrize(
    ("records", "field", "message"),
    [
        ([record({"image": "a"}, {"a": [("cat", ANN)], "b": [("x", ANN)]})], "", "several questions, a, b: field"),
        (
            [record({"image": "a"}, {"a": [("cat", ANN)]})],
            "b",
            "nobody answers the question 'b': field is one of a",
        ),
        ([record({}, {}, responses=[{"user_id": ANN, "values": {}}])], "", "Argilla 1: open it in Argilla 2"),
    ],
)
def test_what_cannot_be_read_says_why(
    world: Voted, other: Project, tmp_path: Path, records: Any, field: str, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        bring(world, other, tmp_path / "r.json", records, field=field)


def test_the_question_is_chosen(world: Voted, other: Project, tmp_path: Path) -> None:
    records = [record({"image": "a/x.png"}, {"note": [("hm", ANN)], "label": [("cat", ANN)]})]
    assert bring(world, other, tmp_path / "r.json", records, field="label", strict=True).added == 1
