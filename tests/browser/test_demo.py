"""The demo as a newcomer sees it; with ALFLOW_SCREENSHOTS=FOLDER also the pictures of the README."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from playwright.sync_api import Browser, Page, expect

from alflow.demo.prepare import ANNOTATOR, FRESH, HISTORY
from alflow.domain.answers import Verdict
from alflow.store.projects import projects
from alflow.workflow.answers.history import recent_changes
from alflow.workflow.desk import gold
from alflow.workflow.desk.gold import DueCheck
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.submission import Submission
from alflow.workflow.people.annotators import sign_in as sign_in_as
from alflow.workflow.projects.projects import change_settings, find_project, project_classes
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.review import round_candidates, round_summaries
from alflow.workspace import Workspace
from tests.at_desk import answer_check
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import HERE, PATIENCE_MS, Desk, sign_in
from tests.browser.seen import wait_for_image
from tests.web import free_port, served

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Visit = Callable[[str], Page]


@pytest.fixture(scope="module")
def demo_desk(demo_workspace: Workspace) -> Iterator[Desk]:
    """The pages on the two projects of the demo."""
    with served(demo_workspace.settings.home, free_port()) as url:
        yield Desk(demo_workspace, url)


@pytest.fixture
def visit(demo_desk: Desk, chromium: Browser) -> Iterator[Visit]:
    """Opens an address as a signed-in annotator."""
    context = chromium.new_context(viewport={"width": 1360, "height": 860}, color_scheme="light")
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(path=HERE / "witness.js")
    page = context.new_page()
    sign_in(page, demo_desk, "Ada")

    def go(address: str) -> Page:
        page.goto(f"{demo_desk.url}/{address}")
        return page

    yield go
    context.close()


def test_a_newcomer_labels_with_three_keys(visit: Visit, demo_desk: Desk) -> None:
    page = visit(f"?project={FRESH}")
    for key in "123":
        wait_for_image(page)
        page.keyboard.press(key)
        page.wait_for_timeout(300)
    expect(page.locator("[data-is=recent] button.stored")).to_have_count(3)
    wait_for_image(page)
    picture(page, "label")
    project = find_project(demo_desk.workspace, FRESH)
    (summary,) = round_summaries(demo_desk.workspace, project.id)
    assert summary.answered == 3


def test_the_past_rounds_have_a_curve_and_reasons(visit: Visit) -> None:
    page = visit(f"rounds?project={HISTORY}")
    expect(page.get_by_text("points since zero-shot")).to_be_visible()
    expect(page.locator(".cards article").first).to_be_visible()
    picture(page, "rounds", height=1500)
    expect(page.get_by_role("heading", name="What labels were worth")).to_be_visible()
    expect(page.get_by_text("100 labels told")).to_be_visible()
    expect(page.locator("[data-testid=stVegaLiteChart]")).to_have_count(4)


def test_a_card_opens_and_says_why_with_pictures(visit: Visit) -> None:
    """By the keyboard alone; Escape leads back to the card."""
    page = visit(f"rounds?project={HISTORY}")
    button = page.get_by_role("button", name="Why this image? #3", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Why image 3?")
    expect(dialog).to_contain_text("the label that was given told")
    expect(dialog).to_contain_text("(given)")
    expect(dialog.get_by_role("cell", name="epig")).to_be_visible()
    expect(dialog.locator("figure")).not_to_have_count(0)
    for shown in dialog.locator("img").all():
        shown.scroll_into_view_if_needed()
        expect(shown).to_have_js_property("complete", value=True)
        assert shown.evaluate("image => image.naturalWidth") > 0
    assert_accessible(page)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()


def test_the_project_page_tells_what_is_in_it(visit: Visit) -> None:
    page = visit(f"project?project={HISTORY}")
    expect(page.get_by_role("heading", name="Export labels")).to_be_visible()
    picture(page, "project", height=1100)


def test_what_is_found_goes_to_the_queue_and_every_answer_has_a_history(visit: Visit, demo_desk: Desk) -> None:
    page = visit(f"find?project={FRESH}")
    page.get_by_label("What to look for").fill("a red fruit")
    page.keyboard.press("Enter")
    tiles = page.locator(".finder .tile")
    expect(tiles).to_have_count(24)
    picture(page, "find")
    nearest = tiles.first.get_attribute("data-id")
    tiles.first.get_by_text("More like this").click()
    expect(page.get_by_text("The images most similar to image")).to_be_visible()
    expect(page.locator(f'.finder .tile[data-id="{nearest}"]')).to_have_count(0)
    for place in (0, 1):
        page.locator(".finder .free .picture").nth(place).click()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.get_by_label("Why").fill("a rare fruit")
    page.get_by_role("button", name="Send to the queue").click()
    expect(page.get_by_text("2 images wait in round 1")).to_be_visible()
    expect(page.get_by_text("Select images", exact=True)).to_be_visible()
    project = find_project(demo_desk.workspace, FRESH)
    (summary,) = round_summaries(demo_desk.workspace, project.id)
    assert summary.total == 22
    changes = recent_changes(demo_desk.workspace, find_project(demo_desk.workspace, HISTORY).id)
    page = visit(f"history?project={HISTORY}&item={changes[0].item_id}")
    expect(page.get_by_text(f"{ANNOTATOR} answered")).to_be_visible()
    page.get_by_label("Why").fill("not what it looks like")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("Ada took back")).to_be_visible()
    expect(page.get_by_text("This image has no settled label.")).to_be_visible()
    assert_accessible(page)
    picture(page, "history")


@pytest.mark.skipif("ALFLOW_SCREENSHOTS" not in os.environ, reason="takes pictures, and checks nothing")
def test_pictures_of_the_other_pages(visit: Visit, demo_desk: Desk) -> None:
    add_opinions(demo_desk.workspace)
    page = visit(f"quality?project={HISTORY}")
    expect(page.get_by_role("heading", name="Pairs of annotators")).to_be_visible()
    picture(page, "quality")
    project = find_project(demo_desk.workspace, HISTORY)
    change_settings(demo_desk.workspace, project.id, replace(project.settings, budget=300))
    open_round(demo_desk.workspace, project.id)
    page = visit(f"grid?project={HISTORY}")
    expect(page.locator(".tile").first).to_be_visible()
    page.locator(".tile").nth(1).click()
    picture(page, "grid")


def add_opinions(workspace: Workspace) -> None:
    """Two more people about what the past rounds asked, one of them hasty, who are checked now and then."""
    project = find_project(workspace, HISTORY)
    change_settings(workspace, project.id, replace(project.settings, gold_rate=0.1))
    asked = [
        one for each in round_summaries(workspace, project.id) for one in round_candidates(workspace, each.round.id)
    ]
    classes = [each.id for each in project_classes(workspace, project.id)]
    for name, wrong, slow in (("Grace", 0.04, 2.5), ("Edsger", 0.16, 1.1)):
        who, dice = sign_in_as(workspace, name).id, Random(name)
        for number, one in enumerate(asked[: 80 if name == "Grace" else 60]):
            guess = dice.choice(classes) if dice.random() < wrong else one.item.truth
            given = Submission(
                f"{name} {number}", one.candidate.id, Verdict.CLASS, guess, slow * dice.uniform(0.6, 1.6)
            )
            submit(workspace, project.id, who, given)
            if number % 8 == 0 and (check := deal_check(workspace, project.id, who)):
                said = dice.choice(classes) if dice.random() < wrong else check.item.truth
                answer_check(workspace, project.id, who, check.check.id, replace(given, class_id=said))


def deal_check(workspace: Workspace, project_id: int, who: int) -> DueCheck | None:
    """The next check, which nobody meets where no round is open."""
    with workspace.database.begin() as tx:
        return gold.due(tx, projects.by_id(tx, project_id), who)


def picture(page: Page, name: str, height: int = 860) -> None:
    """Save what is on screen, where pictures are asked for."""
    folder = os.environ.get("ALFLOW_SCREENSHOTS")
    if folder is None:
        return
    page.set_viewport_size({"width": 1360, "height": height})
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(4_000)  # thumbnails and charts fade in; hints fade out
    page.screenshot(path=Path(folder) / f"{name}.png")
