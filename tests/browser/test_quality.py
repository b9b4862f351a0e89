"""The pages for reviewers in a real Chromium: what is shown, and that a decision falls on the image on screen."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from alflow.domain.answers import Verdict
from alflow.domain.projects import Project, ProjectSettings
from alflow.store.answers import adjudications
from alflow.store.desk import labels
from alflow.store.projects import projects
from alflow.store.rounds import candidates as queued
from alflow.workflow.answers import adjudicate
from alflow.workflow.desk import label
from alflow.workflow.desk.submission import Submission
from alflow.workflow.people import annotators
from tests.browser import world
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def disputes(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two people who disagree about three of four images."""
    folder = tmp_path_factory.mktemp("images")
    project, opened = world.build(desk.workspace, folder, "disputes", 4, ProjectSettings(votes=2))
    with desk.workspace.database.read() as tx:
        candidates = queued.of_round(tx, opened.id)
    for name, places in (("Ada", (0, 0, 0, 0)), ("Bo", (1, 2, 3, 0))):
        annotator = annotators.sign_in(desk.workspace, name).id
        for candidate, place in zip(candidates, places, strict=True):
            class_id = list(candidate.probabilities)[place]
            given = Submission(f"{name}-{candidate.id}", candidate.id, Verdict.CLASS, class_id, 2.0)
            label.submit(desk.workspace, project.id, annotator, given)
    return project


def test_a_reviewer_settles_what_is_in_dispute(desk: Desk, signed_in: Open, disputes: Project) -> None:
    items = adjudicate.disputed(desk.workspace, disputes.id)
    page = signed_in("Ada", disputes.name, "adjudicate")
    expect(page.get_by_text("In dispute: 3")).to_be_visible()
    expect(page.locator(".judged img")).to_have_attribute("src", f"./images/{disputes.id}/{items[0]}/rendition")
    expect(page.get_by_text("Vote 2")).to_be_visible()  # whose it is stays hidden
    assert_accessible(page)
    page.get_by_role("button", name="square").dblclick()
    expect(page.get_by_text("In dispute: 2")).to_be_visible()
    expect(page.locator(".judged img")).to_have_attribute("src", f"./images/{disputes.id}/{items[1]}/rendition")
    assert _settled(desk, disputes) == {items[0]: "square"}
    page.get_by_role("button", name="Nobody can tell").click()
    expect(page.get_by_text("Settled: 2")).to_be_visible()
    page.get_by_role("button", name="Take back my last decision").click()
    expect(page.get_by_text("In dispute: 2")).to_be_visible()
    page.get_by_role("button", name="Nobody can tell").click()
    expect(page.get_by_text("Settled: 2")).to_be_visible()
    seen, eve = adjudicate.dispute(desk.workspace, disputes.id, items[1]), annotators.sign_in(desk.workspace, "Eve").id
    adjudicate.settle(desk.workspace, disputes.id, eve, seen, None)
    page.get_by_role("button", name="Take back my last decision").click()
    expect(page.get_by_text("another reviewer has decided about this image since")).to_be_visible()
    expect(page.get_by_text("In dispute: 1")).to_be_visible()
    page.goto(f"{desk.url}/quality?project={disputes.name}")
    expect(page.get_by_text("Krippendorff's alpha")).to_be_visible()
    expect(page.get_by_test_id("stMetricValue").nth(2)).to_have_text("1")
    expect(page.locator("[data-testid=stException], [data-testid=stError]")).to_have_count(0)
    assert_accessible(page)
    for path, told in (("history", "The last 100 changes"), ("backtest", "Compare strategies")):
        page.goto(f"{desk.url}/{path}?project={disputes.name}")
        expect(page.get_by_text(told)).to_be_visible()
        page.wait_for_load_state("networkidle")
        assert_accessible(page)


def _settled(desk: Desk, project: Project) -> dict[int, str]:
    with desk.workspace.database.read() as tx:
        names = {each.id: each.name for each in projects.classes(tx, project.id)}
        found = adjudications.standing(tx, project.id)
    return {item: names.get(one.class_id or 0, "none") for item, one in found.items()}


def test_a_page_of_the_grid_by_keyboard(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """Mark one, accept the rest, and take the page back; the image marked is the one under the cursor."""
    project, opened = world.build(desk.workspace, tmp_path, "grid", 20)
    page = signed_in("Ada", project.name, "grid")
    expect(page.locator(".tile")).to_have_count(5)  # all of the class with most images, below the least of a page
    shown = [source.split("/")[3] for source in _sources(page)]
    shown_class = page.locator("[data-is=class]").input_value()
    expect(page.locator("[data-is=accept]")).to_be_enabled()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.locator(".tile").nth(1)).to_have_attribute("aria-pressed", "true")
    assert_accessible(page)
    for _ in range(3):
        page.keyboard.press("Enter")  # the second and third fall into the next page, which nobody has looked at
    # The next page tells that this one is stored; its own words may be followed by those about a late Enter.
    expect(page.locator("[data-is=class]")).not_to_have_value(shown_class)
    with desk.workspace.database.read() as tx:
        stored = labels.of_round(tx, opened.id)
    assert {str(one.item_id) for one in stored} == {*shown[:1], *shown[2:]}
    page.keyboard.press("Backspace")
    expect(page.get_by_text("Undone: this is the page again")).to_be_visible()
    assert [source.split("/")[3] for source in _sources(page)] == shown
    with desk.workspace.database.read() as tx:
        assert labels.of_round(tx, opened.id) == []


def _sources(page: Page) -> list[str]:
    found = page.locator(".tile img").evaluate_all("images => images.map(image => image.getAttribute('src'))")
    return [str(source) for source in found]
