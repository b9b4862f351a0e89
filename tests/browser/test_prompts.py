"""Prompts in a real Chromium: tried on every image, discarded, tried again and saved."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from alflow.workflow.projects.projects import project_classes
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk
from tests.workflow.insight.labelled import labelled_project

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Open = Callable[..., Page]


def prompts_of(desk: Desk, project_id: int) -> list[tuple[str, ...]]:
    return [label.prompts for label in project_classes(desk.workspace, project_id)]  # type: ignore[arg-type]


def test_prompts_are_tried_before_they_are_saved(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    project, _ = labelled_project(desk.workspace, tmp_path)
    before = prompts_of(desk, project.id)
    page = signed_in("Eva", project.name, "prompts")
    expect(page.get_by_role("button", name="Try")).to_be_visible()
    assert_accessible(page)
    for end in ("Discard", "Save"):
        page.get_by_role("textbox", name="Prompts, one a line").fill("a photo of something else")
        page.get_by_role("button", name="Try").click()
        expect(page.get_by_role("button", name=end)).to_be_visible()
        assert prompts_of(desk, project.id) == before
        page.wait_for_load_state("networkidle")
        page.get_by_role("heading", name="Prompts").click()  # away from the button, which fades while it is pressed
        page.wait_for_timeout(500)
        assert_accessible(page)
        page.get_by_role("button", name=end).click()
        expect(page.get_by_role("button", name=end)).to_have_count(0)
        if end == "Discard":
            assert prompts_of(desk, project.id) == before
    assert prompts_of(desk, project.id) == [("a photo of something else",), *before[1:]]
    expect(page.locator("[data-testid=stException], [data-testid=stError]")).to_have_count(0)
