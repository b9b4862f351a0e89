"""The Model page in Chromium: every section is drawn and accessible, and a cell opens its pictures."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from alflow.domain.projects import Project
from alflow.ui.pages.model import SECTIONS
from alflow.workflow.insight.evaluated import evaluated
from alflow.workflow.rounds.advance import advance
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk
from tests.browser.seen import choose
from tests.colours import answer, colour_project

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def project(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two rounds are closed."""
    project = colour_project(desk.workspace, tmp_path_factory.mktemp("images"), "model")
    for _ in range(2):
        advance(desk.workspace, project.id)
        answer(desk.workspace, project)
    advance(desk.workspace, project.id)
    return project


def test_every_section_is_drawn_and_accessible(signed_in: Open, desk: Desk, project: Project) -> None:
    page = signed_in("Ada", project.name, "model")
    expect(page.get_by_role("heading", name="Risk against coverage")).to_be_visible()
    expect(page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg")).to_have_count(3)
    assert_accessible(page)
    for name in SECTIONS[1:]:
        page.get_by_role("radio", name=name, exact=True).click()
        expect(page.get_by_role("radio", name=name, exact=True)).to_be_checked()
        page.wait_for_load_state("networkidle")
        expect(page.locator("[data-testid=stException], [data-testid=stError]")).to_have_count(0)
    page.get_by_role("radio", name="Confusions", exact=True).click()
    expect(page.get_by_text("those first whose prediction is the most confident")).to_be_visible()
    one = evaluated(desk.workspace, project.id, 2)
    assert one is not None
    choose(page, "Or any cell: class", "red")
    expect(page.locator(".cards article")).to_have_count(int((one.labels == 0).sum()))
    expect(page.locator(".cards article img").first).to_be_visible()
    assert_accessible(page)
