"""What the witness wrote down in the browser, against what was stored."""

import json
import os
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, Page, expect

from alflow.domain.answers import Label
from alflow.domain.projects import Project
from alflow.store.desk import labels
from alflow.store.images import items
from alflow.store.projects import projects
from tests.browser import world
from tests.browser.conftest import PATIENCE_MS, Desk

KEYS = "1234"
"""Hot keys of the classes, in their order."""


def wait_until(page: Page, expression: str, arg: Any = None, timeout_ms: float = PATIENCE_MS) -> None:
    """Until the expression, or the function with `arg`, is true; Playwright's own wait evaluates text inside the page,
    which the page's policy forbids.
    """
    deadline = time.monotonic() + timeout_ms / 1000
    while True:
        try:
            if page.evaluate(expression, arg):
                return
        except Error:  # between two pages
            if page.is_closed():
                raise
        assert time.monotonic() < deadline, f"{expression} did not come true"
        page.wait_for_timeout(20)


def wait_for_none(page: Page, faults: Callable[[], list[str]]) -> None:
    """Until nothing is wrong with what is on screen: a page that was turned or resized is drawn a moment later."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while found := faults():
        assert time.monotonic() < deadline, found
        page.wait_for_timeout(50)


def wait_until_drawn(page: Page) -> None:
    """Until the page is not being drawn: meanwhile something may stand on it twice, or move away under a click."""
    page.wait_for_timeout(100)
    wait_until(page, "!!document.querySelector('[data-test-script-state=notRunning]')")
    page.wait_for_timeout(200)


def wait_for_image(page: Page) -> None:
    """Until the first image is on screen."""
    wait_until(page, "window.witness.some(each => each.what === 'shown')")


def wait_until_ready(page: Page) -> None:
    """Until the last thing that happened on screen is that an image was shown."""
    wait_until(page, "window.witness.findLast(each => each.what !== 'key')?.what === 'shown'")


def choose(page: Page, box: str, name: str) -> None:
    """The option of a select box; its list is opened again where the page, drawn meanwhile, closed it."""
    option, deadline = page.get_by_role("option", name=name, exact=True), time.monotonic() + PATIENCE_MS / 1000
    while True:
        if option.is_visible():
            try:
                option.click(timeout=1_000)
                return
            except Error:  # it was drawn meanwhile
                continue
        assert time.monotonic() < deadline, f"{box} does not offer {name}"
        page.get_by_role("combobox", name=box).press("ArrowDown")  # a click would close it where it is open
        page.wait_for_timeout(200)


def burst(page: Page, keys: list[str], pause: float) -> None:
    """Trusted key presses `pause` seconds apart, faster than anyone looks."""
    for key in keys:
        started = time.perf_counter()
        page.keyboard.press(key)
        time.sleep(max(0.0, pause - (time.perf_counter() - started)))


def answer_each(page: Page, keys: str) -> None:
    """One press after the other, each at an image that is on screen: again where the deck was not ready yet."""
    for key in keys:
        answers = "window.witness.filter(each => each.what === 'answered').length"
        before = page.evaluate(answers)
        deadline = time.monotonic() + 60
        while page.evaluate(answers) == before:
            assert time.monotonic() < deadline, "no image came on screen"
            page.keyboard.press(key)
            page.wait_for_timeout(60)


def finish(page: Page, key: str = "3", still: Callable[[], bool] = lambda: True) -> None:
    """Answer until the deck has nothing more to show, or `still` no longer holds, and everything is stored."""
    page.bring_to_front()
    deadline = time.monotonic() + 90
    end = page.locator("[data-is=empty]:visible h3").filter(has_not_text="One moment")
    while not end.count() and still():
        assert time.monotonic() < deadline, "the queue did not come to an end"
        page.keyboard.press(key)
        page.wait_for_timeout(60)
    expect(page.locator("[data-is=pill]")).to_have_text("All answers stored")


def stored_labels(desk: Desk, project: Project) -> list[Label]:
    """The answers that stand."""
    with desk.workspace.database.read() as tx:
        return labels.of_project(tx, project.id)


def assert_bound_to_what_was_seen(
    desk: Desk, project: Project, seen: list[dict[str, Any]], *, strict: bool = True
) -> None:
    """Each answer the browser sent is stored for the image that the witness read at that key press.

    `strict`: what is stored is exactly what this browser sent.
    """
    with desk.workspace.database.read() as tx:
        stored = {label.token: label for label in labels.of_project(tx, project.id, withdrawn=True)}
        numbers = {item.id: world.number_of(item) for item in items.list_(tx, project.id)}
        class_ids = [each.id for each in projects.classes(tx, project.id)]
    sent: dict[str, tuple[int, int | None]] = {}
    for key, event in pairwise(seen):
        if key["what"] == "key" and event["what"] == "answered":
            class_id = class_ids[KEYS.index(key["key"])] if key["key"] in KEYS else None
            assert key["number"] is not None, "an answer was taken while no image was on screen"
            sent[event["token"]] = (key["number"], class_id)
    assert len(sent) == sum(event["what"] == "answered" for event in seen)
    assert sent.keys() <= stored.keys()
    assert {token: (numbers[stored[token].item_id], stored[token].class_id) for token in sent} == sent
    if strict:
        assert sent.keys() == stored.keys()


def key_to_image(seen: list[dict[str, Any]]) -> dict[str, float]:
    """Milliseconds from an answer to the next image on screen; also in the file ALFLOW_TEST_FIGURES names, if any."""
    events = [event for event in seen if event["what"] != "key"]
    waits = sorted(
        after["at"] - before["at"]
        for before, after in pairwise(events)
        if before["what"] == "answered" and after["what"] == "shown"
    )
    figures = {"n": len(waits), "p50": waits[len(waits) // 2], "p95": waits[int(0.95 * (len(waits) - 1))]}
    if target := os.environ.get("ALFLOW_TEST_FIGURES"):
        Path(target).write_text(json.dumps(figures), encoding="utf-8")
    return figures
