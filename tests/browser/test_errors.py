"""Label errors in a real Chromium: sent in one step, settled on the Adjudicate page, gone from both."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from alflow.workflow.answers.refer import referred_items
from alflow.workflow.insight.doubts import doubts
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk
from tests.workflow.insight.labelled import labelled_project

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Open = Callable[..., Page]


def test_a_doubtful_label_is_sent_settled_and_gone(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    project, _ = labelled_project(desk.workspace, tmp_path)
    against = doubts(desk.workspace, project.id).n_against
    page = signed_in("Rita", project.name, "errors")
    expect(page.get_by_text("Labels judged")).to_be_visible()
    expect(page.locator(".cards article")).to_have_count(12)
    assert_accessible(page)
    page.get_by_role("button", name="to adjudication").click()
    expect(page.get_by_text("on the Adjudicate page.")).to_be_visible()
    waiting = referred_items(desk.workspace, project.id)
    assert len(waiting) == against > 0
    expect(page.locator(".cards article")).to_have_count(12 - against)
    for section, told in (
        ("Confused classes", "answered with both classes"),
        ("Unclear images", "the highest aleatoric part"),
        ("Near copies", "Likeness is the cosine"),
    ):
        page.get_by_role("radio", name=section).click()
        expect(page.get_by_text(told)).to_be_visible()
        page.wait_for_load_state("networkidle")
        assert_accessible(page)
    page.goto(f"{desk.url}/adjudicate?project={project.name}")
    page.get_by_text(f"Doubted: {against}").click()
    expect(page.get_by_text("Sent by Rita")).to_be_visible()
    expect(page.locator(".judged img")).to_have_attribute("src", f"./images/{project.id}/{waiting[0]}/rendition")
    assert_accessible(page)
    page.get_by_role("button", name="blue").click()
    expect(page.get_by_text("Settled: 1")).to_be_visible()
    assert referred_items(desk.workspace, project.id) == waiting[1:]
    page.goto(f"{desk.url}/errors?project={project.name}")
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("11")
    expect(page.locator("[data-testid=stException], [data-testid=stError]")).to_have_count(0)
