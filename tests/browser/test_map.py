"""The map: a lasso, the legend and the keyboard select; the selection goes to the queue, to a class and to a slice."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.domain.rounds import Origin
from alflow.store.answers import outcomes
from alflow.store.images import items
from alflow.store.rounds import candidates, rounds
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.insight.map import make_map
from alflow.workflow.insight.slices import slice_reports
from alflow.workflow.rounds.acquire import open_round
from tests.browser import world
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk
from tests.browser.seen import wait_for_none
from tests.colours import colour_project

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def project(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Embedded images of each split, some of the pool in an open round; no map yet."""
    project = colour_project(desk.workspace, tmp_path_factory.mktemp("colours"), "mapped")
    embed_missing(desk.workspace, project)
    return project


@pytest.fixture
def ready(desk: Desk, project: Project) -> Project:
    """With a map and an open round, whatever ran before."""
    make_map(desk.workspace, project.id)
    open_round(desk.workspace, project.id)
    return project


def opened(page: Page) -> Page:
    expect(page.locator("canvas[data-ms]")).to_be_visible()
    return page


def selected(page: Page) -> str:
    return page.locator("[data-is=count]").inner_text()


def test_who_cannot_wait_for_the_schedule_makes_the_map(signed_in: Open, project: Project) -> None:
    page = signed_in("Ada", project.name, "map")
    page.get_by_role("button", name="Make the map").click()
    opened(page)
    assert "Map of 36 images" in str(page.locator("canvas").get_attribute("aria-label"))
    page.set_viewport_size({"width": 390, "height": 844})
    wide = "nodes => nodes.filter(node => node.scrollWidth > node.clientWidth).map(node => node.className)"
    wait_for_none(page, lambda: list(page.locator(".map").evaluate_all(wide)))


def test_pointer_legend_and_keys_select(signed_in: Open, ready: Project) -> None:
    page = opened(signed_in("Ada", ready.name, "map"))
    box = page.locator("canvas").bounding_box()
    assert box is not None
    page.get_by_role("button", name="Lasso").click()
    left, top, right, bottom = box["x"] + 14, box["y"] + 14, box["x"] + box["width"] - 14, box["y"] + box["height"] - 14
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom)):
        page.mouse.move(x, y, steps=4)
    page.mouse.up()
    expect(page.locator("[data-is=count]")).to_have_text("36 selected")
    expect(page.locator(".tile")).to_have_count(36)
    page.get_by_role("button", name="Select nothing").click()
    page.get_by_label("Colour by").select_option("split")
    page.get_by_role("button", name="test 12").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-is=count]")).to_have_text("12 selected")
    expect(page.get_by_role("button", name="test 12")).to_have_attribute("aria-pressed", "true")
    page.get_by_label("Colour by").select_option("label")
    page.get_by_label("Selecting").select_option("keep")
    page.get_by_role("button", name="red").click()
    expect(page.locator("[data-is=count]")).to_have_text("6 selected")
    page.get_by_role("button", name="Take image").first.click()
    expect(page.locator("[data-is=count]")).to_have_text("5 selected")
    page.locator("canvas").focus()
    page.keyboard.press("Escape")
    page.get_by_label("Selecting").select_option("add")
    page.locator("canvas").focus()
    page.keyboard.press("s")
    expect(page.locator("[data-is=count]")).to_have_text("36 selected")
    page.keyboard.press("Escape")
    expect(page.locator("[data-is=count]")).to_have_text("Nothing is selected")
    assert_accessible(page)


def test_a_picture_under_the_pointer(signed_in: Open, ready: Project) -> None:
    page = opened(signed_in("Ada", ready.name, "map"))
    box = page.locator("canvas").bounding_box()
    assert box is not None
    tip = page.locator(".tip")
    for step in range(2, 98, 2):  # a line of the map that a point lies on
        for across in range(2, 98, 2):
            page.mouse.move(box["x"] + box["width"] * across / 100, box["y"] + box["height"] * step / 100)
            if tip.is_visible():
                break
        if tip.is_visible():
            break
    expect(tip.locator("figcaption")).to_contain_text("Image ")
    assert tip.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth > 0)")


def test_a_selection_goes_to_the_queue_and_to_a_class(desk: Desk, signed_in: Open, ready: Project) -> None:
    page = opened(signed_in("Ada", ready.name, "map"))
    page.get_by_label("Colour by").select_option("split")
    page.get_by_role("button", name="pool 12").click()
    page.get_by_label("Why").fill("a corner of the map")
    page.get_by_role("button", name="Send to the queue").click()
    expect(page.get_by_text("8 images sent to round 1")).to_be_visible()
    expect(page.get_by_text("4 images left out, of which each is in round 1 already")).to_be_visible()
    expect(page.get_by_label("Why")).to_have_value("")
    with desk.workspace.database.read() as tx:
        current = rounds.current(tx, ready.id)
        assert current is not None
        sent = [one for one in candidates.of_round(tx, current.id) if one.origin is Origin.PERSON]
    assert {one.reason for one in sent} == {"a corner of the map"}
    assert len(sent) == 8
    page.get_by_role("combobox", name="Class").select_option(label="red")
    page.get_by_role("button", name="Answer all with this class").click()
    expect(page.get_by_text("12 images left out, of which each is in the open round")).to_be_visible()


def test_images_are_answered_at_once_and_taken_back(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    project = colour_project(desk.workspace, tmp_path, "at-once")
    embed_missing(desk.workspace, project)
    make_map(desk.workspace, project.id)
    page = opened(signed_in("Ada", project.name, "map"))
    page.get_by_label("Colour by").select_option("split")
    page.get_by_role("button", name="pool 12").click()
    page.get_by_role("combobox", name="Class").select_option(label="blue")
    page.get_by_role("button", name="Answer all with this class").click()
    expect(page.get_by_text("12 images answered")).to_be_visible()
    page.get_by_label("Colour by").select_option("person")
    expect(page.get_by_role("button", name="Ada 12")).to_be_visible()
    with desk.workspace.database.read() as tx:
        assert len(outcomes.settled(tx, project.id)) == 12
    page.get_by_role("button", name="Take the 12 images back").click()
    expect(page.get_by_text("12 answers taken back")).to_be_visible()
    with desk.workspace.database.read() as tx:
        assert outcomes.settled(tx, project.id) == {}


def test_a_selection_becomes_a_slice_that_is_evaluated(desk: Desk, signed_in: Open, ready: Project) -> None:
    page = opened(signed_in("Ada", ready.name, "map"))
    page.get_by_label("Colour by").select_option("split")
    page.get_by_role("button", name="test 12").click()
    page.get_by_label("Name", exact=True).fill("all tests")
    page.get_by_role("button", name="Save as a slice").click()
    expect(page.get_by_text("12 images saved as the slice all tests")).to_be_visible()
    expect(page.locator("[data-testid=stVegaLiteChart]")).to_be_visible()
    (report,) = slice_reports(desk.workspace, ready.id)
    with desk.workspace.database.read() as tx:
        assert report.images == len(items.ids(tx, ready.id, Split.TEST))
    assert [(one.round_number, one.n_test) for one in report.evaluations] == [(0, 12)]
    page.get_by_label("Name", exact=True).fill("all tests")
    page.get_by_role("button", name="Save as a slice").click()
    expect(page.get_by_text("already a slice called")).to_be_visible()
    page.get_by_role("button", name="Select nothing").click()
    page.locator("select[data-is=slice]").select_option(label="all tests (12)")
    expect(page.locator("[data-is=count]")).to_have_text("12 selected")
    assert_accessible(page)
    page.get_by_role("button", name="Remove this slice").click()
    expect(page.get_by_text("There is no slice yet")).to_be_visible()


def test_without_embedded_images_the_next_step_is_told(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    project, _ = world.build(desk.workspace, tmp_path, "unmapped", 2)
    page = signed_in("Ada", project.name, "map")
    expect(page.get_by_text("There is nothing to show yet")).to_be_visible()
    expect(page.get_by_text("alflow embed --project unmapped")).to_be_visible()
    assert_accessible(page)
