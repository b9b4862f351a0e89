"""The access matrix: every page, route and action, for everybody (see `tests.house`).

The tables are written out, not taken from the code.
"""

import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import InvalidStatus

from alflow.accounts import OPERATOR, Role
from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.domain.rounds import Origin
from alflow.store.desk import labels
from alflow.store.images import items
from alflow.store.rounds import candidates, rounds
from alflow.ui.components import modules
from alflow.ui.door import access
from alflow.workflow.people import accounts as people
from tests.house import CLOSED, PAGES, PEOPLE, ROLES, House, open_house
from tests.ui.streamlit_client import Client, Drawn
from tests.web import http

pytestmark = pytest.mark.slow

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
    "GET /report/{birds}":                     [401, 403, 200, 200, 200, 403, 401, 401, 401],
    "GET /report/{birds}?round=1&names=1&pictures=0": [401, 403, 200, 200, 200, 403, 401, 401, 401],
    "GET /report/{birds}?round=99":            [401, 403, 404, 404, 404, 403, 401, 401, 401],
    "GET /report/{birds}?round=-1":            [401, 403, 422, 422, 422, 403, 401, 401, 401],
    "GET /report/{fish}":                      [401, 403, 403, 403, 403, 200, 401, 401, 401],
    "POST /report/{birds}":                    [401, 403, 405, 405, 405, 403, 401, 401, 401],
    "GET /report/1234567890123456789012345":   [401, 404, 404, 404, 404, 404, 401, 401, 401],
    "GET /export/{birds}/labels":              [401, 403, 200, 200, 200, 403, 401, 401, 401],
    "GET /export/{fish}/labels":               [401, 403, 403, 403, 403, 200, 401, 401, 401],
    "GET /export/{birds}/dataset?format=none": [401, 403, 403, 422, 422, 403, 401, 401, 401],
    "GET /export/{birds}/secrets":             [401, 403, 403, 404, 404, 403, 401, 401, 401],
    "GET /backup/{birds}/alflow-1.tar":        [401, 403, 403, 403, 403, 403, 401, 401, 401],  # none owns all
    "GET /backup/{birds}":                     [401, 404, 404, 404, 404, 404, 401, 401, 401],
    "POST /export/{birds}/labels":             [401, 403, 405, 405, 405, 403, 401, 401, 401],
    "GET /export/{birds}":                     [401, 404, 404, 404, 404, 404, 401, 401, 401],
    "GET /map/{birds}/points":                 [401, 403, 200, 200, 200, 403, 401, 401, 401],
    "GET /map/{fish}/points":                  [401, 403, 403, 403, 403, 404, 401, 401, 401],
    "GET /map/{birds}":                        [401, 404, 404, 404, 404, 404, 401, 401, 401],
    "GET /map/1234567890123456789012345/points": [401, 404, 404, 404, 404, 404, 401, 401, 401],
    "PUT /upload/{birds}":                     [401, 403, 403, 422, 422, 403, 401, 401, 401],
    "PUT /upload/{fish}?path=a.jpg":           [401, 403, 403, 403, 403, 422, 401, 401, 401],
    "POST /upload/{birds}":                    [401, 403, 403, 204, 204, 403, 401, 401, 401],
    "PUT /upload/{birds}/labels":              [401, 403, 403, 422, 422, 403, 401, 401, 401],
    "POST /upload/{birds}/labels":             [401, 403, 403, 204, 204, 403, 401, 401, 401],
    "PUT /upload/1234567890123456789012345":   [401, 404, 404, 404, 404, 404, 401, 401, 401],
    "GET /password":                           [401, 200, 200, 200, 200, 200, 401, 401, 401],
    "POST /password":                          [401, 403, 403, 403, 403, 403, 401, 401, 401],  # they have none
    "GET /tokens":                             [401, 200, 200, 200, 200, 200, 401, 401, 401],
    "POST /tokens":                            [401, 422, 422, 422, 422, 422, 401, 401, 401],
    # below /api a cookie opens no more than the description; what a token opens, test_gate of the API tells
    "GET /api/openapi.json":                   [401, 200, 200, 200, 200, 200, 401, 401, 401],
    "GET /api/v1/projects":                    [401, 401, 401, 401, 401, 401, 401, 401, 401],
    "GET /api/v1/projects/{birds}":            [401, 401, 401, 401, 401, 401, 401, 401, 401],
    "POST /api/v1/projects/{birds}/lease":     [401, 401, 401, 401, 401, 401, 401, 401, 401],
    "GET /api/docs":                           [401, 404, 404, 404, 404, 404, 401, 401, 401],
    "GET /":                                   [401, 200, 200, 200, 200, 200, 401, 401, 401],
    "GET /label":                              [401, 200, 200, 200, 200, 200, 401, 401, 401],
    f"GET /components/{modules.VERSION}/deck/mount.js": [401, 200, 200, 200, 200, 200, 401, 401, 401],
    f"POST /components/{modules.VERSION}/deck/mount.js": [401, 403, 403, 403, 403, 403, 401, 401, 401],
    "GET /components/000000000000/deck/mount.js": [401, 404, 404, 404, 404, 404, 401, 401, 401],
    "GET /static/index.html":                  [401, 200, 200, 200, 200, 200, 401, 401, 401],
    "GET /_stcore/host-config":                [401, 200, 200, 200, 200, 200, 401, 401, 401],
    # what no page asks for is closed to everybody: figures of the server, uploads, programs that drive pages
    "GET /_stcore/metrics":                    [401, 404, 404, 404, 404, 404, 401, 401, 401],
    "GET /_stcore/script-health-check":        [401, 404, 404, 404, 404, 404, 401, 401, 401],
    "POST /_stcore/agent/interact":            [401, 404, 404, 404, 404, 404, 401, 401, 401],
    "DELETE /_stcore/upload_file/none/none":   [401, 404, 404, 404, 404, 404, 401, 401, 401],
    "POST /media/none.jpg":                    [401, 403, 403, 403, 403, 403, 401, 401, 401],
    "PUT /rounds":                             [401, 403, 403, 403, 403, 403, 401, 401, 401],
    "GET /images/1234567890123456789012345/1/full":  [401, 404, 404, 404, 404, 404, 401, 401, 401],
    "GET /images/{birds}/1234567890123456789012345/full": [401, 404, 404, 404, 404, 404, 401, 401, 401],
    "POST /desk/1234567890123456789012345/sync": [401, 404, 404, 404, 404, 404, 401, 401, 401],
    "POST /grid/1234567890123456789012345":    [401, 404, 404, 404, 404, 404, 401, 401, 401],
    "GET /images/{birds}/{bird}":              [401, 404, 404, 404, 404, 404, 401, 401, 401],
    "GET /media/none.jpg":                     [401, 404, 404, 404, 404, 404, 401, 401, 401],
    "GET /component/none/index.html":          [401, 404, 404, 404, 404, 404, 401, 401, 401],
    "PUT /_stcore/upload_file/none/none":      [401, 404, 404, 404, 404, 404, 401, 401, 401],
    "GET /app/static/none.jpg":                [401, 200, 200, 200, 200, 200, 401, 401, 401],  # the pages' own frame
    "GET /sign-in":                            [200, 200, 200, 200, 200, 200, 200, 200, 200],
    "GET /offline.js":                         [200, 200, 200, 200, 200, 200, 200, 200, 200],
    "GET /manifest.webmanifest":               [200, 200, 200, 200, 200, 200, 200, 200, 200],
    "GET /icon-192.png":                       [200, 200, 200, 200, 200, 200, 200, 200, 200],
    "GET /icon-touch.png":                     [200, 200, 200, 200, 200, 200, 200, 200, 200],
    "GET /icon-513.png":                       [401, 200, 200, 200, 200, 200, 401, 401, 401],  # the pages' own frame
    # without a provider these lead to the pages, past whose gate nobody is
    "GET /auth/login":                         [401, 200, 200, 200, 200, 200, 401, 401, 401],
    "GET /oauth2callback":                     [401, 200, 200, 200, 200, 200, 401, 401, 401],
    "GET /auth/logout":                        [401, 200, 200, 200, 200, 200, 401, 401, 401],
    "GET /invitation":                         [403, 403, 403, 403, 403, 403, 403, 403, 403],
    "GET /_stcore/health":                     [200, 200, 200, 200, 200, 200, 200, 200, 200],
    "GET /health":                             [503, 503, 503, 503, 503, 503, 503, 503, 503],  # no schedule runs here
    "POST /health":                            [405, 405, 405, 405, 405, 405, 405, 405, 405],
    "GET /metrics":                            [404, 404, 404, 404, 404, 404, 404, 404, 404],  # there is no token
    "websocket":                               [403, 101, 101, 101, 101, 101, 403, 403, 403],
}  # fmt: skip

ACTIONS = {
    # what is on the page for it               annotator reviewer engineer owner
    ("label", "alflow_deck"):                  [True,     True,    True,    True],
    ("grid", "alflow_grid"):                   [True,     True,    True,    True],
    ("checks", "images whose class is known"): [True,     True,    True,    True],
    ("adjudicate", "Show who voted"):          [False,    True,    True,    True],
    ("find", "What to look for"):              [False,    True,    True,    True],
    ("map", "alflow_map"):                     [False,    True,     True,    True],
    ("history", "Image number"):               [False,    True,    True,    True],
    ("project", "Export"):                     [False,    True,    True,    True],
    ("project", "Import labels"):              [False,    False,   True,    True],
    ("project", "Installation"):               [False,    False,   False,   True],
    ("project", "Stop or delete"):             [False,    False,   True,    True],
    ("backtest", "Combination of strategies"): [False,    False,   True,    True],
    ("project", "Guidelines"):                 [False,    False,   True,    True],
    ("project", "Settings"):                   [False,    False,   True,    True],
    ("people", "Valid for days"):              [False,    False,   False,   True],
    ("people", "loses access to this project"): [False,   False,   False,   True],
    ("new", "Create the project"):             [False,    False,   False,   True],
}  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture(scope="module")
def pages_of(house: House) -> Callable[[str], dict[str, Drawn]]:
    """All pages at the address of the project `birds`, as somebody gets them; drawn once for each of them."""

    @cache
    def draw(who: str) -> dict[str, Drawn]:
        with Client(house.url, house.cookies[who]) as client:
            return {page: client.page(page, "project=birds") for page in PAGES}

    return draw


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
        "/report/{project:int}",
        "/export/{project:int}/labels",
        "/export/{project:int}/{what:str}",
        "/map/{project:int}/points",
        "/backup/{project:int}/{name:str}",
        "/upload/{project:int}",
        "/upload/{project:int}/labels",
    }
    assert set(access.ROUTES) == written
    assert set(access.PAGES) == set(PAGES)
    own = {"/password", "/tokens", "/label", "/components/{version:str}/{module:path}"}
    assert set(access.SIGNED_IN) == own | {"/api/openapi.json", "/api/v1/projects"}


@pytest.mark.parametrize("who", ROLES)
def test_pages_and_what_one_can_do_there(pages_of: Callable[[str], dict[str, Drawn]], who: str) -> None:
    place, drawn = ROLES.index(who), pages_of(who)
    assert {page: CLOSED not in drawn[page].text for page in PAGES} == {page: row[place] for page, row in PAGES.items()}
    acts = {(page, what): what in drawn[page].text for page, what in ACTIONS}
    assert acts == {action: row[place] for action, row in ACTIONS.items()}
    assert all(len(each.menu) == sum(row[place] for row in PAGES.values()) for each in drawn.values())
    assert not any("fish" in each.text for each in drawn.values())
    assert not any(kind == "exception" for each in drawn.values() for kind, _ in each.elements)


@pytest.mark.parametrize("who", [*ROLES, "of fish"])
def test_every_link_leads_to_a_page(pages_of: Callable[[str], dict[str, Drawn]], who: str) -> None:
    """Streamlit has the first page at `/` alone; at the address of its name it says that there is none."""
    there = {"/", *(f"/{page}" for page in PAGES if page != "label"), "/sign-out", "/password", "/tokens"}
    text = "".join(page.text for page in pages_of(who).values())
    linked = set(re.findall(r"""(?:href|action)=[\\]?["']\.(/[^"'?\\]*)""", text))
    assert linked
    assert linked <= there
    assert not re.search(r"""(?:href|action|src)=[\\]?["']/""", text)  # pages may be in a folder of a host


def test_the_address_of_the_first_page_leads_to_it(house: House) -> None:
    with urllib.request.urlopen(
        urllib.request.Request(f"{house.url}/label?project=birds", headers={"Cookie": house.cookies["annotator"]})
    ) as answer:
        assert answer.url == f"{house.url}/?project=birds"


def test_who_is_of_another_project_sees_that_one_only(pages_of: Callable[[str], dict[str, Drawn]]) -> None:
    for page in pages_of("of fish").values():
        assert CLOSED not in page.text
        assert "fish" in page.text
        assert "birds" not in page.text


def test_an_answer_reaches_no_other_project(house: House) -> None:
    """A role in one project answers, and takes back, in that one only, whatever the browser says."""
    with house.workspace.database.read() as tx:
        current = rounds.last(tx, house.birds.id)
        assert current is not None
        candidate = candidates.of_round(tx, current.id)[-1]
    answer = {"kind": "answer", "key": "k", "token": "t", "candidate_id": candidate.id, "seconds": 1, "shown": {}}
    answer |= {"verdict": "class", "class_id": candidate.predicted_class_id}
    refused = _sync(house, "of fish", house.fish, [answer])
    assert not refused["acknowledgements"][0]["stored"]
    assert _sync(house, "reviewer", house.birds, [answer])["acknowledgements"][0]["stored"]
    people.set_role(house.workspace, house.fish.id, house.annotator("reviewer"), Role.OWNER, by=OPERATOR)
    undo = {"kind": "undo", "key": "u", "token": "t"}
    assert not _sync(house, "reviewer", house.fish, [undo])["acknowledgements"][0]["stored"]
    people.remove_member(house.workspace, house.fish.id, house.annotator("reviewer"), by=OPERATOR)
    with house.workspace.database.read() as tx:
        assert [each.token for each in labels.of_project(tx, house.birds.id)] == ["t"]


def _engineer(house: House) -> str:
    return house.cookies["engineer"]


def _reviewer(house: House) -> str:
    return house.cookies["reviewer"]


def _engineer_of_fish_only(house: House) -> str:
    cookie = house.cookie("both", Role.REVIEWER)
    people.set_role(house.workspace, house.fish.id, _newest(house), Role.ENGINEER, by=OPERATOR)
    return cookie


@pytest.mark.parametrize(
    ("who", "chosen", "sent"),
    [(_reviewer, "birds", 0), (_engineer_of_fish_only, "fish", 0), (_engineer, "birds", 1)],
)
def test_a_selection_is_sent_by_engineers_only(house: House, who: Any, chosen: str, sent: int) -> None:
    """Whoever else writes the message of the button by hand changes nothing, whichever project it says is chosen."""
    with house.workspace.database.read() as tx:
        before = candidates.of_round(tx, rounds.last(tx, house.birds.id).id)  # type: ignore[union-attr]
        asked = {one.item_id for one in before}
        free = next(one.id for one in items.list_(tx, house.birds.id, Split.POOL) if one.id not in asked)
    with Client(house.url, who(house)) as client:
        widgets = client.page("find", "project=birds").widgets
        words = WidgetState(id=widgets["What to look for"], string_value="red")
        drawn = client.page("find", "project=birds", words)
        wish = json.dumps([{"event": "send", "value": {"ids": [free], "why": "written by hand"}}])
        finder = drawn.widgets["alflow_finder"]
        press = [
            WidgetState(id=widgets["Project"], string_value=chosen),
            WidgetState(id=finder, json_value="{}"),
            WidgetState(id=f"$$STREAMLIT_INTERNAL_KEY_{finder}__events", json_trigger_value=wish),
        ]
        client.page("find", "project=birds", words, *press)
    with house.workspace.database.read() as tx:
        after = candidates.of_round(tx, before[0].round_id)
    assert [one.item_id for one in after if one.origin is Origin.PERSON] == [free] * sent


def _newest(house: House) -> int:
    return max(account.annotator_id for account, _ in people.list_accounts(house.workspace))


def test_whoever_labels_opens_the_queue_of_bad_images(house: House) -> None:
    """As `alflow.ui.door.access` says: an answer there is one more vote, and what differs is settled by reviewers."""
    body = json.dumps({"events": [], "queue": "bad"}).encode()
    address = f"{house.url}/desk/{house.birds.id}/sync"
    assert http(address, cookie=house.cookies["annotator"], method="POST", body=body)[0] == 200


def _lower(house: House, annotator: int) -> None:
    people.set_role(house.workspace, house.birds.id, annotator, Role.ANNOTATOR, by=OPERATOR)


def _remove(house: House, annotator: int) -> None:
    people.remove_member(house.workspace, house.birds.id, annotator, by=OPERATOR)


def _deactivate(house: House, annotator: int) -> None:
    people.set_active(house.workspace, annotator, active=False)


@pytest.mark.parametrize(("change", "then"), [(_lower, 101), (_remove, 101), (_deactivate, 403)])
def test_an_open_page_goes_no_further_once_the_role_is_gone(house: House, change: Any, then: int) -> None:
    cookie = house.cookie("changed", Role.OWNER)
    annotator = _newest(house)
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
