"""Phone and tablet: a round and pages of the grid by thumb, without a connection too, and the pages as an app."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Locator, Page, expect

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.domain.rounds import Origin
from alflow.store.projects import projects
from alflow.store.rounds import candidates
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.images.pool import import_items
from alflow.workflow.rounds.advance import advance
from tests import colours
from tests.browser import world
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk
from tests.browser.seen import (
    assert_bound_to_what_was_seen,
    stored_labels,
    wait_for_image,
    wait_for_none,
    wait_until,
    wait_until_ready,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Open = Callable[..., Page]
TABLET = {"viewport": {"width": 820, "height": 1180}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
BROWSER = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36"
PHONE = {**TABLET, "viewport": {"width": 390, "height": 844}, "user_agent": BROWSER}
FINGER = 44
SMALL = """nodes => nodes.filter(node => {
    const { width, height } = node.getBoundingClientRect();
    return width && height && (width < 43.5 || height < 43.5);
}).map(node => `${node.outerHTML.slice(0, 90)} ${JSON.stringify(node.getBoundingClientRect())}`)"""
BEYOND = """nodes => nodes.filter(node => {
    const { left, right, width } = node.getBoundingClientRect();
    return width && (left < -0.5 || right > innerWidth + 0.5);
}).map(node => node.outerHTML.slice(0, 90))"""

CUT = "nodes => nodes.filter(node => node.scrollWidth > node.clientWidth).map(node => node.textContent)"

LOADED = """async source => {
    const image = Object.assign(new Image(), { src: source });
    await image.decode();
    return `${image.naturalWidth}x${image.naturalHeight}`;
}"""
PAGES = ("", "grid", "rounds", "model", "quality", "find", "history", "project", "people", "new")


@pytest.mark.parametrize("device", [PHONE, TABLET], ids=["phone", "tablet"])
def test_a_round_by_thumb(desk: Desk, signed_in: Open, tmp_path: Path, device: dict[str, object]) -> None:
    """Image and answers share the screen, whatever way it is held; all that is pressed is as large as a finger."""
    project, _ = world.build(desk.workspace, tmp_path, f"thumb {tmp_path.name}", 4)
    page = signed_in("Kim", project.name, **device)
    wait_for_image(page)
    _assert_fits(page, ".deck", [page.locator(".stage"), page.locator(".classes"), page.locator("[data-is=tools]")])
    assert page.locator(".deck button:visible, .deck input:visible").evaluate_all(SMALL) == []
    for answer in ("square", "star"):
        _tap(page, answer)
    page.locator("[data-do=undo]").tap()
    expect(page.locator("[data-is=hint]")).to_have_text("Undone: answer again")
    wait_until_ready(page)
    shown = _shown(page)
    middle = page.locator(".stage").bounding_box()
    assert middle is not None
    at = (middle["x"] + middle["width"] / 2, middle["y"] + middle["height"] / 2)
    for _ in range(2):
        page.touchscreen.tap(*at)  # two quick taps neither zoom nor answer
    expect(page.locator("[data-is=stage]")).to_have_css("transform", "none")
    assert _shown(page) == shown
    width, height = page.viewport_size["width"], page.viewport_size["height"]  # type: ignore[index]
    for side in ((height, width), (667, 375)):
        page.set_viewport_size({"width": side[0], "height": side[1]})
        _assert_fits(page, ".deck", [page.locator(each) for each in (".stage", ".classes", "[data-is=tools]")])
    page.set_viewport_size({"width": width, "height": height})
    for answer in ("circle", "triangle", "circle"):
        _tap(page, answer)
    expect(page.locator("[data-is=empty]:visible h3")).to_have_text(re.compile("Round 1 is labelled"))
    expect(page.locator("[data-is=pill]")).to_have_text("All answers stored")
    assert_bound_to_what_was_seen(desk, project, page.evaluate("window.witness"))
    assert _said(desk, project) == ["square", "circle", "triangle", "circle"]


def test_pages_of_the_grid_by_thumb(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """Marked by a tap, seen large by a finger that rests, accepted once all was on screen, and without a connection."""
    project, _ = world.build(desk.workspace, tmp_path, "thumbs", 160)
    page = signed_in("Kim", project.name, "grid", **PHONE)
    tiles, accept = page.locator(".tile"), page.locator("[data-is=accept]")
    expect(tiles).to_have_count(6)
    _assert_fits(page, ".grid", [accept, page.locator("[data-is=class]")])
    assert page.locator(".grid button:visible, .grid select:visible").evaluate_all(SMALL) == []
    tiles.nth(1).tap()
    expect(tiles.nth(1)).to_have_attribute("aria-pressed", "true")
    _rest_on(page, tiles.nth(3))
    expect(page.locator("[data-is=large]")).to_be_visible()
    expect(tiles.nth(3)).to_have_attribute("aria-pressed", "false")
    page.locator("[data-is=large]").tap()
    expect(page.locator("[data-is=large]")).to_be_hidden()
    page.reload()
    expect(tiles.nth(1)).to_have_attribute("aria-pressed", "true")  # what was marked is not lost
    expect(accept.locator("span")).to_have_text("5 are square, 1 not")

    page.context.set_offline(True)
    accept.tap()
    expect(page.locator("[data-is=pill]")).to_have_text("No connection, this page is not stored yet")
    assert _said(desk, project) == []
    page.context.set_offline(False)
    expect(page.locator("[data-is=hint]")).to_have_text("Stored: 5 accepted, 1 left for the Label page")
    assert _said(desk, project) == ["square"] * 5
    page.locator("[data-is=undo]").tap()
    expect(page.locator("[data-is=hint]")).to_have_text("Undone: this is the page again")
    assert _said(desk, project) == []
    assert_accessible(page)


def test_the_pool_by_thumb(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """Page after page of a real model's predictions, chosen on the page; a reload stays where one was."""
    project = colours.colour_project(desk.workspace, tmp_path, "all of it")
    import_items(desk.workspace, project, str(colours.paint(tmp_path / "more", 80, seed=9)), Split.POOL)
    embed_missing(desk.workspace, project)
    advance(desk.workspace, project.id)
    page = signed_in("Kim", project.name, "grid", **PHONE)
    expect(page.locator("[data-is=pill]")).to_have_text("All stored")
    page.locator("[data-is=source]").select_option("surest")
    page.locator("[data-is=size]").select_option("50")
    tiles, accept = page.locator(".tile"), page.locator("[data-is=accept]")
    expect(page.locator("[data-is=summary]")).to_contain_text("50 images, extra")
    expect(page.locator("[data-is=pill]")).to_have_text("All stored")
    shown = tiles.count()
    page.reload()
    expect(tiles).to_have_count(shown)
    assert page.locator("[data-is=source]").input_value() == "surest"
    tiles.first.tap()
    _see_all(page)
    accept.tap()
    expect(page.locator("[data-is=hint]")).to_contain_text(f"Stored: {shown - 1} accepted")
    expect(page.locator("[data-is=words]")).to_contain_text("Of the last page of this class")
    with desk.workspace.database.read() as tx:
        found = [one for one in candidates.of_origin(tx, project.id, Origin.GRID) if one.answers]
    assert len(found) == len(stored_labels(desk, project)) == shown - 1
    assert_accessible(page)


def test_nothing_is_accepted_that_was_not_on_screen(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    project, _ = world.build(desk.workspace, tmp_path, "long", 40)
    page = signed_in(
        "Kim", project.name, "grid", viewport={"width": 390, "height": 480}, has_touch=True, is_mobile=True
    )
    accept = page.locator("[data-is=accept]")
    expect(accept).to_have_text(re.compile("^Show the next"))
    _see_all(page)
    assert _said(desk, project) == []
    accept.tap()
    expect(page.locator("[data-is=hint]")).to_contain_text("Stored: 6 accepted")


def test_the_pages_are_an_app(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """What Chromium asks of an app that can be installed, as it sees it: manifest, icons, the helper."""
    project, _ = world.build(desk.workspace, tmp_path, "app", 2)
    page = signed_in("Kim", project.name, **PHONE)
    wait_for_image(page)
    wait_until(page, "() => document.querySelector('link[rel=manifest]') !== null")
    session = page.context.new_cdp_session(page)
    found = session.send("Page.getAppManifest")
    assert found["errors"] == []
    assert found["url"] == f"{desk.url}/manifest.webmanifest"
    about = json.loads(found["data"])
    assert (urljoin(found["url"], about["start_url"]), about["display"]) == (f"{desk.url}/", "standalone")
    missing = {each["errorId"] for each in session.send("Page.getInstallabilityErrors")["installabilityErrors"]}
    assert missing <= {"in-incognito"}  # as every page of a test is
    for icon in about["icons"]:
        assert page.evaluate(LOADED, urljoin(found["url"], icon["src"])) == icon["sizes"]
    assert page.evaluate("navigator.serviceWorker.ready.then(found => found.scope)") == f"{desk.url}/"


def test_every_page_fits_a_phone(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """Nothing scrolls sideways but tables and charts within themselves, and the menu opens by thumb."""
    project, _ = world.build(desk.workspace, tmp_path, "pages", 6)
    world.add_curve(desk.workspace, project, 3)
    page = signed_in("Kim", project.name, **PHONE)
    for path in PAGES:
        page.goto(f"{desk.url}/{path}?project={project.name}")
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
        page.wait_for_timeout(300)
        for part in (page.locator("html"), page.get_by_test_id("stMain")):
            assert part.evaluate("node => node.scrollWidth") == 390, path
        assert page.get_by_test_id("stMetric").locator("p").evaluate_all(CUT) == [], path
    page.get_by_test_id("stExpandSidebarButton").tap()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Grid").tap()
    page.wait_for_url(f"{desk.url}/grid*")


def _assert_fits(page: Page, root: str, on_screen: list[Locator]) -> None:
    """Nothing is wider than the screen, and these parts are on it whole, once a turn of the screen was drawn."""
    wait_for_none(page, lambda: _faults(page, root, on_screen))


def _faults(page: Page, root: str, on_screen: list[Locator]) -> list[str]:
    size = page.viewport_size
    assert size is not None
    wide = [page.locator("html"), page.get_by_test_id("stMain")]
    faults = [f"{part} scrolls" for part in wide if part.evaluate("node => node.scrollWidth - node.clientWidth")]
    faults += page.locator(f"{root} *:visible").evaluate_all(BEYOND)
    for part in on_screen:
        box = part.bounding_box()
        assert box is not None
        if box["y"] < 0 or box["y"] + box["height"] > size["height"] + 0.5 or box["height"] < FINGER:
            faults.append(f"{part} is at {box} of {size}")
    return faults


def _tap(page: Page, answer: str) -> None:
    """Answer the image on screen with a finger."""
    wait_until_ready(page)
    answers = "window.witness.filter(each => each.what === 'answered').length"
    before = page.evaluate(answers)
    page.locator(".classes button").filter(has_text=answer).tap()
    wait_until(page, f"before => {answers} > before", arg=before)


def _see_all(page: Page) -> None:
    """Go down the page of the grid until all of it was on screen."""
    accept = page.locator("[data-is=accept]")
    for _ in range(50):
        expect(accept).to_be_enabled()
        if not accept.inner_text().startswith("Show"):
            return
        accept.tap()
        page.wait_for_timeout(300)
    raise AssertionError("the page of the grid does not end")


def _rest_on(page: Page, tile: Locator) -> None:
    box = tile.bounding_box()
    assert box is not None
    session = page.context.new_cdp_session(page)
    point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2, "id": 1}
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    page.wait_for_timeout(700)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def _said(desk: Desk, project: Project) -> list[str]:
    with desk.workspace.database.read() as tx:
        names = {each.id: each.name for each in projects.classes(tx, project.id)}
    return [names[one.class_id] for one in stored_labels(desk, project) if one.class_id is not None]


def _shown(page: Page) -> int:
    return int(page.evaluate("window.witness.findLast(each => each.what === 'shown').item_id"))
