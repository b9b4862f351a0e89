"""A file of answers that is sent is imported as `alflow labels import` does it, and told in the same words."""

import json
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.ui.parts import services
from alflow.ui.routes import uploads
from alflow.workflow.answers.export import label_rows
from alflow.workflow.images.pool import import_items
from alflow.workflow.projects.projects import create_project, name_classes
from alflow.workspace import Workspace
from tests.tiny import write_picture

ADDRESS = "/upload/1/labels"
NEW = "answers without a time, which have that of now: 2"
ALIKE = "images found by their file name alone: 2"


def task(image: str, choice: str) -> dict[str, object]:
    """As Label Studio writes it, by nobody in particular."""
    result = [{"from_name": "c", "to_name": "i", "type": "choices", "value": {"choices": [choice]}}]
    return {"id": 7, "data": {"image": image}, "annotations": [{"result": result}]}


@pytest.fixture(autouse=True)
def pets(workspace: Workspace, tmp_path: Path) -> Project:
    """A project of two images."""
    project = create_project(workspace, "pets", "demo", "fp32", name_classes(["cat", "dog"]))
    for seed, name in enumerate(("a.png", "b.png")):
        write_picture(tmp_path / "images" / name, seed)
    import_items(workspace, project, str(tmp_path / "images"), Split.POOL)
    return project


@pytest.fixture
def client(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setattr(services, "_provided", [services.Services(workspace, None)])  # type: ignore[arg-type]
    return TestClient(Starlette(routes=uploads.ROUTES))


def sent(client: TestClient, tasks: object, **query: str) -> tuple[int, dict[str, object]]:
    answered = client.put(ADDRESS, params={"path": "Tasks.JSON", **query}, content=json.dumps(tasks).encode())
    return answered.status_code, answered.json()


def test_answers_are_imported_and_told(client: TestClient, workspace: Workspace, pets: Project) -> None:
    tasks = [task("a.png", "cat"), task("b.png", "dog"), task("z.png", "dog")]
    unknown = "answers about images that the project does not have: 1 (z.png)"
    status, reply = sent(client, tasks, annotator=" Zoë ")
    assert (status, reply["said"]) == (200, ["2 added of Zoë (2), 0 known already", unknown, NEW, ALIKE])
    assert [(row.annotator, row.class_name) for row in label_rows(workspace, pets.id)] == [
        ("Zoë", "cat"),
        ("Zoë", "dog"),
    ]
    status, reply = sent(client, tasks, annotator="Zoë")
    assert (status, reply["said"]) == (200, ["0 added, 2 known already", unknown, ALIKE])


def test_what_cannot_be_imported_is_refused_for_good(client: TestClient, workspace: Workspace, pets: Project) -> None:
    status, reply = sent(client, [task("a.png", "cat"), task("z.png", "cat")], annotator="Zoë", strict="1")
    assert (status, str(reply["reason"]).partition(":")[0]) == (422, "no label was imported")
    assert sent(client, {"no": "tasks"})[1]["reason"].startswith("Tasks.JSON cannot be read")  # type: ignore[attr-defined]
    assert sent(client, [], path="a.zip") == (422, {"reason": _ending("a.zip")})
    assert label_rows(workspace, pets.id) == []


def test_a_large_file_is_asked_about_first(client: TestClient) -> None:
    assert client.post(ADDRESS, params={"path": "a.xml", "size": "9000000"}).status_code == 204
    answered = client.post(ADDRESS, params={"path": "a.xml", "size": "900000000"})
    assert answered.json() == {"reason": "it is larger than 128 MB: split it, or `alflow labels import` it"}
    assert client.post(ADDRESS, params={"path": "a.zip", "size": "9"}).status_code == 422
    assert client.post(ADDRESS).status_code == 204


def _ending(name: str) -> str:
    kinds = ".json (Label Studio, Argilla, FiftyOne), .xml (CVAT for images) or .jsonl (alflow)"
    return f"{name} holds no labels that can be read: its name must end in {kinds}"
