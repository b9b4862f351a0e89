"""The doors as a browser uses them: our routes behind the gate, without Streamlit's pages."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from alflow.accounts import OPERATOR, Role, Visitor
from alflow.errors import AlflowError, ConflictError
from alflow.ui.door import gate, identity, password
from alflow.ui.door import invitations as links
from alflow.ui.door import sign_in as door
from alflow.workflow.people import accounts as people
from alflow.workflow.people import annotators, invitations, sign_in
from alflow.workflow.projects.projects import create_project
from alflow.workspace import Workspace

PASSWORD = "correct horse battery"
ROUNDS = "/rounds?project=two%20words&x=1"
HTML = {"Accept": "text/html"}


@pytest.fixture
def team(workspace: Workspace) -> Workspace:
    """A project of which Ada and Bo are."""
    birds = create_project(workspace, "birds", "demo", "fp32")
    for name in ("Ada", "Bo"):
        people.set_role(
            workspace, birds.id, people.add_account(workspace, name, PASSWORD).annotator_id, Role.OWNER, by=OPERATOR
        )
    return workspace


@pytest.fixture
def browser(workspace: Workspace) -> Iterator[TestClient]:
    """Follows no redirect by itself, so that one sees where it leads."""
    with served(workspace) as client:
        yield client


def served(workspace: Workspace) -> TestClient:
    page = Route("/rounds", lambda _: PlainTextResponse("the rounds"))
    routes = [*door.ROUTES, *links.ROUTES, *password.ROUTES, page]
    keeper = gate.Doorkeeper(workspace)
    application = Starlette(routes=routes, middleware=[Middleware(gate.Gate, doorkeeper=keeper)])
    return TestClient(application, headers=HTML, follow_redirects=False)


def enter(browser: TestClient, name: str, address: str = "/sign-in") -> str:
    """Fill in the form at the address; returns where it leads."""
    fields = hidden(browser.get(address).text) | {"name": name, "password": PASSWORD}
    return leads(browser, "/sign-in", **fields)


def leads(browser: TestClient, path: str, **fields: str) -> str:
    answer = browser.post(path, data=fields)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def hidden(page: str) -> dict[str, str]:
    found = re.findall(r'<input name="(\w+)" type="hidden" value="([^"]*)"', page)
    return {name: unescape(value) for name, value in found}


def token(workspace: Workspace, browser: TestClient) -> str:
    return browser.cookies[gate.Doorkeeper(workspace).cookie]


@pytest.mark.slow
@pytest.mark.usefixtures("team")
def test_a_link_to_a_page_survives_a_password(browser: TestClient) -> None:
    to = browser.get(ROUNDS).headers["location"]
    assert to.startswith("/sign-in?next=")
    wrong = browser.post("/sign-in", data=hidden(browser.get(to).text) | {"name": "Ada", "password": "wrong"})
    assert hidden(wrong.text) == {"next": ROUNDS}
    assert enter(browser, "Ada", to) == ROUNDS
    assert browser.get(ROUNDS).text == "the rounds"


def test_a_link_to_a_page_survives_the_terminals_link(workspace: Workspace) -> None:
    linked = replace(workspace, settings=workspace.settings.model_copy(update={"sign_in_token": "a token"}))
    with served(linked) as browser:
        fields = hidden(browser.get(browser.get(ROUNDS).headers["location"]).text)
        assert leads(browser, "/sign-in", token="a token", name="Ada", **fields) == ROUNDS


@pytest.mark.slow
def test_who_came_by_the_terminals_link_makes_the_first_account(workspace: Workspace) -> None:
    projects = [create_project(workspace, name, "demo", "fp32").id for name in ("birds", "fish")]
    linked = replace(workspace, settings=workspace.settings.model_copy(update={"sign_in_token": "a token"}))
    with served(linked) as browser, served(linked) as other:
        for each, name in ((browser, "Ada"), (other, "Bo")):
            leads(each, "/sign-in", token="a token", name=name)
            assert "Ada becomes the owner of every project" in browser.get("/password").text
        for new, again, refused in (("short", "short", "A password needs"), (PASSWORD, "another", "passwords differ")):
            answer = browser.post("/password", data={"password": new, "again": again})
            assert (answer.status_code, refused in answer.text) == (422, True), answer.text
            assert PASSWORD not in answer.text
        assert not sign_in.has_accounts(workspace)
        assert leads(browser, "/password", password=PASSWORD, again=PASSWORD) == "/people"
        assert browser.get("/rounds").text == "the rounds"
        assert "Another password for Ada" in browser.get("/password").text
        assert leads(other, "/password", password=PASSWORD, again=PASSWORD).startswith("/sign-in")
        assert other.get("/rounds").status_code != 200
        ada = people.find_account(workspace, "Ada").annotator_id
        bo = Visitor(annotators.sign_in(workspace, "Bo"), "", everywhere=True)  # as it was when Bo pressed the button
        with pytest.raises(ConflictError, match="meanwhile"):
            people.make_first_account(linked, bo, PASSWORD)
    for project in projects:
        assert [(each.account.annotator_id, each.role) for each in people.list_members(workspace, project)] == [
            (ada, Role.OWNER)
        ]


def test_a_link_to_a_page_survives_an_invitation(team: Workspace, browser: TestClient) -> None:
    """Of who makes an account, and of who signs in to join."""
    for name, place in (("Cy", "/invitation"), ("Ada", "/sign-in")):
        _, link = invitations.invite(team, 1, Role.ANNOTATOR, by=OPERATOR)
        page = browser.get("/invitation", params={"token": link, "next": ROUNDS}).text
        if place == "/sign-in":
            to = unescape(re.findall(r'href=".(/sign-in[^"]*)"', page)[0])
            page = browser.get(enter(browser, name, to)).text
        assert leads(browser, "/invitation", name=name, password=PASSWORD, **hidden(page)) == ROUNDS
        browser.cookies.clear()


@pytest.mark.slow
@pytest.mark.usefixtures("team")
@pytest.mark.parametrize("place", ["//evil.example", "/\\evil.example", "https://evil.example", "/%09/evil.example"])
def test_a_sign_in_leads_to_no_other_site(browser: TestClient, place: str) -> None:
    assert hidden(browser.get("/sign-in", params={"next": place}).text) == {}
    assert leads(browser, "/sign-in", name="Ada", password=PASSWORD, next=place) == "/"


@pytest.mark.slow
def test_signing_in_again_ends_the_session_before(team: Workspace, browser: TestClient) -> None:
    enter(browser, "Ada")
    first = token(team, browser)
    enter(browser, "Bo")
    visitor = sign_in.visitor(team, token(team, browser))
    assert visitor is not None
    assert visitor.annotator.name == "Bo"
    assert sign_in.visitor(team, first) is None


@pytest.mark.slow
def test_a_session_is_never_one_that_the_browser_brought(team: Workspace, browser: TestClient) -> None:
    """Whoever plants a cookie of their own in a browser does not share what is signed in to there."""
    planted = sign_in.sign_in(team, "Bo", PASSWORD, "192.0.2.1")
    for brought in (planted, "chosen by somebody"):
        browser.cookies.set(gate.Doorkeeper(team).cookie, brought)
        browser.post("/sign-in", data={"name": "Ada", "password": PASSWORD})
        assert sign_in.visitor(team, brought) is None


@pytest.mark.slow
def test_a_wrong_password_leaves_the_session_as_it_is(team: Workspace, browser: TestClient) -> None:
    enter(browser, "Ada")
    browser.post("/sign-in", data={"name": "Bo", "password": "wrong"})
    assert sign_in.visitor(team, token(team, browser)) is not None


@pytest.mark.slow
def test_only_a_button_signs_out(team: Workspace, browser: TestClient) -> None:
    """A picture on any page could make a browser follow a link."""
    enter(browser, "Ada")
    held = token(team, browser)
    for method in (browser.get, browser.head):
        assert method("/sign-out").status_code == 200
        assert sign_in.visitor(team, held) is not None
    assert 'method="post" action="./sign-out"' in browser.get("/sign-out").text
    assert browser.post("/sign-out", headers={"Origin": "https://evil.example"}).status_code == 403
    assert browser.post("/sign-out", headers={"Origin": "null"}).status_code == 403
    assert sign_in.visitor(team, held) is not None
    assert browser.post("/sign-out").headers["location"] == "/sign-in"
    assert sign_in.visitor(team, held) is None
    assert browser.get("/sign-out").headers["location"] == "/sign-in"


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": ["true"]},
        {"email_verified": {"true": True}},
        {"email_verified": 1},
        {"email_verified": "True"},
        {"email_verified": "yes"},
        {"email_verified": None},
        {"email": None},
        {"email": ["ada@example.org"]},
        {"email": {}},
        {"email": "ada@example.org\x00"},
        {"email": "ada@example.org\nbo@example.org"},
        {"email": "ad\u2028a@example.org"},
        {"email": "\ud800@example.org"},
        {"email": "ada@example.or\u212a"},
        {"email": ""},
    ],
)
def test_claims_of_other_kinds_are_refused(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, claims: dict[str, object]
) -> None:
    create_project(workspace, "birds", "demo", "fp32")
    invitations.invite(workspace, 1, Role.REVIEWER, email="ada@example.ork", by=OPERATOR)
    invitations.invite(workspace, 1, Role.REVIEWER, email="ada@example.org", by=OPERATOR)
    said = {"email": "ada@example.org", "email_verified": True, "name": "Ada"} | claims
    monkeypatch.setattr(identity, "_claims", lambda _: said)
    with pytest.raises(AlflowError):
        identity.enter(workspace, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["Ada L.", "", None, ["Ada"], {"a": 1}, "x" * 300, "A\x00da", "\ud800"])
def test_an_identity_comes_in_whatever_it_is_called(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, name: object
) -> None:
    create_project(workspace, "birds", "demo", "fp32")
    invitations.invite(workspace, 1, Role.REVIEWER, email="ada@example.org", by=OPERATOR)
    said = {"email": "ADA@Example.org", "email_verified": "true", "name": name}
    monkeypatch.setattr(identity, "_claims", lambda _: said)
    visitor = sign_in.visitor(workspace, identity.enter(workspace, None))  # type: ignore[arg-type]
    assert visitor is not None
    assert visitor.annotator.name == ("Ada L." if name == "Ada L." else "ada@example.org")


def test_an_invitation_survives_the_way_to_a_provider(workspace: Workspace) -> None:
    create_project(workspace, "birds", "demo", "fp32")
    _, link = invitations.invite(workspace, 1, Role.ANNOTATOR, by=OPERATOR)
    known = workspace.settings.model_copy(update={"oidc_client_id": "alflow", "host": "0.0.0.0"})
    with served(replace(workspace, settings=known)) as browser:
        page = browser.get("/sign-in", params={"invitation": link, "next": ROUNDS}).text
        to = unescape(re.findall(r'href=".(/sign-in/identity[^"]*)"', page)[0])
        place = parse_qs(urlsplit(to).query)["next"][0]
    assert (urlsplit(place).path, parse_qs(urlsplit(place).query)) == (
        "/invitation",
        {"token": [link], "next": [ROUNDS]},
    )
