"""What every response says to browsers, whoever made it."""

import asyncio
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from alflow.errors import UnavailableError
from alflow.settings import Settings
from alflow.ui.components import modules
from alflow.ui.door import headers
from alflow.workspace import Workspace
from tests.browser import world
from tests.web import free_port, served, sign_in

ADDRESSES = [
    "/",
    "/rounds",
    "/sign-in",
    "/sign-in?token=wrong",
    "/invitation?token=wrong",
    "/password",
    "/label",
    "/offline.js",
    "/_stcore/health",
    "/_stcore/host-config",
    "/_stcore/metrics",
    "/media/none.png",
    "/static/index.html",
    "/favicon.png",
    "/images/1/1/thumbnail",
    "/images/1/1/full",
    "/images/2/1/thumbnail",
    "/images/999/999/thumbnail",
    "/desk/1/guide",
    "/desk/1/sync",
    f"/components/{modules.VERSION}/deck/mount.js",
    "/components/000000000000/deck/mount.js",
    "//evil.example",
    "/..%2f..%2fetc/passwd",
]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A UI with one project of one image."""
    home = tmp_path_factory.mktemp("alflow")
    workspace = Workspace.open(Settings(home=home))
    world.build(workspace, home, "birds", 1)
    with served(home, free_port()) as url:
        yield url
    workspace.database.close()


@pytest.fixture(scope="module")
def cookies(url: str) -> dict[str, str]:
    """Nobody's and Ada's."""
    return {"nobody": "", "Ada": sign_in(url, "Ada")}


@pytest.mark.slow
@pytest.mark.parametrize("who", ["nobody", "Ada"])
@pytest.mark.parametrize("path", ADDRESSES)
def test_every_response_has_them(url: str, cookies: dict[str, str], who: str, path: str) -> None:
    got = _headers(url + path, cookies[who])
    assert got["x-content-type-options"] == "nosniff"
    assert got["x-frame-options"] == "DENY"
    assert got["referrer-policy"] == "same-origin"
    assert got["cross-origin-opener-policy"] == "same-origin"
    rules = [each.strip() for each in got["content-security-policy"].split(";")]
    assert {"frame-ancestors 'none'", "form-action 'self'"} <= set(rules)
    assert not any(each.startswith("base-uri") and each.split()[1] not in {"'self'", "'none'"} for each in rules)
    pictures = next((each for each in rules if each.startswith("img-src")), "")
    assert set(pictures.split()[1:]) <= {"'self'", "data:", "blob:"}
    assert "unsafe-eval" not in got["content-security-policy"]
    kept = {each.strip() for each in got["cache-control"].split(",")}
    assert kept & {"private", "no-store"}
    assert "public" not in kept


@pytest.mark.slow
def test_pages_are_not_kept_and_images_are(url: str, cookies: dict[str, str]) -> None:
    assert "no-store" in _headers(f"{url}/sign-in", "")["cache-control"]
    image = _headers(f"{url}/images/1/1/rendition", cookies["Ada"])
    assert image["cache-control"] == "private, max-age=31536000, immutable"


def test_an_error_has_them_too_and_is_raised_on_for_the_log() -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    sent, error = _through(broken)
    assert isinstance(error, ZeroDivisionError)
    assert sent[0]["status"] == 500
    assert b"x-content-type-options" in dict(sent[0]["headers"])


def test_what_does_not_answer_is_no_fault_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    async def gone(*_: object) -> None:
        raise UnavailableError("the database does not answer")

    sent, raised = _through(gone)
    assert (sent[0]["status"], raised, caplog.messages) == (503, None, ["the database does not answer"])


def test_an_error_after_the_beginning_sends_nothing_twice() -> None:
    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        await Response("so far")(scope, receive, send)
        raise ZeroDivisionError

    sent, error = _through(late)
    assert isinstance(error, ZeroDivisionError)
    assert [each["type"] for each in sent] == ["http.response.start", "http.response.body"]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("", "no-store"),
        ("public, immutable, max-age=9", "private, immutable, max-age=9"),
        ("Public", "private"),
        ("no-cache", "private, no-cache"),
        ("private, max-age=9", "private, max-age=9"),
        ("no-store", "no-store"),
    ],
)
def test_nothing_is_kept_where_others_share(said: str, kept: str) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(headers={"Cache-Control": said} if said else None)(scope, receive, send)

    sent, _ = _through(app)
    assert dict(sent[0]["headers"])[b"cache-control"].decode() == kept


@pytest.mark.parametrize(
    ("https", "scheme", "has"), [(True, "http", True), (False, "https", True), (False, "http", False)]
)
def test_https_stays_https(https: int, scheme: str, has: bool) -> None:
    sent, _ = _through(Response(), https=bool(https), scheme=scheme)
    assert (b"strict-transport-security" in dict(sent[0]["headers"])) is has


@pytest.mark.parametrize(
    ("host", "rule"),
    [
        ("label.example.org", "connect-src 'self' wss://label.example.org;"),
        ("[::1]:8501", "connect-src 'self' wss://[::1]:8501;"),
        ("a; script-src *", "connect-src 'self';"),
        ("*", "connect-src 'self';"),
    ],
)
def test_a_host_adds_no_rule(host: str, rule: str) -> None:
    sent, _ = _through(Response(), https=True, host=host)
    assert rule in dict(sent[0]["headers"])[b"content-security-policy"].decode()


@pytest.mark.slow
def test_scripts_of_the_frame_are_named_by_hash() -> None:
    assert "script-src 'self' blob: 'sha256-" in headers.policy()


def _through(app: object, *, https: bool = False, scheme: str = "http", host: str = "") -> tuple[list[Message], object]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "scheme": scheme, "headers": [(b"host", host.encode())]}
    try:
        asyncio.run(headers.SafeHeaders(app, https=https)(scope, None, send))  # type: ignore[arg-type]
    except ZeroDivisionError as error:
        return sent, error
    return sent, None


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def _headers(url: str, cookie: str) -> dict[str, str]:
    request = urllib.request.Request(url, headers={"Cookie": cookie, "Accept": "text/html"})
    try:
        with urllib.request.build_opener(_Stay).open(request) as answer:
            found = answer.headers
    except urllib.error.HTTPError as error:
        found = error.headers
    return {name.lower(): value for name, value in found.items()}
