"""The pictures of the README: the demo's projects, as a person meets them. Written where ALFLOW_SCREENSHOTS says."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from alflow.demo.prepare import FRESH, HISTORY, prepare
from alflow.settings import Settings
from alflow.workspace import Workspace
from tests.browser.conftest import HERE, PATIENCE_MS, Desk, sign_in
from tests.browser.seen import wait_for_image
from tests.web import free_port, served

TARGET = os.environ.get("ALFLOW_SCREENSHOTS")
SETTLED_MS = 1500  # after the last element is there: charts and images fade in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not TARGET, reason="set ALFLOW_SCREENSHOTS to a folder to write the README's pictures"),
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The UI on both projects of `make demo`."""
    home = tmp_path_factory.mktemp("demo")
    workspace = Workspace.open(Settings(home=home))
    prepare(workspace)
    with served(home, free_port()) as url:
        yield Desk(workspace, url)
    workspace.database.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_in_its_best_light(demo: Desk, chromium: Browser, scheme: str) -> None:
    context = chromium.new_context(viewport={"width": 1360, "height": 860}, color_scheme=scheme)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(path=HERE / "witness.js")
    page = context.new_page()
    sign_in(page, demo, "Ada")
    page.goto(f"{demo.url}/?project={FRESH}")
    wait_for_image(page)
    for key in "123" if scheme == "light" else "":
        page.keyboard.press(key)
        page.wait_for_timeout(300)
    _write(page, f"label-{scheme}")
    page.set_viewport_size({"width": 1360, "height": 1400})
    page.goto(f"{demo.url}/rounds?project={HISTORY}")
    expect(page.locator(".cards article").first).to_be_visible()
    expect(page.locator("[data-testid=stVegaLiteChart]").last).to_be_visible()
    _write(page, f"rounds-{scheme}")
    page.set_viewport_size({"width": 1360, "height": 1000})
    page.goto(f"{demo.url}/project?project={HISTORY}")
    expect(page.get_by_role("heading", name="Take the labels home")).to_be_visible()
    _write(page, f"project-{scheme}")
    context.close()


def _write(page: Page, name: str) -> None:
    page.wait_for_timeout(SETTLED_MS)
    path = Path(str(TARGET)) / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path)
    assert path.stat().st_size > 10_000
