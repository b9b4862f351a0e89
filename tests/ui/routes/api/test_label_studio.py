"""The backend for Label Studio: its own requests (of version 1.23), and what it does with the responses."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from alflow.accounts import Role, Scope
from alflow.store.desk import labels
from alflow.workflow.answers.dataset import export_dataset
from alflow.workflow.answers.label_studio import choices_of
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.projects.projects import project_classes
from alflow.workflow.rounds.advance import advance
from alflow.workflow.rounds.review import round_summaries
from alflow.workspace import Workspace
from tests.colours import answer, colour_project
from tests.ui.routes.api.conftest import Api, serve

pytestmark = pytest.mark.slow

INTERFACE = """<View>
  <Image name="image" value="$image"/>
  <Choices name="class" toName="image" choice="single"><Choice value="blue"/><Choice value="red"/></Choices>
</View>"""


@pytest.fixture
def colours(workspace: Workspace, tmp_path: Path) -> Iterator[Api]:
    """A project with a model, whose first round is open; the token goes as Label Studio sends it."""
    project = colour_project(workspace, tmp_path, "colours")
    embed_missing(workspace, project)
    advance(workspace, project.id)
    for client in serve(workspace):
        api = Api(workspace, project, client)
        secret = api.token("Ada", Role.ENGINEER, Scope.MANAGE)
        client.headers["Authorization"] = f"Basic {base64.b64encode(f'alflow:{secret}'.encode()).decode()}"
        yield api


def post(api: Api, path: str, body: object) -> dict:
    told = api.client.post(f"/api/v1/label-studio/{api.project.id}/{path}", json=body)
    assert told.status_code == 200, told.text
    return told.json()


def tasks(api: Api, folder: Path) -> list[dict]:
    """As Label Studio has them once it has imported alflow's export, and sends them to a backend."""
    export_dataset(api.workspace, api.project.id, folder / "export", "label-studio", unlabelled=True)
    exported = json.loads((folder / "export" / "tasks.json").read_text())
    more = {"meta": {}, "is_labeled": False, "overlap": 1, "project": 3, "annotations": [], "predictions": []}
    return [{"id": 100 + number, "data": task["data"], **more} for number, task in enumerate(exported)]


def request(sent: list[dict]) -> dict:
    params = {"login": None, "password": None, "context": None}
    return {"tasks": sent, "project": "3.1764410400", "label_config": INTERFACE, "params": params}


def event(task: dict, choice: str | None, action: str = "ANNOTATION_CREATED", **more: object) -> dict:
    """What a webhook sends."""
    chosen = {
        "value": {"choices": [choice]},
        "id": "Dx_aB3",
        "from_name": "class",
        "to_name": "image",
        "type": "choices",
    }
    annotation = {
        "id": 7,
        "result": [chosen] if choice else [],
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2026-01-31T10:00:00.189645Z",
        "updated_at": "2026-01-31T10:00:00.189678Z",
        "draft_created_at": None,
        "lead_time": 3.25,
        "prediction": {},
        "result_count": 1,
        "unique_id": "6acaf966-636a-4c9e-bac0-bc30fe6ab7f9",
        "import_id": None,
        "last_action": None,
        "bulk_created": False,
        "task": task["id"],
        "project": 3,
        "completed_by": 2,
        "updated_by": 2,
        "parent_prediction": None,
        "parent_annotation": None,
        "last_created_by": None,
    }
    return {"action": action, "annotation": annotation | more, "task": task, "project": {"id": 3, "title": "colours"}}


def test_it_connects(colours: Api) -> None:
    setup = {
        "project": "3.1764410400",
        "schema": INTERFACE,
        "hostname": "http://localhost:8080",
        "access_token": "secret",
        "extra_params": None,
    }
    health = colours.client.get(f"/api/v1/label-studio/{colours.project.id}/health").json()
    assert health["status"] == "UP"
    assert post(colours, "setup", setup) == {"model_version": "alflow zero-shot"}
    answer(colours.workspace, colours.project)
    advance(colours.workspace, colours.project.id)
    fitted = post(colours, "setup", setup)["model_version"]
    assert fitted != "alflow zero-shot"
    versions = colours.client.get(f"/api/v1/label-studio/{colours.project.id}/versions").json()
    assert versions == {"versions": [fitted]}
    wrong = setup | {"schema": INTERFACE.replace('"red"', '"cat"').replace('"blue"', '"dog"')}
    told = colours.client.post(f"/api/v1/label-studio/{colours.project.id}/setup", json=wrong)
    assert (told.status_code, "it needs some of red, blue" in told.json()["error"]) == (422, True)


def test_predictions_of_tasks_that_alflow_exported(colours: Api, tmp_path: Path) -> None:
    answer(colours.workspace, colours.project)
    advance(colours.workspace, colours.project.id)
    sent = tasks(colours, tmp_path)
    results = post(colours, "predict", request(sent))["results"]
    assert len(results) == len(sent) == 36
    version = post(colours, "setup", {"schema": INTERFACE})["model_version"]
    for task, result in zip(sent, results, strict=True):
        (chosen,) = result["result"]
        assert (chosen["from_name"], chosen["to_name"], chosen["type"]) == ("class", "image", "choices")
        assert chosen["value"] == {"choices": [task["data"]["uri"].split("/")[-2]]}
        assert 0.5 <= result["score"] == chosen["score"] <= 1
        assert result["model_version"] == version


def test_tasks_that_label_studio_made_itself_are_found_by_their_address(colours: Api, tmp_path: Path) -> None:
    (first, *_) = tasks(colours, tmp_path)
    uri = first["data"]["uri"]
    sent = [
        {"id": 1, "data": {"image": uri}},
        {"id": 2, "data": {"image": f"/data/local-files/?d={uri.lstrip('/')}"}},
        {"id": 3, "data": {"image": "https://example.org/nobody-knows.png"}},
    ]
    found = [bool(each["result"]) for each in post(colours, "predict", request(sent))["results"]]
    assert found == [True, True, False]
    assert post(colours, "predict", request(sent[2:]))["results"][0]["result"] == []
    path = f"/api/v1/label-studio/{colours.project.id}/predict"
    for bad in ({"id": 1}, {"data": None}, {"data": {}}, {"data": {"image": 7}}):
        told = colours.client.post(path, json=request([bad]))
        assert (told.status_code, "task 1" in told.json()["error"]) == (422, True), told.text


def test_a_choice_goes_by_its_alias_and_a_class_without_one_by_nothing(colours: Api, tmp_path: Path) -> None:
    (first, *_) = tasks(colours, tmp_path)
    aliased = INTERFACE.replace('value="blue"', 'value="blue" alias="b"').replace(
        'value="red"', 'value="red" alias="r"'
    )
    both = post(colours, "predict", request([first]) | {"label_config": aliased})["results"][0]
    assert both["result"][0]["value"]["choices"][0] in {"b", "r"}
    kept = "blue" if both["result"][0]["value"]["choices"] == ["r"] else "red"
    gone = INTERFACE.replace(f'<Choice value="{"red" if kept == "blue" else "blue"}"/>', "")
    assert post(colours, "predict", request([first]) | {"label_config": gone})["results"] == [
        {"result": [], "score": 0.0, "model_version": "alflow zero-shot"}
    ]


def test_what_is_annotated_there_is_an_answer_in_the_round(colours: Api, tmp_path: Path) -> None:
    with colours.workspace.database.read() as tx:
        before = labels.of_project(tx, colours.project.id)
    assert before == []
    asked = {each["item_id"] for each in colours.client.get(f"{colours.path}/rounds/1/candidates").json()["candidates"]}
    images = colours.client.get(f"{colours.path}/images?split=pool").json()["images"]
    item_of = {each["uri"]: each["item_id"] for each in images}
    sent = [task for task in tasks(colours, tmp_path) if item_of.get(task["data"]["uri"]) in asked]
    for task in sent:
        said = event(task, task["data"]["uri"].split("/")[-2])
        for _ in range(2):  # Label Studio may send an event again
            assert post(colours, "webhook", said) == {"status": "ok", "stored": 1, "problems": []}
    with colours.workspace.database.read() as tx:
        stored = labels.of_project(tx, colours.project.id, withdrawn=True)
    assert len(stored) == len(sent) == 4
    assert {(each.seconds, each.round_id is not None) for each in stored} == {(3.25, True)}
    assert stored[0].shown["page"] == "label studio"
    people = {each["annotator"] for each in colours.client.get(f"{colours.path}/labels").json()["labels"]}
    assert people == {"Label Studio user 2"}
    assert round_summaries(colours.workspace, colours.project.id)[0].round.state == "labelled"


def test_a_later_annotation_replaces_the_earlier_one_and_back_again(colours: Api, tmp_path: Path) -> None:
    asked = colours.client.get(f"{colours.path}/rounds/1/candidates").json()["candidates"][0]["item_id"]
    uri = colours.client.get(f"{colours.path}/images/{asked}").json()["uri"]
    (task,) = [each for each in tasks(colours, tmp_path) if each["data"]["uri"] == uri]
    post(colours, "webhook", event(task, "red"))
    for minute, choice in ((1, "blue"), (2, "red"), (3, None)):
        at = f"2026-01-31T10:0{minute}:00Z"
        cancelled = {"was_cancelled": True} if choice is None else {}
        post(colours, "webhook", event(task, choice, "ANNOTATION_UPDATED", updated_at=at, **cancelled))
    told = colours.client.get(f"{colours.path}/labels").json()["labels"]
    assert [(each["class_name"] or each["verdict"], each["withdrawn_at"] is None) for each in told] == [
        ("red", False),
        ("blue", False),
        ("red", False),
        ("skip", True),
    ]


def test_annotations_of_other_images_are_kept_and_what_cannot_be_is_told(colours: Api, tmp_path: Path) -> None:
    asked = {each["item_id"] for each in colours.client.get(f"{colours.path}/rounds/1/candidates").json()["candidates"]}
    images = colours.client.get(f"{colours.path}/images").json()["images"]
    by_split = {each["split"]: each["uri"] for each in images if each["item_id"] not in asked}
    by_uri = {task["data"]["uri"]: task for task in tasks(colours, tmp_path)}
    other, test = by_uri[by_split["pool"]], by_uri[by_split["test"]]
    many = {"action": "ANNOTATIONS_CREATED", "task": [other, test]}
    many["annotation"] = [event(each, "red", id=number)["annotation"] for number, each in enumerate((other, test))]
    told = post(colours, "webhook", many)
    assert (told["status"], told["stored"]) == ("problems", 1)
    assert "target or test images, which are never fitted" in told["problems"][0]
    told = post(colours, "webhook", event(other, "hexagon", completed_by=9))
    assert "hexagon" in told["problems"][0]
    assert post(colours, "webhook", event(other, None))["stored"] == 0
    assert post(colours, "webhook", {"action": "START_TRAINING", "project": {"id": 3}})["status"] == "ignored"
    bad = colours.client.post(
        f"/api/v1/label-studio/{colours.project.id}/webhook", json={"action": "ANNOTATION_CREATED"}
    )
    assert (bad.status_code, "send its payload" in bad.json()["error"]) == (422, True)


@pytest.mark.parametrize(
    "interface",
    [
        "",
        "<View>",
        "<View/>",
        '<!DOCTYPE x [<!ENTITY a "b">]><View>&a;</View>',
        '<View><Text name="image"/><Choices name="c" toName="image"><Choice value="red"/></Choices></View>',
        '<View><Image name="a"/><Choices name="c" toName="b"><Choice value="red"/></Choices></View>',
        "\0",
        "<View>" * 100_000,
    ],
)
def test_what_is_no_interface_is_refused(colours: Api, interface: str) -> None:
    told = colours.client.post(
        f"/api/v1/label-studio/{colours.project.id}/predict",
        json={"tasks": [{"id": 1, "data": {"image": "x"}}], "label_config": interface},
    )
    assert (told.status_code, set(told.json())) == (422, {"error", "remedy"})


def test_the_first_choices_that_mean_classes_are_taken(colours: Api) -> None:
    classes = project_classes(colours.workspace, colours.project.id)
    quality = '<Choices name="quality" toName="image"><Choice value="sharp"/><Choice value="blurred"/></Choices>'
    found = choices_of(INTERFACE.replace("<Choices", f"{quality}<Choices", 1), classes)
    assert (found.from_name, sorted(found.values.values())) == ("class", ["blue", "red"])
