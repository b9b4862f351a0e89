"""The desk for programs: what is stored, what is refused, and what happens to two answers at once."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import update

from alflow.accounts import Role, Scope
from alflow.domain.answers import Verdict
from alflow.domain.projects import ProjectState, Suggestion
from alflow.domain.rounds import Origin
from alflow.store import tables
from alflow.store.desk import labels
from alflow.ui.routes import desk
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.submission import Submission
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import change_settings
from alflow.workflow.projects.states import change_state
from tests.queues import open_queue
from tests.ui.routes.api.conftest import Api, Caller
from tests.ui.test_hostile import HOSTILE, NUMBERS

pytestmark = pytest.mark.slow


@pytest.fixture
def ada(api: Api) -> Caller:
    return api.as_(api.token("Ada", Role.REVIEWER, Scope.LABEL))


def first(caller: Caller) -> dict:
    return caller.post("/lease", {"count": 3}).json()["images"][0]


def said(image: dict, class_name: str = "circle", **more: object) -> dict:
    return {
        "key": str(uuid4()),
        "candidate_id": image["candidate_id"],
        "verdict": "class",
        "class_name": class_name,
        **more,
    }


def stored(api: Api) -> list:
    with api.workspace.database.read() as tx:
        return labels.of_project(tx, api.project.id)


def test_an_answer_is_stored_once_by_its_key_and_taken_back_by_it(api: Api, ada: Caller) -> None:
    image = first(ada)
    sent = said(image, seconds=1.5, comment="  a nice one ")
    told = [ada.post("/answers", sent) for _ in range(3)]
    assert [each.status_code for each in told] == [200, 200, 200]
    assert told[0].json()["round"] == {"number": 1, "state": "open", "answered": 1, "total": 12}
    (label,) = stored(api)
    assert (label.token, label.seconds, label.comment) == (sent["key"], 1.5, "a nice one")
    assert label.shown == {"page": "api", "by": "token 1"}
    again = ada.post("/answers", sent | {"class_name": "star"})
    assert (again.status_code, "belongs to another answer" in again.json()["error"]) == (409, True)
    assert first(ada)["candidate_id"] != image["candidate_id"]
    assert [ada.post("/undo", {"key": sent["key"]}).status_code for _ in range(2)] == [200, 200]
    assert stored(api) == []
    assert first(ada)["candidate_id"] == image["candidate_id"]
    (kept,) = ada.get("/labels").json()["labels"]
    assert kept["withdrawn_at"] is not None
    assert [each["happening"] for each in ada.get(f"/images/{image['item_id']}").json()["changes"]] == [
        "given",
        "withdrawn",
    ]


def test_a_project_says_what_it_needs_and_reserves_nothing_once_it_is_stopped(api: Api, ada: Caller) -> None:
    whole = ada.get("").json()
    assert [each["name"] for each in whole["classes"]] == ["circle", "square", "triangle", "star"]
    assert (whole["state"], whole["votes"], whole["awaited"]) == ("active", 1, None)
    change_state(api.workspace, api.project.id, ProjectState.STOPPED)
    assert ada.get("").json()["state"] == "stopped"
    assert ada.post("/lease", {"count": 3}).json()["images"] == []


def test_what_no_round_waits_for_is_extra_as_at_the_desk(api: Api) -> None:
    """Of the reserve, and of a page of the grid that somebody else has begun."""
    behind = open_queue(api.workspace.database, 3, votes=3, name="behind", reserve=2)
    begun, other = behind.candidates[2], behind.annotators[0].id
    with api.workspace.database.begin() as tx:
        tx.execute(update(tables.candidate).where(tables.candidate.c.id == begun.id).values(origin=Origin.GRID))
    given = Submission("t1", begun.id, Verdict.CLASS, behind.classes[0].id, 1.0)
    submit(api.workspace, behind.project.id, other, given)
    there = Api(api.workspace, behind.project, api.client)
    queue = there.as_(there.token("Ada", Role.ANNOTATOR, Scope.LABEL)).post("/lease", {"count": 3}).json()["images"]
    told = {image["candidate_id"]: image["is_extra"] for image in queue}
    assert told == {one.id: one is not behind.candidates[0] for one in behind.candidates}
    at_desk = desk.sync(api.workspace, behind.project.id, sign_in(api.workspace, "Cy").id, [])["queue"]
    assert {entry["candidate_id"]: "extra" in entry for entry in at_desk} == told


def test_every_verdict(api: Api, ada: Caller) -> None:
    queue = ada.post("/lease", {"count": 6}).json()["images"]
    for image, verdict in zip(queue, ("skip", "unsure", "none", "bad"), strict=False):
        sent = {"key": str(uuid4()), "candidate_id": image["candidate_id"], "verdict": verdict}
        sent |= {"proposed_class": "hexagon"} if verdict == "none" else {}
        assert ada.post("/answers", sent).status_code == 200, verdict
    assert sorted(each.verdict for each in stored(api)) == ["bad", "none", "skip", "unsure"]
    aside = ada.post("/lease", {"queue": "skip"}).json()
    assert [each["item_id"] for each in aside["images"]] == [queue[0]["item_id"]]
    assert ada.post("/lease", {"queue": "class"}).status_code == 422


def test_what_is_refused_is_not_stored_and_says_why(api: Api, ada: Caller) -> None:
    image = first(ada)
    for wrong, status, words in (
        ({"class_name": "hexagon"}, 422, "no class is called 'hexagon': choose one of circle, square"),
        ({"class_id": 1}, 422, "a class is named once"),
        ({"class_name": None}, 422, "an answer names a class"),
        ({"class_name": None, "class_id": 999}, 422, "not of this project"),
        ({"verdict": "skip"}, 422, "a class is named once"),
        ({"verdict": "maybe"}, 422, "body.verdict"),
        ({"candidate_id": 999}, 404, "no candidate has the id 999"),
        ({"candidate_id": -7}, 404, "no such image for you"),
        ({"candidate_id": "1"}, 422, "body.candidate_id"),
        ({"key": "1"}, 422, "body.key"),
        ({"klass": "circle"}, 422, "body.klass"),
        ({"comment": "x" * 3000}, 422, "body.comment"),
        ({"proposed_class": "hexagon"}, 422, "a class is proposed where none"),
    ):
        told = ada.post("/answers", said(image) | wrong)
        assert (told.status_code, words in told.json()["error"]) == (status, True), told.text
    assert ada.post("/undo", {"key": "of nobody"}).status_code == 404
    assert stored(api) == []


def test_nobody_takes_back_the_answer_of_another(api: Api, ada: Caller) -> None:
    sent = said(first(ada))
    ada.post("/answers", sent)
    bo = api.as_(api.token("Bo", Role.OWNER, Scope.MANAGE))
    assert bo.post("/undo", {"key": sent["key"]}).status_code == 404
    assert bo.post("/answers", sent).status_code == 409  # another person's key
    assert len(stored(api)) == 1


def test_of_two_answers_at_once_both_are_kept_and_one_counts(api: Api, ada: Caller) -> None:
    """One person by two programs: the later one stands, the earlier one is withdrawn, none is lost."""
    image = first(ada)
    sent = [said(image, name) for name in ("circle", "square", "triangle", "star") * 2]
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda one: ada.post("/answers", one), sent))
    assert {each.status_code for each in told} == {200}
    assert len(stored(api)) == 1
    with api.workspace.database.read() as tx:
        assert len(labels.of_project(tx, api.project.id, withdrawn=True)) == 8


def test_the_same_answer_many_times_at_once_is_stored_once(api: Api, ada: Caller) -> None:
    sent = said(first(ada))
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _: ada.post("/answers", sent), range(8)))
    assert {each.status_code for each in told} == {200}
    with api.workspace.database.read() as tx:
        assert len(labels.of_project(tx, api.project.id, withdrawn=True)) == 1


def test_two_people_are_never_given_the_same_image(api: Api) -> None:
    people = [api.as_(api.token(name, Role.ANNOTATOR, Scope.LABEL)) for name in ("Ada", "Bo", "Cy")]
    with ThreadPoolExecutor(3) as pool:
        queues = list(pool.map(lambda one: one.post("/lease", {"count": 4}).json()["images"], people))
    given = [image["item_id"] for queue in queues for image in queue]
    assert len(given) == len(set(given)) > 3
    assert people[0].post("/lease", {"count": 0, "leave": True}).json()["leased_until"] is None


def test_the_guess_is_told_where_the_project_shows_it_before_the_answer(api: Api, ada: Caller) -> None:
    assert first(ada)["suggestion"] is None
    change_settings(api.workspace, api.project.id, replace(api.project.settings, suggestion=Suggestion.BEFORE))
    guess = first(ada)["suggestion"]
    assert set(guess) == {"class_id", "class_name", "probability"}
    change_settings(api.workspace, api.project.id, replace(api.project.settings, suggestion=Suggestion.NEVER))
    assert ada.post("/answers", said(first(ada))).json()["feedback"] is None


def test_a_round_is_read_page_by_page(ada: Caller) -> None:
    ada.post("/answers", said(first(ada)))
    pages, after = [], None
    while not pages or after is not None:
        pages.append(ada.get("/rounds/1/candidates", limit=5, **({} if after is None else {"after": after})).json())
        after = pages[-1]["next"]
    queue = [each for page in pages for each in page["candidates"]]
    assert [len(page["candidates"]) for page in pages] == [5, 5, 2]
    assert [each["rank"] for each in queue] == list(range(12))
    assert (queue[0]["settled"], queue[0]["is_answered"], queue[0]["votes"][0]["annotator"]) == ("circle", True, "Ada")
    assert sum(queue[0]["probabilities"].values()) == pytest.approx(1)
    assert pages[0]["round"] == {"number": 1, "state": "open", "answered": 1, "total": 12}


def test_labels_are_found_by_what_one_asks_for(ada: Caller) -> None:
    queue = ada.post("/lease", {"count": 6}).json()["images"]
    for image, name in zip(queue, ("circle", "star", "circle"), strict=False):
        ada.post("/answers", said(image, name))
    assert [each["class_name"] for each in ada.get("/labels").json()["labels"]] == ["circle", "star", "circle"]
    for which, count in (
        ({"class_name": "circle"}, 2),
        ({"annotator": "Ada"}, 3),
        ({"annotator": "Ad"}, 0),
        ({"annotator": "\u0410da'; --"}, 0),
        ({"item": queue[0]["item_id"]}, 1),
        ({"verdict": "skip"}, 0),
        ({"withdrawn": "true"}, 0),
        ({"withdrawn": "false", "limit": 2}, 2),
    ):
        assert len(ada.get("/labels", **which).json()["labels"]) == count, which
    page = ada.get("/labels", limit=2).json()
    assert [each["class_name"] for each in ada.get("/labels", after=page["next"]).json()["labels"]] == ["circle"]


def test_nothing_that_is_sent_is_an_error_of_the_server(api: Api, ada: Caller) -> None:
    sent = said(first(ada)) | {"class_id": None, "seconds": 1, "comment": "", "proposed_class": ""}
    for path, fields in (
        ("/answers", [*sent, "another"]),
        ("/undo", ["key"]),
        ("/lease", ["count", "queue", "showing", "leave", "another"]),
    ):
        for name in fields:
            for what, value in HOSTILE.items():
                whole = (
                    "{" + ", ".join(f'"{key}": {value if key == name else json.dumps(sent[key])}' for key in sent) + "}"
                )
                body = whole if path == "/answers" and name in sent else f'{{"{name}": {value}}}'
                told = api.client.post(
                    api.path + path, content=body, headers={**ada.headers, "Content-Type": "application/json"}
                )
                assert told.status_code in {200, 404, 409, 422}, (path, name, what, told.text)
                if told.status_code != 200:
                    assert set(told.json()) == {"error", "remedy"}
    for number in NUMBERS:
        for path in (f"/images/{number}", f"/images/{number}/rendition", f"/rounds/{number}/candidates"):
            assert ada.get(path).status_code in {200, 404, 422}, path
        for query in ({"after": number}, {"limit": number}, {"item": number}):
            assert ada.get("/labels", **query).status_code in {200, 422}, query


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{}" + b" " * 4_000_001, "application/json", 413),
        (b'{"key": "' + b"x" * 4_000_001 + b'"}', "application/json", 413),
        (b"{}", "text/plain", 415),
        (b"key=1", "application/x-www-form-urlencoded", 415),
        (b"{}", "", 415),
        (b"", "application/json", 422),
        (b"[" * 400_000, "application/json", 422),
        (b'{"key": "a", "key": "b"}', "application/json", 422),
        (b'{"seconds": NaN}', "application/json", 422),
        (b'{"key": "\xff"}', "application/json", 422),
        (b"[]", "application/json", 422),
    ],
)
def test_bodies_are_bounded_and_mean_one_thing(on_sqlite: Api, content: bytes, kind: str, status: int) -> None:
    token = on_sqlite.token("Ada", Role.ANNOTATOR, Scope.LABEL)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
    told = on_sqlite.client.post(f"{on_sqlite.path}/undo", content=content, headers=headers)
    assert (told.status_code, set(told.json())) == (status, {"error", "remedy"})


def test_it_describes_itself(on_sqlite: Api) -> None:
    token = on_sqlite.token("Ada", Role.ANNOTATOR, Scope.READ)
    told = on_sqlite.client.get("/api/openapi.json", headers={"Authorization": f"Bearer {token}"}).json()
    assert told["servers"] == [{"url": "http://testserver/api"}]
    answer = told["paths"]["/v1/projects/{project}/answers"]["post"]
    assert answer["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/AnswerSent")
    assert answer["responses"]["4XX"]["content"]["application/json"]["schema"]["$ref"].endswith("/Refusal")
