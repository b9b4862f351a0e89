"""The access matrix: every page, route and action, for everybody. The tables are written out, not taken from the code.

Everybody: nobody; the four roles in the project `birds`; `of fish`, owner of another project; and owners of birds whose
account was deactivated, whose session is too old, and whose session was left unused for too long.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from alflow.accounts import Role
from alflow.domain import Project
from alflow.settings import Settings
from alflow.store import items, labels, rounds, sessions
from alflow.store import people as accounts
from alflow.workflow import people
from alflow.workflow.passwords import token_hash
from alflow.workspace import Workspace
from tests.browser import world
from tests.ui.streamlit_client import Client
from tests.web import free_port, http, served
from ui import access

pytestmark = pytest.mark.slow

PEOPLE = ["nobody", "annotator", "reviewer", "engineer", "owner", "of fish", "deactivated", "too old", "unused"]

REQUESTS = {
    #                                          nobody ann  rev  eng  own  fish deac old  unused
    "GET /images/{birds}/{bird}/thumbnail":    [401, 200, 200, 200, 200, 403, 401, 401, 401],
    "GET /images/{birds}/{bird}/rendition":    [401, 200, 200, 200, 200, 403, 401, 401, 401],
    "GET /images/{birds}/{carp}/rendition":    [401, 404, 404, 404, 404, 403, 401, 401, 401],
    "GET /images/{fish}/{carp}/rendition":     [401, 403, 403, 403, 403, 200, 401, 401, 401],
    "GET /images/{fish}/{bird}/rendition":     [401, 403, 403, 403, 403, 404, 401, 401, 401],
    "GET /images/999/1/rendition":             [401, 403, 403, 403, 403, 403, 401, 401, 401],
    "POST /desk/{birds}/sync":                 [401, 200, 200, 200, 200, 403, 401, 401, 401],
    "POST /desk/{fish}/sync":                  [401, 403, 403, 403, 403, 200, 401, 401, 401],
    "GET /desk/{birds}/guide":                 [401, 200, 200, 200, 200, 403, 401, 401, 401],
    "GET /desk/{fish}/guide":                  [401, 403, 403, 403, 403, 200, 401, 401, 401],
    "POST /grid/{birds}":                      [401, 200, 200, 200, 200, 403, 401, 401, 401],
    "POST /grid/{fish}":                       [401, 403, 403, 403, 403, 200, 401, 401, 401],
    "GET /":                                   [401, 200, 200, 200, 200, 200, 401, 401, 401],
    "GET /label":                              [401, 200, 200, 200, 200, 200, 401, 401, 401],
    "GET /static/index.html":                  [401, 200, 200, 200, 200, 200, 401, 401, 401],
    "GET /_stcore/host-config":                [401, 200, 200, 200, 200, 200, 401, 401, 401],
    "GET /_stcore/metrics":                    [401, 200, 200, 200, 200, 200, 401, 401, 401],
    "GET /media/none.jpg":                     [401, 404, 404, 404, 404, 404, 401, 401, 401],
    "GET /component/none/index.html":          [401, 404, 404, 404, 404, 404, 401, 401, 401],
    "PUT /_stcore/upload_file/none/none":      [401, 403, 403, 403, 403, 403, 401, 401, 401],
    "GET /app/static/none.jpg":                [401, 200, 200, 200, 200, 200, 401, 401, 401],  # the pages' own frame
    "GET /sign-in":                            [200, 200, 200, 200, 200, 200, 200, 200, 200],
    "GET /offline.js":                         [200, 200, 200, 200, 200, 200, 200, 200, 200],
    # without a provider these lead to the pages, past whose gate nobody is
    "GET /auth/login":                         [401, 200, 200, 200, 200, 200, 401, 401, 401],
    "GET /oauth2callback":                     [401, 200, 200, 200, 200, 200, 401, 401, 401],
    "GET /auth/logout":                        [401, 200, 200, 200, 200, 200, 401, 401, 401],
    "GET /invitation":                         [403, 403, 403, 403, 403, 403, 403, 403, 403],
    "GET /_stcore/health":                     [200, 200, 200, 200, 200, 200, 200, 200, 200],
    "websocket":                               [403, 101, 101, 101, 101, 101, 403, 403, 403],
}  # fmt: skip

PAGES = {
    #              annotator reviewer engineer owner
    "label":      [True,     True,    True,    True],
    "grid":       [True,     True,    True,    True],
    "rounds":     [False,    True,    True,    True],
    "quality":    [False,    True,    True,    True],
    "adjudicate": [False,    True,    True,    True],
    "find":       [False,    True,    True,    True],
    "history":    [False,    True,    True,    True],
    "backtest":   [False,    True,    True,    True],
    "project":    [False,    True,    True,    True],
    "people":     [False,    False,   False,   True],
}  # fmt: skip

ACTIONS = {
    # what is on the page for it               annotator reviewer engineer owner
    ("label", "alflow_deck"):                  [True,     True,    True,    True],
    ("grid", "alflow_grid"):                   [True,     True,    True,    True],
    ("adjudicate", "Show who voted"):          [False,    True,    True,    True],
    ("find", "What to look for"):              [False,    True,    True,    True],
    ("history", "Image number"):               [False,    True,    True,    True],
    ("project", "Download labels as"):         [False,    True,    True,    True],
    ("backtest", "And a combination"):         [False,    False,   True,    True],
    ("project", "Guidelines, in Markdown"):    [False,    False,   True,    True],
    ("people", "Valid for days"):              [False,    False,   False,   True],
    ("people", "loses access to this project"): [False,   False,   False,   True],
}  # fmt: skip

ROLES = ["annotator", "reviewer", "engineer", "owner"]
CLOSED = "Not for your role"


@dataclass(frozen=True)
class House:
    """A running UI with two projects, and a session of everybody."""

    workspace: Workspace
    url: str
    birds: Project
    fish: Project
    names: dict[str, int]
    cookies: dict[str, str]

    def address(self, request: str) -> str:
        """The address of a line of the table."""
        return self.url + request.partition(" ")[2].format(**self.names)

    def annotator(self, who: str) -> int:
        """Their id."""
        return people.find_account(self.workspace, who).annotator_id

    def cookie(self, who: str, role: Role, age: timedelta = timedelta(0)) -> str:
        """A new account with a session that began so long ago."""
        name = f"{who} {len(people.list_accounts(self.workspace))}"
        account = people.add_account(self.workspace, name, email=f"{name.replace(' ', '.')}@example.org")
        people.set_role(self.workspace, self.birds.id, account.annotator_id, role)
        return session_of(self.workspace, account.annotator_id, age)


def session_of(workspace: Workspace, annotator: int, age: timedelta = timedelta(0), used: bool = True) -> str:
    """The cookie of a session as signing in would have made it, without a password to hash."""
    token, began = f"session of {annotator}", datetime.now(UTC) - age
    seen = datetime.now(UTC) if used else began
    with workspace.database.begin() as tx:
        sessions.open_(tx, token_hash(token), annotator, None, seen, began + timedelta(days=7))
    return f"alflow_{workspace.settings.port}={token}"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    home, port = tmp_path_factory.mktemp("house"), free_port()
    workspace = Workspace.open(Settings(home=home, port=port))
    birds, _ = world.build(workspace, home, "birds", 3)
    fish, _ = world.build(workspace, home, "fish", 3)
    with workspace.database.read() as tx:
        bird, carp = (items.list_(tx, project.id)[0].id for project in (birds, fish))
    cookies = {"nobody": ""}
    for who in PEOPLE[1:]:
        account = people.add_account(workspace, who, email=f"{who.replace(' ', '.')}@example.org")
        project, role = (fish, Role.OWNER) if who == "of fish" else (birds, Role(who) if who in ROLES else Role.OWNER)
        people.set_role(workspace, project.id, account.annotator_id, role)
        age = timedelta(days=8 if who == "too old" else 1)
        cookies[who] = session_of(workspace, account.annotator_id, age, used=who != "unused")
    with workspace.database.begin() as tx:  # not `people.set_active`: it would end the session, which is to be refused
        accounts.change(tx, accounts.by_name(tx, "deactivated").annotator_id, active=False)  # type: ignore[union-attr]
    names = {"birds": birds.id, "fish": fish.id, "bird": bird, "carp": carp}
    with served(home, port) as url:
        yield House(workspace, url, birds, fish, names, cookies)
    workspace.database.close()


@pytest.mark.parametrize("request_", REQUESTS)
def test_requests(house: House, request_: str) -> None:
    found = {who: _status(house, request_, who) for who in PEOPLE}
    assert found == dict(zip(PEOPLE, REQUESTS[request_], strict=True))


def test_every_route_and_page_is_in_the_tables() -> None:
    """A new one is in the code's table, or nothing starts; so that it is in these too."""
    written = {
        "/images/{project:int}/{item:int}/{kind:str}",
        "/desk/{project:int}/sync",
        "/desk/{project:int}/guide",
        "/grid/{project:int}",
    }
    assert set(access.ROUTES) == written
    assert set(access.PAGES) == set(PAGES)


@pytest.mark.parametrize("who", ROLES)
def test_pages_and_what_one_can_do_there(house: House, who: str) -> None:
    place = ROLES.index(who)
    with Client(house.url, house.cookies[who]) as client:
        drawn = {page: client.page(page, "project=birds") for page in PAGES}
    assert {page: CLOSED not in drawn[page].text for page in PAGES} == {page: row[place] for page, row in PAGES.items()}
    acts = {(page, what): what in drawn[page].text for page, what in ACTIONS}
    assert acts == {action: row[place] for action, row in ACTIONS.items()}
    assert all(len(each.menu) == sum(row[place] for row in PAGES.values()) for each in drawn.values())
    assert not any("fish" in each.text for each in drawn.values())
    assert not any(kind == "exception" for each in drawn.values() for kind, _ in each.elements)


def test_who_is_of_another_project_sees_that_one_only(house: House) -> None:
    with Client(house.url, house.cookies["of fish"]) as client:
        for page in PAGES:
            text = client.page(page, "project=birds").text
            assert CLOSED not in text
            assert "fish" in text
            assert "birds" not in text


def test_an_answer_reaches_no_other_project(house: House) -> None:
    """A role in one project answers, and takes back, in that one only, whatever the browser says."""
    with house.workspace.database.read() as tx:
        current = rounds.last(tx, house.birds.id)
        assert current is not None
        candidate = rounds.candidates(tx, current.id)[-1]
    answer = {"kind": "answer", "key": "k", "token": "t", "candidate_id": candidate.id, "seconds": 1, "shown": {}}
    answer |= {"verdict": "class", "class_id": candidate.predicted_class_id}
    refused = _sync(house, "of fish", house.fish, [answer])
    assert not refused["acknowledgements"][0]["stored"]
    assert _sync(house, "reviewer", house.birds, [answer])["acknowledgements"][0]["stored"]
    people.set_role(house.workspace, house.fish.id, house.annotator("reviewer"), Role.OWNER)
    undo = {"kind": "undo", "key": "u", "token": "t"}
    assert not _sync(house, "reviewer", house.fish, [undo])["acknowledgements"][0]["stored"]
    people.remove_member(house.workspace, house.fish.id, house.annotator("reviewer"))
    with house.workspace.database.read() as tx:
        assert [each.token for each in labels.of_project(tx, house.birds.id)] == ["t"]


def _lower(house: House, annotator: int) -> None:
    people.set_role(house.workspace, house.birds.id, annotator, Role.ANNOTATOR)


def _remove(house: House, annotator: int) -> None:
    people.remove_member(house.workspace, house.birds.id, annotator)


def _deactivate(house: House, annotator: int) -> None:
    people.set_active(house.workspace, annotator, active=False)


@pytest.mark.parametrize(("change", "then"), [(_lower, 101), (_remove, 101), (_deactivate, 403)])
def test_an_open_page_goes_no_further_once_the_role_is_gone(house: House, change: Any, then: int) -> None:
    cookie = house.cookie("changed", Role.OWNER)
    annotator = max(account.annotator_id for account, _ in people.list_accounts(house.workspace))
    with Client(house.url, cookie) as client:
        before = client.page("rounds", "project=birds")
        assert CLOSED not in before.text
        change(house, annotator)
        assert client.ends("rounds", "project=birds") == 4401
    assert _handshake(house, cookie) == then
    if then == 101:
        with Client(house.url, cookie, resume=before.session) as client:
            after = client.page("rounds", "project=birds")
        assert "Why these images" not in after.text
        assert after.session != before.session


def test_nobody_goes_on_in_the_page_of_another(house: House) -> None:
    """Streamlit would resume a script's state for whoever names it; the gate's stamp tells it whose it is."""
    with Client(house.url, house.cookies["owner"]) as client:
        mine = client.page("people", "project=birds").session
    with Client(house.url, house.cookies["owner"], resume=mine) as client:
        assert client.page("people", "project=birds").session == mine
    stamp = {"X-Alflow-Visitor": "anything"}
    with Client(house.url, house.cookies["annotator"], resume=mine, headers=stamp) as client:
        drawn = client.page("people", "project=birds")
    assert drawn.session != mine
    assert CLOSED in drawn.text


def _status(house: House, request: str, who: str) -> int:
    if request == "websocket":
        return _handshake(house, house.cookies[who])
    body = json.dumps({"events": []}).encode() if request.startswith("POST") else None
    return http(house.address(request), cookie=house.cookies[who], method=request.partition(" ")[0], body=body)[0]


def _handshake(house: House, cookie: str) -> int:
    try:
        Client(house.url, cookie).socket.close()
    except InvalidStatus as refused:
        return refused.response.status_code
    return 101


def _sync(house: House, who: str, project: Project, events: list[dict[str, Any]]) -> dict[str, Any]:
    address = f"{house.url}/desk/{project.id}/sync"
    status, text = http(address, cookie=house.cookies[who], method="POST", body=json.dumps({"events": events}).encode())
    assert status == 200
    return dict(json.loads(text))
