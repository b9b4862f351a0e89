"""Hands other than one on the digits: one on the letters, one on the mouse, two fingers on a narrow screen."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import CDPSession, Locator, Page, expect
from sqlalchemy import func, select

from alflow.domain.projects import Project
from alflow.store import tables
from alflow.store.projects import projects
from alflow.workflow.people import annotators
from tests.browser import world
from tests.browser.conftest import Desk
from tests.browser.seen import assert_bound_to_what_was_seen, stored_labels, wait_for_image, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Open = Callable[..., Page]
Point = tuple[float, float]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


def test_one_hand_on_the_letters_and_one_on_the_mouse(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """Key sets for either hand; all pixels at 1:1; zoom and pan; the last tab that closes gives the images back."""
    project, _ = world.build(desk.workspace, tmp_path, "hands", 8, times=4)
    page = signed_in("Kit", project.name)
    wait_for_image(page)
    _choose_keys(page, "Left hand on the keyboard")
    _press(page, "d")
    _choose_keys(page, "Right hand on the keyboard")
    _press(page, "l")
    with _next_image(page):
        page.keyboard.press("h")  # back to what was answered
    _press(page, "k")
    _press(page, "Space")  # the key set was chosen by mouse: the button that opened it has no focus
    expect(page.locator("[data-is=recent] button.stored")).to_have_count(3)
    said = [(_names(desk, project).get(each.class_id), each.shown["keys"]) for each in stored_labels(desk, project)]
    assert said == [("square", "left"), ("square", "right"), (None, "right")]

    page.keyboard.press("'")  # fit or 1:1
    wait_until(
        page,
        "node => node.querySelector('img.on').naturalWidth === 1920",
        arg=page.locator("[data-is=stage]").element_handle(),
    )
    assert _pixels(page) == pytest.approx(1, abs=0.01)
    before = _place(page)
    _drag(page, (90, 40))
    assert _place(page) == pytest.approx((before[0] + 90, before[1] + 40), abs=1)
    page.keyboard.press("'")
    expect(_images(page)).to_have_attribute("style", "")
    page.mouse.wheel(0, -400)
    expect(_images(page)).to_have_attribute("style", _scaled("2.71828"))
    page.keyboard.press("-")
    expect(_images(page)).to_have_attribute("style", _scaled("2.17463"))
    page.keyboard.press("+")
    expect(_images(page)).to_have_attribute("style", _scaled("2.71828"))
    _press(page, "j")
    expect(_images(page)).to_have_attribute("style", "")  # the next image is shown whole

    second = page.context.new_page()
    second.goto(page.url)
    wait_for_image(second)
    page.close(run_before_unload=True)
    _press(second, "j")
    expect(second.locator("[data-is=pill]")).to_have_text("All answers stored")
    assert _reserved(desk, "Kit") > 0
    second.wait_for_timeout(1000)  # on their way, the request before and that of leaving could change places
    second.close(run_before_unload=True)
    _eventually(lambda: _reserved(desk, "Kit") == 0)
    assert len(stored_labels(desk, project)) == 5


def test_two_fingers_on_a_narrow_screen(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """Taps answer, swipes lead to the neighbours, two fingers zoom, one then pans; nothing is wider than the screen."""
    project, _ = world.build(desk.workspace, tmp_path, "fingers", 6)
    page = signed_in("Lu", project.name, **PHONE)
    wait_for_image(page)
    touch = Touch(page)
    _tap(page, "square")
    _tap(page, "triangle")
    third = _item(page)
    with _next_image(page):
        touch.swipe(120)
    expect(page.locator("[data-is=hint]")).to_contain_text("Your answer: triangle")
    _tap(page, "star")
    assert _item(page) == third
    with _next_image(page):
        touch.swipe(-120)
    assert _item(page) != third

    shown = _item(page)
    touch.pinch(60, 180)
    expect(_images(page)).to_have_attribute("style", _scaled("3"))
    before = _place(page)
    touch.swipe(70)  # pans, now that the image is larger than its frame
    assert _place(page)[0] == pytest.approx(before[0] + 70, abs=1)
    assert _item(page) == shown
    page.get_by_role("button", name="Fit / 1:1").tap()
    expect(_images(page)).to_have_attribute("style", "")

    _tap(page, "circle")
    expect(page.locator("[data-is=pill]")).to_have_text("All answers stored")
    for part in (page.locator("html"), page.get_by_test_id("stMain")):
        assert part.evaluate("node => node.scrollWidth") == 390
    assert _beyond(page) == []
    assert_bound_to_what_was_seen(desk, project, page.evaluate("window.witness"))
    names = _names(desk, project)
    assert [names.get(each.class_id) for each in stored_labels(desk, project)] == ["square", "star", "circle"]


class Touch:
    """Fingers on the image, as the browser gets them from a touch screen."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.session: CDPSession = page.context.new_cdp_session(page)

    def swipe(self, dx: float) -> None:
        """One finger, sideways from the middle."""
        x, y = _middle(self.page)
        self._move([[(x - dx / 2 + dx * step / 6, y)] for step in range(7)])

    def pinch(self, start: float, end: float) -> None:
        """Two fingers around the middle, so far apart."""
        x, y = _middle(self.page)
        apart = [start + (end - start) * step / 8 for step in range(9)]
        self._move([[(x - d / 2, y), (x + d / 2, y)] for d in apart])

    def _move(self, steps: Sequence[Sequence[Point]]) -> None:
        for kind, points in [("touchStart", steps[0]), *(("touchMove", each) for each in steps[1:]), ("touchEnd", [])]:
            fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
            self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
            self.page.wait_for_timeout(15)


def _choose_keys(page: Page, name: str) -> None:
    page.get_by_role("button", name="Keys", exact=True).click()
    page.get_by_label(name).check()
    page.get_by_role("button", name="Close", exact=True).click()


def _press(page: Page, key: str) -> None:
    with _next_image(page):
        page.keyboard.press(key)


def _tap(page: Page, answer: str) -> None:
    """Answer with a finger."""
    with _next_image(page):
        page.locator(".classes button").filter(has_text=answer).tap()


@contextmanager
def _next_image(page: Page) -> Iterator[None]:
    """Wait for the image to which something leads: taps and swipes are understood some time later."""
    images = "window.witness.filter(each => each.what === 'shown').length"
    before = page.evaluate(images)
    yield
    wait_until(page, f"before => {images} > before", arg=before)


def _drag(page: Page, by: Point) -> None:
    x, y = _middle(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by[0], y + by[1], steps=4)
    page.mouse.up()


def _images(page: Page) -> Locator:
    return page.locator("[data-is=stage]")


def _scaled(by: str) -> re.Pattern[str]:
    return re.compile(rf"scale\({re.escape(by)}")


def _middle(page: Page) -> Point:
    box = page.locator("[data-is=frame]").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def _place(page: Page) -> Point:
    """The upper left corner of the image area, wherever zoom and pan have moved it."""
    box = _images(page).bounding_box()
    assert box is not None
    return box["x"], box["y"]


def _pixels(page: Page) -> float:
    """Screen pixels for one pixel of the image on screen."""
    return float(
        page.locator(".images img.on").evaluate(
            "image => { const box = image.getBoundingClientRect();"
            " return Math.min(box.width / image.naturalWidth, box.height / image.naturalHeight) * devicePixelRatio }"
        )
    )


def _item(page: Page) -> int:
    return int(page.evaluate("window.witness.findLast(each => each.what === 'shown').item_id"))


def _beyond(page: Page) -> list[str]:
    """Parts of the deck that stick out of the screen."""
    found = page.locator(".deck *").evaluate_all(
        """nodes => nodes.filter(node => {
            const { left, right, width } = node.getBoundingClientRect();
            return width && (left < 0 || right > innerWidth + 0.5);
        }).map(node => node.outerHTML.slice(0, 80))"""
    )
    return [str(each) for each in found]


def _names(desk: Desk, project: Project) -> dict[int | None, str]:
    with desk.workspace.database.read() as tx:
        return {each.id: each.name for each in projects.classes(tx, project.id)}


def _reserved(desk: Desk, name: str) -> int:
    who = annotators.sign_in(desk.workspace, name).id
    with desk.workspace.database.read() as tx:
        mine = select(func.count()).where(tables.lease.c.annotator_id == who)
        return int(tx.execute(mine).scalar_one())


def _eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)
