"""In a folder of a host, behind a real nginx with TLS: as the operator's guide prints it, passed on and stripped."""

import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from alflow.settings import Settings
from alflow.ui.components import modules
from alflow.ui.door.access import PAGES
from alflow.workspace import Workspace
from tests import nginx
from tests.browser import world
from tests.browser.conftest import Desk, launch
from tests.browser.seen import answer_each, stored_labels, wait_for_image, wait_until
from tests.web import free_port, served

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Open = Callable[..., Page]
MONITOR = "a token of the monitor"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser that finds the host here, and takes the certificate that nobody knows."""
    with sync_playwright() as playwright:
        browser = launch(playwright, "--ignore-certificate-errors", f"--host-resolver-rules=MAP {nginx.HOST} 127.0.0.1")
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def unproxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The UI that the proxy stands before, and the address that people open."""
    nginx.binary()
    home, port = tmp_path_factory.mktemp("alflow"), free_port()
    workspace = Workspace.open(Settings(home=home))
    public = f"https://{nginx.HOST}:{free_port()}/alflow"
    more = {"PUBLIC_URL": public, "TRUSTED_PROXIES": "127.0.0.1", "METRICS_TOKEN": MONITOR}
    with served(home, port, **more):
        yield Desk(workspace, public, port)
    workspace.database.close()


@pytest.fixture(scope="module", params=["passed on", "stripped"])
def desk(request: pytest.FixtureRequest, unproxied: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The UI behind the proxy."""
    folder = tmp_path_factory.mktemp("nginx")
    nginx.certificate(folder)
    port = int(unproxied.url.rpartition(":")[2].partition("/")[0])
    upstream = f"http://127.0.0.1:{unproxied.port}"
    with nginx.before(upstream, port, folder, strips=request.param == "stripped"):
        yield unproxied


def test_one_signs_in_labels_and_signs_out(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    project, _ = world.build(desk.workspace, tmp_path, tmp_path.name, 4)
    page = signed_in("Ada", project.name)
    cookies = page.context.cookies()
    (cookie,) = [each for each in cookies if each["name"].startswith("alflow_")]
    assert {each["path"] for each in cookies} == {"/alflow"}  # Streamlit's too
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Lax")
    wait_for_image(page)
    answer_each(page, "123")
    wait_until(page, "!Object.keys(localStorage).some(name => name.startsWith('alflow/alflow:'))")
    assert len(stored_labels(desk, project)) == 3
    wait_until(page, "navigator.serviceWorker.ready.then(({ scope }) => scope.endsWith('/alflow/'))")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{desk.url}/sign-in")
    page.goto(f"{desk.url}/rounds?project={project.name}")
    page.wait_for_url(f"{desk.url}/sign-in?next=*")
    assert not any(each["name"].startswith("alflow_") for each in page.context.cookies())


@pytest.mark.parametrize("desk", ["stripped"], indirect=True)
def test_every_page_stays_in_its_folder(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """By address and by the menu: each request goes to the folder, and none fails."""
    project, _ = world.build(desk.workspace, tmp_path, tmp_path.name, 3)
    page = signed_in("Bo", project.name)
    asked: list[tuple[int, str]] = []
    page.on("response", lambda got: _is_search(got.url) or asked.append((got.status, got.url)))
    for name in PAGES:
        page.goto(f"{desk.url}/{name}?project={project.name}")
        _drawn(page)
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Rounds").click()
    page.wait_for_url(f"{desk.url}/rounds*")
    _drawn(page)
    assert len(asked) > len(PAGES)
    assert [each for each in asked if each[0] >= 400 or not _is_in(desk, each[1])] == []


def test_what_is_no_page(desk: Desk) -> None:
    """Machines, scripts, redirects and websockets; a prefix that anybody can write changes nothing."""
    forged = {"X-Forwarded-Prefix": "/evil", "X-Forwarded-Host": "evil.example", "X-Script-Name": "/evil"}
    html = {"Accept": "text/html", **forged}
    assert _get(desk, "", html)[1].endswith("/alflow/")  # by nginx itself
    assert _get(desk, "/?project=a", html) == (303, "/alflow/sign-in?next=%2F%3Fproject%3Da")
    assert _get(desk, "/sign-in", html)[0] == _get(desk, "/_stcore/health")[0] == _get(desk, "/offline.js")[0] == 200
    assert _get(desk, "/manifest.webmanifest")[0] == _get(desk, "/icon-512.png")[0] == 200
    assert _get(desk, "/health")[0] in {200, 503}  # no schedule looks
    assert _get(desk, "/metrics")[0] == 401
    assert _get(desk, "/metrics", {"Authorization": f"Bearer {MONITOR}"})[0] == 200
    assert _get(desk, f"/components/{modules.VERSION}/deck/mount.js")[0] == 401
    assert _get(desk, "/images/1/1/rendition")[0] == 401
    with pytest.raises(InvalidStatus, match="403"):
        connect(f"{_here(desk).replace('https', 'wss')}/_stcore/stream", ssl=_unknown())


def _drawn(page: Page) -> None:
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    expect(page.get_by_test_id("stException")).to_have_count(0)
    wait_until(page, "[...document.images].every(image => image.complete && image.naturalWidth > 0)")


def _is_search(url: str) -> bool:
    """Streamlit's frame looks for its server below the page first."""
    return "/_stcore/" in url and url.rpartition("/_stcore/")[0].rpartition("/")[2] in PAGES


def _is_in(desk: Desk, url: str) -> bool:
    return url.startswith((f"{desk.url}/", "data:", f"blob:{desk.url.removesuffix('/alflow')}/"))


def _here(desk: Desk) -> str:
    return desk.url.replace(nginx.HOST, "127.0.0.1")


def _unknown() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def _get(desk: Desk, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    """Status, and where it leads."""
    opener = urllib.request.build_opener(_Stay, urllib.request.HTTPSHandler(context=_unknown()))
    try:
        with opener.open(urllib.request.Request(_here(desk) + path, headers=headers or {})) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("location", "")
