"""What happens to people who label all day: double clicks, a lost network, a closed tab, a killed server, going back.

One story in a real Chromium against a real server that is killed with -9; what was on screen at each press is compared
with what is stored.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from alflow.settings import Settings
from alflow.workspace import Workspace
from tests.browser import world
from tests.browser.conftest import HERE, PATIENCE_MS, Desk, sign_in
from tests.browser.seen import (
    KEYS,
    answer_each,
    assert_bound_to_what_was_seen,
    burst,
    finish,
    stored_labels,
    wait_for_image,
    wait_until_ready,
)
from tests.web import Server, free_port

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of this test's own, to be killed."""
    with Server(tmp_path, free_port()) as server:
        yield server


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """One browser profile: what it keeps outlives its pages."""
    context = chromium.new_context(viewport={"width": 1360, "height": 860})
    context.add_init_script(path=HERE / "witness.js")
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


def test_nothing_is_lost_twice_or_under_the_wrong_image(
    server: Server, context: BrowserContext, tmp_path: Path
) -> None:
    workspace = Workspace.open(Settings(home=tmp_path))
    desk = Desk(workspace, server.url)
    project, _ = world.build(workspace, tmp_path, "trouble", 50)
    page = context.new_page()
    sign_in(page, desk, "Ada")
    page.goto(f"{desk.url}/?project={project.name}")
    wait_for_image(page)
    seen: list[dict[str, Any]] = []

    page.locator(".classes button").first.dblclick()
    expect(page.locator("[data-is=recent] button.stored")).to_have_count(1)
    burst(page, [KEYS[i % 4] for i in range(12)], 0.02)
    expect(page.locator("[data-is=pill]")).to_have_text("All answers stored")

    context.set_offline(True)
    answer_each(page, "1234")
    expect(page.locator("[data-is=banner]")).to_contain_text("kept in this browser")
    before = len(stored_labels(desk, project))
    seen += page.evaluate("window.witness")
    server.kill()  # a closing tab is let onto the network for a moment, and delivers what it can
    page.close()  # the tab is gone; its answers are in the browser's storage
    context.set_offline(False)
    server.start()
    assert len(stored_labels(desk, project)) == before

    page = context.new_page()
    page.goto(f"{desk.url}/?project={project.name}")
    wait_for_image(page)
    expect(page.locator("[data-is=pill]")).to_have_text("All answers stored")
    assert len(stored_labels(desk, project)) == before + 4

    page.keyboard.press("1")
    server.kill()
    answer_each(page, "23")
    expect(page.locator("[data-is=banner]")).to_be_visible()
    wait_until_ready(page)
    page.locator(".classes button").last.click()  # no dialog of the framework is in the way
    seen += page.evaluate("window.witness")
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("kept in this browser")
    server.start()
    wait_for_image(page)  # it comes back by itself
    expect(page.locator("[data-is=pill]")).to_have_text("All answers stored")
    expect(page.locator("[data-is=banner]")).to_be_hidden()

    seen += page.evaluate("window.witness")
    page.goto(f"{desk.url}/rounds?project={project.name}")
    page.go_back()
    wait_for_image(page)
    finish(page)
    assert_bound_to_what_was_seen(desk, project, seen + page.evaluate("window.witness"))
    standing = stored_labels(desk, project)
    assert len(standing) == len({label.item_id for label in standing}) == 50
    workspace.database.close()
