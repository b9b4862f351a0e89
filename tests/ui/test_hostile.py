"""Whatever is sent is stored or refused with a reason: never an error of the server, never asked for again for ever."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from alflow.accounts import OPERATOR, Role
from alflow.domain.answers import Verdict
from alflow.domain.projects import Project
from alflow.store.desk import labels
from alflow.store.rounds import candidates, rounds
from alflow.ui.door import allowances, gate, headers, invitations, password, sign_in
from alflow.ui.parts import services
from alflow.ui.routes import routes
from alflow.workflow.people import accounts as people
from alflow.workflow.projects import projects
from alflow.workspace import Workspace
from tests.browser import world
from tests.house import session_of

pytestmark = pytest.mark.slow

DEEP = "[" * 3000 + "]" * 3000
HOSTILE = {
    "null": "null",
    "true": "true",
    "false": "false",
    "zero": "0",
    "minus": "-1",
    "fraction": "1.5",
    "exponent": "1e3",
    "beyond int": str(2**31),
    "beyond bigint": str(2**63),
    "25 digits": "1234567890123456789012345",
    "400 digits": "9" * 400,
    "5000 digits": "9" * 5000,
    "huge": "1e999",
    "NaN": "NaN",
    "Infinity": "-Infinity",
    "digits as text": '"1"',
    "empty": '""',
    "NUL": '"a\\u0000b"',
    "half a pair": '"a\\ud800b"',
    "newline": '"a\\nb"',
    "long": '"' + "x" * 200_000 + '"',
    "list": "[1]",
    "list of lists": "[[1]]",
    "list of NaN": "[NaN]",
    "list of words": '["1", true, 1.5]',
    "huge numbers": f"[{'9' * 30}]",
    "empty list": "[]",
    "object": '{"a": 1}',
    "empty object": "{}",
    "NUL inside": '{"image": "\\u0000", "b": [{"c": "\\u0000"}]}',
    "half inside": '{"image": "\\udfff/\\ud800"}',
    "NUL as a name": '{"\\u0000": 1}',
    "twice": '{"a": 1, "a": 2}',
    "deep": DEEP,
    "deep object": '{"a":' * 800 + "1" + "}" * 800,
    "large object": json.dumps({str(number): number for number in range(20_000)}),
    "address": '{"image": "/images/1/1/../../../etc/passwd"}',
    "quotes": '"\'; DROP TABLE label; --"',
}
"""As it stands in the body."""

EVENT = ["kind", "key", "token", "candidate_id", "verdict", "class_id", "seconds", "shown", "comment", "proposed_class"]
DESK = ["events", "annotator", "queue", "ahead", "showing", "leave", "another"]
PAGE = ["token", "class_id", "accepted", "wrong", "seconds", "screen"]
GRID = ["class_id", "accept", "undo", "another"]

BODIES = {
    "nothing": b"",
    "half": b"{",
    "null": b"null",
    "number": b"9" * 5000,
    "NaN": b"NaN",
    "text": b'"events"',
    "list": b"[]",
    "deep list": b"[" * 400_000,
    "deep object": b'{"events":' * 90_000,
    "deep and whole": b'{"events": [], "a": ' + DEEP.encode() + b"}",
    "no UTF-8": b'{"events": ["\xff\xfe"]}',
    "UTF-16": '{"events": []}'.encode("utf-16"),
    "byte order": b'\xef\xbb\xbf{"events": 1}',
    "twice": b'{"events": [], "events": []}',
    "no objects": b'{"events": [1]}',
    "many": b'{"events": [' + b"{}," * 5000 + b"{}]}",
    "large": b'{"events": [], "a": "' + b"x" * 2_000_000 + b'"}',
    "form": b"events=1",
    "zipped": b"\x1f\x8b\x08\x00\x00\x00",
}


NUMBERS = ["0", "00001", str(2**31), str(2**63), "1" * 25, "9" * 400, "9" * 5000, "-1", "1.5", "%00", "\u0663"]
TYPED = [
    "",
    "\0",
    "a\0b",
    "\ud800",
    "x" * 3000,
    "\u0663",
    "\u202e",
    "'; --",
    "%",
    "\n",
    "a@b@c",
    "<b>",
    "\U0001f600" * 300,
]
FORM = "application/x-www-form-urlencoded"
FORMS = {
    "/sign-in": ["name", "password", "token", "invitation", "next"],
    "/invitation": ["token", "name", "password"],
    "/password": ["old", "password", "again"],
}


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests ask more often than any person: how often one may is held by `test_load`."""
    monkeypatch.setattr(allowances, "ANSWERS", allowances.Allowance(1_000_000, 1.0))


@pytest.fixture
def project(each_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Twelve images in an open round; its owner is signed in."""
    project, _ = world.build(each_workspace, tmp_path_factory.mktemp("images"), "hostile", 12)
    return project


@pytest.fixture
def browser(each_workspace: Workspace, project: Project) -> Iterator[TestClient]:
    """Our routes behind the gate, without Streamlit; what goes wrong is an answer with 500, as in earnest."""
    with _browser(each_workspace, project) as client:
        yield client


@contextmanager
def _browser(workspace: Workspace, project: Project) -> Iterator[TestClient]:
    keeper = gate.Doorkeeper(workspace)
    services.provide(services.Services(workspace, keeper))
    ada = people.add_account(workspace, "Ada", "a long password, really").annotator_id
    people.set_role(workspace, project.id, ada, Role.OWNER, by=OPERATOR)
    app = Starlette(
        routes=[*sign_in.ROUTES, *invitations.ROUTES, *password.ROUTES, *routes.ROUTES],
        middleware=[Middleware(headers.SafeHeaders, https=False), Middleware(gate.Gate, doorkeeper=keeper)],
    )
    cookie = session_of(workspace, ada)
    with TestClient(
        app, raise_server_exceptions=False, headers={"Cookie": cookie}, client=("127.0.0.1", 5), follow_redirects=False
    ) as client:
        yield client


def test_no_field_of_an_answer_is_an_error(each_workspace: Workspace, project: Project, browser: TestClient) -> None:
    sent = _answer(each_workspace, project)
    address = f"/desk/{project.id}/sync"
    for name in EVENT:
        for what, value in HOSTILE.items():
            event = _with({**sent, "token": f"{name} {what}"}, name, value)
            told = browser.post(address, content=f'{{"events": [{event}]}}')
            assert told.status_code in {200, 422}, (name, what, told.text)
            if told.status_code == 200:
                (acknowledged,) = told.json()["acknowledgements"]
                assert acknowledged["stored"] or acknowledged["reason"], (name, what)
                assert "again" not in acknowledged, (name, what)
    for what, value in HOSTILE.items():
        undo = _with({"kind": "undo", "key": "k", "token": "t"}, "token", value)
        told = browser.post(address, content=f'{{"events": [{undo}]}}')
        assert told.status_code in {200, 422}, what
        assert "again" not in str(told.json().get("acknowledgements")), what
    _assert_it_still_works(each_workspace, project, browser)


def test_no_field_of_a_check_is_an_error(each_workspace: Workspace, project: Project, browser: TestClient) -> None:
    """A negative number names a check; there is none here."""
    sent = _answer(each_workspace, project) | {"candidate_id": -7}
    for what, value in HOSTILE.items():
        told = browser.post(f"/desk/{project.id}/sync", content=f'{{"events": [{_with(sent, "token", value)}]}}')
        assert told.status_code in {200, 422}, what
        assert "again" not in str(told.json().get("acknowledgements")), what


def test_answers_are_counted_one_by_one_however_many_a_request_holds(
    browser: TestClient, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowances, "ANSWERS", allowances.Allowance(routes.MOST_EVENTS + 10, 0.001))
    many = {"events": [{"kind": "undo", "token": str(number)} for number in range(routes.MOST_EVENTS)], "ahead": 0}
    few = many | {"events": many["events"][:2]}
    sent = [browser.post(f"/desk/{project.id}/sync", json=each).status_code for each in (many, many, few)]
    assert sent == [200, 429, 200]


def test_no_wish_of_a_deck_is_an_error(each_workspace: Workspace, project: Project, browser: TestClient) -> None:
    for name in DESK:
        for what, value in HOSTILE.items():
            told = browser.post(f"/desk/{project.id}/sync", content=_with({"events": [], "queue": "todo"}, name, value))
            assert told.status_code in {200, 401, 422}, (name, what, told.text)
    _assert_it_still_works(each_workspace, project, browser)


def test_no_field_of_a_page_is_an_error(project: Project, browser: TestClient) -> None:
    address = f"/grid/{project.id}"
    page = browser.post(address, json={"class_id": None}).json()["page"]
    shown = [each["candidate_id"] for each in page["images"]]
    accept = {"token": page["token"], "class_id": page["class_id"], "accepted": shown, "wrong": [], "seconds": 2}
    for name in PAGE:
        for what, value in HOSTILE.items():
            told = browser.post(address, content=f'{{"accept": {_with(accept, name, value)}}}')
            assert told.status_code in {200, 422}, (name, what, told.text)
            if told.status_code == 200 and told.json()["reason"] is None:  # it was fit to be stored
                assert browser.post(address, json={"undo": told.json()["last"]["token"]}).status_code == 200
                page = browser.post(address, json={"class_id": page["class_id"]}).json()["page"]
                accept["token"] = page["token"]
    for name in GRID:
        for what, value in HOSTILE.items():
            told = browser.post(address, content=_with({}, name, value))
            assert told.status_code in {200, 422}, (name, what, told.text)
    assert browser.post(address, json={"accept": accept}).json()["reason"] is None


def test_no_body_is_an_error(workspace: Workspace, tmp_path: Any) -> None:
    project, _ = world.build(workspace, tmp_path, "hostile", 1)
    with _browser(workspace, project) as browser:
        for what, body in BODIES.items():
            for kind in ("application/json", "multipart/form-data; boundary=x"):
                told = browser.post(f"/desk/{project.id}/sync", content=body, headers={"Content-Type": kind})
                assert told.status_code == 422, (what, told.text)
                assert told.json()["reason"]
            assert browser.post(f"/grid/{project.id}", content=body).status_code in {200, 422}, what


def test_no_number_in_a_path_is_an_error(browser: TestClient) -> None:
    for number in NUMBERS:
        for address in (
            f"/images/1/{number}/thumbnail",
            f"/images/{number}/1/full",
            f"/images/1/1/{number}",
            f"/images/1/{number}/full",
            f"/desk/{number}/guide",
        ):
            assert browser.get(address).status_code in {200, 403, 404}, address
        for address in (f"/desk/{number}/sync", f"/grid/{number}"):
            assert browser.post(address, json={"events": []}).status_code in {200, 403, 404, 405}, address


def test_no_form_is_an_error(browser: TestClient) -> None:
    for typed in TYPED:
        written = quote(typed, errors="surrogatepass")
        for address, names in FORMS.items():
            for name in names:
                body = "&".join([f"{name}={written}", *(f"{other}=x" for other in names if other != name)])
                told = browser.post(address, content=body, headers={"Content-Type": FORM})
                assert told.status_code < 500, (address, name, typed, told.text)
                assert browser.get(f"{address}?{name}={written}").status_code < 500, (address, name, typed)
        cookie = {"Cookie": f"alflow_8501={written}; alflow_8501=again"}
        assert browser.get("/images/1/1/thumbnail", headers=cookie).status_code == 401


def test_a_day_is_the_longest_that_is_kept(workspace: Workspace, tmp_path: Any) -> None:
    """A lid that is shut overnight, or a clock that jumps, loses no answer."""
    project, _ = world.build(workspace, tmp_path, "hostile", 3)
    with _browser(workspace, project) as browser:
        for token, seconds, kept in (("a", 1e9, 86_400), ("b", -3.5, 0), ("c", 10**30, 86_400)):
            sent = _answer(workspace, project) | {"token": token, "seconds": seconds}
            told = browser.post(f"/desk/{project.id}/sync", json={"events": [sent]}).json()
            assert told["acknowledgements"][0]["stored"]
            with workspace.database.read() as tx:
                label = labels.by_token(tx, token)
            assert label is not None
            assert label.seconds == kept


def _answer(workspace: Workspace, project: Project) -> dict[str, Any]:
    with workspace.database.read() as tx:
        current = rounds.last(tx, project.id)
        assert current is not None
        candidate = candidates.of_round(tx, current.id)[0]
    return {
        "kind": "answer",
        "key": "answer:t",
        "token": "t",
        "candidate_id": candidate.id,
        "verdict": Verdict.CLASS.value,
        "class_id": projects.project_classes(workspace, project.id)[0].id,
        "seconds": 1.5,
        "shown": {"item_id": candidate.item_id},
    }


def _with(sent: dict[str, Any], name: str, value: str) -> str:
    """The object as JSON, with this text in place of a field."""
    rest = json.dumps({key: other for key, other in sent.items() if key != name})[1:-1]
    return f'{{"{name}": {value}{", " if rest else ""}{rest}}}'


def _assert_it_still_works(workspace: Workspace, project: Project, browser: TestClient) -> None:
    sent = _answer(workspace, project) | {"token": "the last"}
    told = browser.post(f"/desk/{project.id}/sync", json={"events": [sent]})
    assert told.status_code == 200
    assert told.json()["acknowledgements"][0]["stored"]
    assert told.json()["recent"][0]["token"] == "the last"
