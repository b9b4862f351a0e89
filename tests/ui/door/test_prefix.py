"""Pages in a folder of a host: what is asked comes out the same stripped and passed on, and what is said leads back."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from alflow.errors import InvalidInputError
from alflow.ui.door import access
from alflow.ui.door.prefix import Prefix


@pytest.fixture(params=["/alflow", "/a/b"])
def browser(request: pytest.FixtureRequest) -> Iterator[TestClient]:
    with TestClient(_served(request.param), base_url=f"http://host{request.param}", follow_redirects=False) as client:
        yield client


def test_stripped_or_passed_on_it_is_the_same(browser: TestClient) -> None:
    prefix = browser.base_url.path.rstrip("/")
    for asked, path in ((f"{prefix}/rounds", "/rounds"), ("/rounds", "/rounds"), (f"{prefix}/", "/"), ("/", "/")):
        got = browser.get(f"http://host{asked}?x=1")
        assert got.text == f"{path} {path}"


@pytest.mark.parametrize("path", ["/alflowers", "/alflow-2/rounds", "/x/alflow/rounds"])
def test_a_neighbour_is_another_path(path: str) -> None:
    with TestClient(_served("/alflow")) as browser:
        assert browser.get(path).text == f"{path} {path}"


def test_the_folder_itself_leads_into_it(browser: TestClient) -> None:
    prefix = browser.base_url.path.rstrip("/")
    got = browser.get(f"http://host{prefix}?token=a%20b")
    assert (got.status_code, got.headers["location"]) == (308, f"{prefix}/?token=a%20b")


@pytest.mark.parametrize(
    ("to", "placed"), [("/rounds?x=1", True), ("/", True), ("//evil.example/", False), ("https://a.example/b", False)]
)
def test_redirects_lead_into_the_folder_and_those_elsewhere_stay(browser: TestClient, to: str, placed: bool) -> None:
    prefix = browser.base_url.path.rstrip("/")
    assert browser.get("leads", params={"to": to}).headers["location"] == (prefix + to if placed else to)


def test_cookies_are_of_the_folder(browser: TestClient) -> None:
    prefix = browser.base_url.path.rstrip("/")
    cookies = browser.get("cookies").headers.get_list("set-cookie")
    assert [each.split("ath=")[-1].split(";")[0] for each in cookies] == [prefix, prefix, "/deeper"]
    assert "path=/" in cookies[0].partition(";")[0]  # a value is left alone


def test_a_host_of_its_own_changes_nothing() -> None:
    with TestClient(_served(""), follow_redirects=False) as browser:
        assert browser.get("/leads", params={"to": "/rounds"}).headers["location"] == "/rounds"
        assert "Path=/;" in browser.get("/cookies").headers.get_list("set-cookie")[1]
        assert browser.get("/alflow/rounds").text == "/alflow/rounds /alflow/rounds"


@pytest.mark.parametrize("prefix", ["/label", "/rounds/x", "/images", "/static", "/_stcore", "/components", "/health"])
def test_a_folder_with_the_name_of_a_path_of_ours_is_refused(prefix: str) -> None:
    with pytest.raises(InvalidInputError, match=f"cannot end in {prefix}"):
        access.check_prefix(prefix)


@pytest.mark.parametrize("prefix", ["", "/alflow", "/labels", "/team/label"])
def test_any_other_is_not(prefix: str) -> None:
    access.check_prefix(prefix)


def _served(prefix: str) -> ASGIApp:
    routes = [Route("/leads", _leads), Route("/cookies", _cookies), Route("/{path:path}", _path)]
    return Starlette(routes=routes, middleware=[Middleware(Prefix, prefix=prefix)])


def _path(request: Request) -> Response:
    return PlainTextResponse(f"{request.scope['path']} {request.scope['raw_path'].decode()}")


def _leads(request: Request) -> Response:
    return RedirectResponse(request.query_params["to"])


def _cookies(_: Request) -> Response:
    response = PlainTextResponse("")
    response.headers.append("set-cookie", "a=path=/; Path=/; HttpOnly")
    response.set_cookie("b", "2", path="/", secure=True)
    response.set_cookie("c", "3", path="/deeper")
    return response
