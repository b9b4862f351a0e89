"""The UI listens on loopback until there are owners, and nothing behind its gate answers a stranger."""

import http.cookiejar
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from alflow.accounts import OPERATOR, Role
from alflow.errors import InvalidInputError
from alflow.settings import Settings
from alflow.ui.server import sign_in_link
from alflow.workflow.people import accounts as people
from alflow.workflow.people.sign_in import require_door
from alflow.workflow.projects.projects import create_project
from alflow.workspace import Workspace
from tests.browser import world
from tests.web import TOKEN, free_port, served

slow = pytest.mark.slow


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.3", "::1", "localhost"])
def test_loopback_is_served(workspace: Workspace, host: str) -> None:
    require_door(_listening(workspace, host))


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "", "192.168.1.4", "example.org", "2001:db8::1", "localhost.evil.org"]
)
def test_everything_else_needs_an_owner_or_a_provider(workspace: Workspace, host: str) -> None:
    elsewhere = _listening(workspace, host)
    project = create_project(workspace, "birds", "demo", "fp32")
    ada = people.add_account(workspace, "Ada", "a long password")
    for role in (None, Role.ENGINEER):
        if role is not None:
            people.set_role(workspace, project.id, ada.annotator_id, role, by=OPERATOR)
        with pytest.raises(InvalidInputError, match="no accounts yet"):
            require_door(elsewhere)
    require_door(replace(elsewhere, settings=elsewhere.settings.model_copy(update={"oidc_client_id": "alflow"})))
    people.set_role(workspace, project.id, ada.annotator_id, Role.OWNER, by=OPERATOR)
    require_door(elsewhere)
    people.set_active(workspace, ada.annotator_id, active=False)
    with pytest.raises(InvalidInputError, match="no accounts yet"):
        require_door(elsewhere)


def test_the_link_holds_the_token_whole() -> None:
    settings = Settings(host="::1", port=9, sign_in_token="a&b=c d")
    assert sign_in_link(settings) == "http://[::1]:9/sign-in?token=a%26b%3Dc+d"
    assert sign_in_link(settings, link=False) == "http://[::1]:9/sign-in"


def test_no_link_leads_in_from_elsewhere() -> None:
    settings = Settings(host="0.0.0.0", port=9, sign_in_token="a", public_url="https://label.example.org/")
    assert sign_in_link(settings) == "https://label.example.org/sign-in"


@dataclass(frozen=True)
class Served:
    """A running UI with one project."""

    url: str
    image: str
    sync: str
    cookie: str


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A UI whose database has one project of three images."""
    home = tmp_path_factory.mktemp("alflow")
    workspace = Workspace.open(Settings(home=home))
    project, _ = world.build(workspace, home, "door", 3)
    port = free_port()
    with served(home, port) as url:
        image = f"{url}/images/{project.id}/1/rendition"
        yield Served(url, image, f"{url}/desk/{project.id}/sync", f"alflow_{port}")
    workspace.database.close()


@slow
def test_a_stranger_sees_the_form_and_nothing_else(ui: Served) -> None:
    status, _, where = _get(ui.url, accept="text/html")
    assert (status, where) == (200, f"{ui.url}/sign-in")
    for address in (ui.image, f"{ui.url}/_stcore/host-config", f"{ui.url}/static/index.html", f"{ui.url}/media/x"):
        assert _get(address)[0] == 401
    assert _post(ui.sync, b'{"events": []}')[0] == 401


@slow
@pytest.mark.parametrize("value", ["", "x", "7.QWRh.9999999999.", "a" * 5000, "\xff"])
def test_a_false_cookie_opens_nothing(ui: Served, value: str) -> None:
    cookie = f"{ui.cookie}={value}"
    assert _get(ui.image, cookie)[0] == 401
    assert _post(ui.sync, b'{"events": []}', cookie)[0] == 401
    assert _websocket(ui, cookie) == 403


@slow
def test_signing_out_ends_the_session(ui: Served) -> None:
    cookie = _sign_in(ui)
    assert _get(ui.image, cookie)[0] == 200
    assert _get(f"{ui.url}/sign-out", cookie)[0] == 200
    assert _get(ui.image, cookie)[0] == 200  # a link asks only
    assert _post(f"{ui.url}/sign-out", b"", cookie, origin=ui.url)[0] == 200
    assert _get(ui.image, cookie)[0] == 401


@slow
def test_a_form_of_any_size_is_refused_early(ui: Served) -> None:
    for address in ("sign-in", "invitation"):
        assert _post(f"{ui.url}/{address}", b"name=" + b"x" * 20_000)[0] == 422


@slow
def test_a_websocket_needs_a_cookie_and_no_foreign_origin(ui: Served) -> None:
    cookie = _sign_in(ui)
    assert _websocket(ui, "") == 403
    assert _websocket(ui, cookie, origin="http://localhost:1") == 403
    assert _websocket(ui, cookie, origin=ui.url) == 101


@slow
def test_a_page_of_another_site_cannot_answer(ui: Served) -> None:
    cookie = _sign_in(ui)
    assert _post(ui.sync, b'{"events": []}', cookie, origin="http://127.0.0.1:1")[0] == 403
    assert _post(ui.sync, b'{"events": []}', cookie, origin=ui.url)[0] == 200


@slow
def test_signed_in_people_get_images_to_keep(ui: Served) -> None:
    cookie = _sign_in(ui)
    status, headers, _ = _get(ui.image, cookie)
    assert status == 200
    assert headers["content-type"] == "image/jpeg"
    assert headers["cache-control"] == "private, max-age=31536000, immutable"
    for wrong in ("1/999/rendition", "999/1/rendition", "1/1/original"):
        assert _get(f"{ui.url}/images/{wrong}", cookie)[0] == 404


@slow
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"events": 1}', b'{"events": [1]}', b'{"events": [], "ahead": "x"}', b"x" * 2_000_000]
)
def test_a_broken_exchange_is_refused_with_a_reason(ui: Served, body: bytes) -> None:
    status, text = _post(ui.sync, body, _sign_in(ui))
    assert status == 422
    assert "reason" in text


@slow
def test_answers_of_one_person_are_not_stored_under_the_name_of_another(ui: Served) -> None:
    cookie = _sign_in(ui)
    assert _post(ui.sync, b'{"events": [], "annotator": 999}', cookie)[0] == 401


@slow
def test_a_wrong_token_and_an_empty_name_stay_outside(ui: Served) -> None:
    assert _get(f"{ui.url}/sign-in?token=wrong")[0] == 403
    for token, name, status in (("wrong", "Ada", 403), (TOKEN, "  ", 422), (TOKEN, "x" * 61, 422)):
        fields = urllib.parse.urlencode({"token": token, "name": name}).encode()
        assert _post(f"{ui.url}/sign-in", fields, kind="application/x-www-form-urlencoded")[0] == status


@slow
def test_what_is_typed_is_shown_as_text(ui: Served) -> None:
    query = urllib.parse.urlencode({"token": TOKEN, "name": '"><script>alert(1)</script>'})
    with urllib.request.urlopen(f"{ui.url}/sign-in?{query}") as answer:
        assert b"<script>" not in answer.read()


def _listening(workspace: Workspace, host: str) -> Workspace:
    return replace(workspace, settings=workspace.settings.model_copy(update={"host": host}))


def _sign_in(ui: Served) -> str:
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    fields = urllib.parse.urlencode({"token": TOKEN, "name": "Ada"}).encode()
    opener.open(f"{ui.url}/sign-in", fields).close()
    cookie = next(each for each in jar if each.name == ui.cookie)
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "lax"
    return f"{cookie.name}={cookie.value}"


def _get(url: str, cookie: str = "", accept: str = "*/*") -> tuple[int, dict[str, str], str]:
    request = urllib.request.Request(url, headers={"Cookie": cookie, "Accept": accept})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.url
    except urllib.error.HTTPError as error:
        return error.code, {}, url


def _post(
    url: str, body: bytes, cookie: str = "", *, origin: str = "", kind: str = "application/json"
) -> tuple[int, str]:
    headers = {"Cookie": cookie, "Content-Type": kind} | ({"Origin": origin} if origin else {})
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def _websocket(ui: Served, cookie: str, origin: str | None = None) -> int:
    address = ui.url.replace("http", "ws", 1) + "/_stcore/stream"
    try:
        with connect(address, additional_headers={"Cookie": cookie}, origin=origin) as socket:  # type: ignore[arg-type]
            return socket.response.status_code if socket.response else 0
    except InvalidStatus as refused:
        return refused.response.status_code
