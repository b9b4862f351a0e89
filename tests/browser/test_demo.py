"""The demo as a newcomer sees it; with ALFLOW_SCREENSHOTS=FOLDER also the pictures of the README."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from alflow.demo.history import HISTORY
from alflow.demo.prepare import FRESH
from alflow.workflow.answers.history import recent_changes
from alflow.workflow.desk.queue import next_candidates
from alflow.workflow.people.annotators import sign_in as sign_in_as
from alflow.workflow.projects.projects import find_project, project_classes
from alflow.workflow.rounds.review import round_candidates, round_summaries
from alflow.workspace import Workspace
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import HERE, PATIENCE_MS, Desk, sign_in
from tests.browser.film import Film
from tests.browser.seen import choose, wait_for_image, wait_until_ready
from tests.browser.world import forget_everybody
from tests.web import free_port, served

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Visit = Callable[[str], Page]
TAKEN = pytest.mark.skipif("ALFLOW_SCREENSHOTS" not in os.environ, reason="takes pictures, and checks nothing")


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
    workspace, project = demo_desk.workspace, find_project(demo_desk.workspace, FRESH)
    keys: dict[int | None, str] = {one.id: str(one.hot_key) for one in project_classes(workspace, project.id)}
    wait_for_image(page)
    for entry in next_candidates(workspace, project.id, sign_in_as(workspace, "Ada").id, 3):
        page.keyboard.press(keys[entry.item.truth])
        page.wait_for_timeout(300)
    expect(page.locator("[data-is=recent] button.stored")).to_have_count(3)
    wait_for_image(page)
    picture(page, "label")
    (summary,) = round_summaries(workspace, project.id)
    assert summary.answered == 3
    answered = [one for one in round_candidates(workspace, summary.round.id) if one.labels]
    assert all(one.settled_class_id == one.item.truth for one in answered)


@TAKEN
def test_the_film_of_labelling(demo_desk: Desk, chromium: Browser) -> None:
    """Seven answers at a calm pace."""
    workspace, project = demo_desk.workspace, find_project(demo_desk.workspace, FRESH)
    keys: dict[int | None, str] = {one.id: str(one.hot_key) for one in project_classes(workspace, project.id)}
    forget_everybody(workspace)
    context = chromium.new_context(viewport={"width": 1360, "height": 860}, color_scheme="light")
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(path=HERE / "witness.js")
    page = context.new_page()
    sign_in(page, demo_desk, "Lin")
    page.goto(f"{demo_desk.url}/?project={FRESH}")
    wait_for_image(page)
    page.wait_for_timeout(3_000)
    film = Film({"x": 310, "y": 40, "width": 1040, "height": 800}, width=780)
    for entry in next_candidates(workspace, project.id, sign_in_as(workspace, "Lin").id, 7):
        film.shoot(page, 1.0)
        page.keyboard.press(keys[entry.item.truth])
        wait_until_ready(page)
        page.wait_for_timeout(600)  # what the answer was worth comes a moment later
        film.shoot(page, 1.2)
    film.save(Path(os.environ["ALFLOW_SCREENSHOTS"]) / "labelling.gif")
    context.close()


def test_who_comes_first_is_told_once_what_to_press(demo_desk: Desk, chromium: Browser) -> None:
    """By the keyboard alone; in another browser it stays away."""
    for newcomer in (True, False):
        context = chromium.new_context(viewport={"width": 1360, "height": 860}, color_scheme="light")
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(path=HERE / "witness.js")
        page = context.new_page()
        sign_in(page, demo_desk, "Grete", newcomer=True)
        page.goto(f"{demo_desk.url}/?project={FRESH}")
        wait_for_image(page)
        told = page.get_by_text("the classes it may belong to")
        expect(told).to_have_count(int(newcomer))
        if newcomer:
            assert_accessible(page)
            page.get_by_role("button", name="Got it").focus()
            page.keyboard.press("Enter")
            expect(told).to_have_count(0)
        context.close()


def test_the_past_rounds_have_a_curve_and_reasons(visit: Visit) -> None:
    page = visit(f"rounds?project={HISTORY}")
    expect(page.get_by_text("points since zero-shot")).to_be_visible()
    expect(page.locator(".cards article").first).to_be_visible()
    picture(page, "rounds", height=1500)
    expect(page.get_by_role("heading", name="What labels were worth")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^\d+ labels told"))).to_be_visible()
    expect(page.locator("[data-testid=stVegaLiteChart]")).to_have_count(4)


def test_a_card_opens_and_says_why_with_pictures(visit: Visit) -> None:
    """By the keyboard alone; Escape leads back to the card."""
    page = visit(f"rounds?project={HISTORY}")
    choose(page, "Round", "Round 5")
    expect(page.get_by_text("30 images; most probable class")).to_be_visible()
    expect(page.get_by_text("not answered yet")).to_have_count(0)  # the cards of the open round are gone
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
    expect(page.get_by_role("heading", name="Set-up")).to_be_visible()
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
    expect(page.get_by_text("(simulated) answered").first).to_be_visible()
    page.get_by_label("Why").fill("not what it looks like")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("Ada took back")).to_be_visible()
    expect(page.get_by_text("This image has no settled label.")).to_be_visible()
    assert_accessible(page)
    picture(page, "history")


@TAKEN
def test_pictures_of_the_other_pages(visit: Visit) -> None:
    page = visit(f"quality?project={HISTORY}")
    expect(page.get_by_role("heading", name="Pairs of annotators")).to_be_visible()
    picture(page, "quality", height=1130)
    page = visit(f"grid?project={FRESH}")
    page.get_by_label("From").select_option("surest")
    expect(page.locator(".tile").nth(12)).to_be_visible()
    for place in (3, 9, 11):  # no animals, before anybody has labelled: `-k other_pages`
        page.locator(".tile").nth(place).click()
    picture(page, "grid")


def picture(page: Page, name: str, height: int = 860) -> None:
    """Save what is on screen, where pictures are asked for."""
    folder = os.environ.get("ALFLOW_SCREENSHOTS")
    if folder is None:
        return
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1360, "height": height})
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(4_000)  # thumbnails and charts fade in; hints fade out
    page.screenshot(path=Path(folder) / f"{name}.png")
