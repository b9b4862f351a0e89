"""A real Chromium before a real server on a workspace of numbered images."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from alflow.settings import Settings
from alflow.workflow.people import annotators
from alflow.workflow.people.hints import Hint, put_away
from alflow.workspace import Workspace
from tests.web import TOKEN, free_port, served

HERE = Path(__file__).parent
PATIENCE_MS = 90_000  # parts of a page are loaded when first needed; a busy machine takes its time

expect.set_options(timeout=PATIENCE_MS)


@dataclass(frozen=True)
class Desk:
    """A running UI and the workspace it serves; its own port where a proxy stands before it."""

    workspace: Workspace
    url: str
    port: int = 0

    @property
    def link(self) -> str:
        """The sign-in link, as the terminal would show it."""
        return f"{self.url}/sign-in?token={TOKEN}"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The UI on a workspace that tests fill with projects of their own."""
    home = tmp_path_factory.mktemp("alflow")
    workspace = Workspace.open(Settings(home=home))
    with served(home, free_port()) as url:
        yield Desk(workspace, url)
    workspace.database.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium: the system's, or Playwright's own.

    It ends with the module, for Playwright keeps an event loop running, in which Prefect's calls would turn into
    coroutines.
    """
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def signed_in(desk: Desk, chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page as a signed-in annotator, watched by the witness; each call has a browser profile of its own."""
    contexts: list[BrowserContext] = []
    refused: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            refused.append(message.text)

    def open_page(name: str, project: str, path: str = "", **options: Any) -> Page:
        context = chromium.new_context(**{"viewport": {"width": 1360, "height": 860}, **options})
        contexts.append(context)
        context.add_init_script(path=HERE / "witness.js")
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("console", hear)
        if desk.port:
            sign_in(page, desk, name)  # by the browser, which alone knows the host and believes the certificate
        else:
            sent = context.request.post(f"{desk.url}/sign-in", form={"token": TOKEN, "name": name}, max_redirects=0)
            assert sent.status == 303
        page.goto(f"{desk.url}/{path}?project={project}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert refused == []  # pages load and run nothing that their own policy forbids


def sign_in(page: Page, desk: Desk, name: str, *, newcomer: bool = False) -> None:
    """Through the form, as people do; who is no newcomer has put away what the Label page tells those."""
    if not newcomer:
        put_away(desk.workspace, annotators.sign_in(desk.workspace, name).id, Hint.WELCOME)
    page.goto(desk.link)
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{desk.url}/", wait_until="commit")


def launch(playwright: Playwright, *more: str) -> Browser:
    """Chromium: the system's, or Playwright's own; the test is skipped where there is none."""
    arguments = ["--no-sandbox", "--disable-gpu", *more]
    system = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        return playwright.chromium.launch(args=arguments, executable_path=system)
    except Error as error:
        pytest.skip(f"no Chromium: {str(error).splitlines()[0]}; get one with `playwright install chromium`")
