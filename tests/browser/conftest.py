"""A real Chromium before a real server (`python -m ui`) on a workspace of numbered images."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, Playwright, sync_playwright

from alflow.settings import Settings
from alflow.workspace import Workspace

TOKEN = "token-of-the-tests"
HERE = Path(__file__).parent
PATIENCE_S = 60


@dataclass(frozen=True)
class Desk:
    """A running UI and the workspace it serves."""

    workspace: Workspace
    url: str

    @property
    def link(self) -> str:
        """The sign-in link, as the terminal would show it."""
        return f"{self.url}/sign-in?token={TOKEN}"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The UI on a workspace that tests fill with projects of their own."""
    home = tmp_path_factory.mktemp("alflow")
    port = free_port()
    workspace = Workspace.open(Settings(home=home))
    with served(home, port):
        yield Desk(workspace, f"http://127.0.0.1:{port}")
    workspace.database.close()


@contextmanager
def served(home: Path, port: int) -> Iterator[None]:
    """`python -m ui` on `home`, ready to answer; stopped afterwards."""
    settings = {"HOME": str(home), "PORT": str(port), "SIGN_IN_TOKEN": TOKEN}
    environment = os.environ | {f"ALFLOW_{name}": value for name, value in settings.items()}
    log = home / "ui.log"
    with log.open("ab") as output:
        process = subprocess.Popen([sys.executable, "-m", "ui"], env=environment, stdout=output, stderr=output)
        try:
            _wait_until_ready(f"http://127.0.0.1:{port}/_stcore/health", process, log)
            yield
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Chromium: Playwright's own, or the system's."""
    with sync_playwright() as playwright:
        browser = _launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def signed_in(desk: Desk, chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page as a signed-in annotator, watched by the witness; each name has a browser profile of its own."""
    contexts: list[BrowserContext] = []

    def open_page(name: str, project: str, path: str = "") -> Page:
        context = chromium.new_context(viewport={"width": 1360, "height": 860})
        contexts.append(context)
        context.add_init_script(path=HERE / "witness.js")
        page = context.new_page()
        sign_in(page, desk, name)
        page.goto(f"{desk.url}/{path}?project={project}")
        return page

    yield open_page
    for context in contexts:
        context.close()


def sign_in(page: Page, desk: Desk, name: str) -> None:
    """Through the form, as people do."""
    page.goto(desk.link)
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{desk.url}/**", wait_until="commit")


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the UI stopped at once:\n{log.read_text()}")
        try:
            urllib.request.urlopen(url, timeout=2)
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"the UI did not answer within {PATIENCE_S} s:\n{log.read_text()}")


def _launch(playwright: Playwright) -> Browser:
    arguments = ["--no-sandbox", "--disable-gpu"]
    system = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        return playwright.chromium.launch(args=arguments, executable_path=system)
    except Error as error:
        pytest.skip(f"no Chromium: {str(error).splitlines()[0]}; get one with `playwright install chromium`")
