"""Behind an ordinary proxy, which asks under another host: signing in, answering, and the pages' websocket."""

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from alflow.settings import Settings
from alflow.workspace import Workspace
from tests.browser import world
from tests.proxy import proxied
from tests.web import TOKEN, free_port, served

pytestmark = pytest.mark.slow

PUBLIC = "https://label.example.org"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A UI with one project, as browsers reach it."""
    home = tmp_path_factory.mktemp("alflow")
    workspace = Workspace.open(Settings(home=home))
    world.build(workspace, home, "door", 2)
    port = free_port()
    more = {"PUBLIC_URL": "https://Label.Example.org:443/", "TRUSTED_PROXIES": "127.0.0.1"}
    headers = {"Host": "upstream", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    with served(home, port, **more), proxied(port, headers) as url:
        yield url
    workspace.database.close()


def test_one_signs_in_answers_and_opens_a_page(url: str) -> None:
    status, cookie = _post(f"{url}/sign-in", urllib.parse.urlencode({"token": TOKEN, "name": "Ada"}).encode())
    assert status == 303
    assert "Secure" in cookie
    cookie = cookie.partition(";")[0]
    assert _post(f"{url}/desk/1/sync", b'{"events": []}', cookie)[0] == 200
    address = url.replace("http", "ws", 1) + "/_stcore/stream"
    with connect(address, additional_headers={"Cookie": cookie}, origin=PUBLIC) as socket:  # type: ignore[arg-type]
        assert socket.response is not None
        assert socket.response.status_code == 101


@pytest.mark.parametrize("page", ["https://evil.example", "http://label.example.org", "http://upstream", "null"])
def test_pages_of_others_do_not(url: str, page: str) -> None:
    fields = urllib.parse.urlencode({"token": TOKEN, "name": "Eve"}).encode()
    site = {} if page != "http://upstream" else {"Sec-Fetch-Site": "cross-site"}
    assert _post(f"{url}/sign-in", fields, page=page, **site)[0] == 403
    cookie = _post(f"{url}/sign-in", fields)[1].partition(";")[0]
    address = url.replace("http", "ws", 1) + "/_stcore/stream"
    with pytest.raises(InvalidStatus, match="403"):
        connect(address, additional_headers={"Cookie": cookie, **site}, origin=page)  # type: ignore[arg-type]


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def _post(url: str, body: bytes, cookie: str = "", page: str = PUBLIC, **more: str) -> tuple[int, str]:
    """Status, and the cookie that is set."""
    kind = "application/json" if body.startswith(b"{") else "application/x-www-form-urlencoded"
    headers = {"Cookie": cookie, "Origin": page, "Content-Type": kind, **more}
    opener = urllib.request.build_opener(_Stay)
    try:
        with opener.open(urllib.request.Request(url, body, headers)) as answer:
            return answer.status, answer.headers.get("set-cookie", "")
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("set-cookie", "")
