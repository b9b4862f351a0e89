"""Labelling by keyboard in a real Chromium: nothing lost, nothing twice, nothing under the wrong image."""

import json
import os
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from alflow.domain import Label, Project, RoundState, Verdict
from alflow.store import items, labels, projects, rounds
from tests.browser import world
from tests.browser.conftest import Desk

pytestmark = [pytest.mark.browser, pytest.mark.slow]

KEYS = "1234"
Open = Callable[..., Page]


def test_a_round_by_keyboard(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """Every stored label stands under the image whose pixels were on screen at the key press."""
    project, round_ = world.build(desk.workspace, tmp_path, "round", 40)
    page = signed_in("Ada", project.name)
    _wait_for_image(page)
    for key in "1 2":
        page.keyboard.press("Space" if key == " " else key)
        page.wait_for_timeout(150)
    page.keyboard.press("Backspace")
    page.wait_for_timeout(150)
    page.keyboard.press("4")
    _burst(page, [KEYS[i % 4] for i in range(30)], 0.02)
    _finish(page)

    seen = page.evaluate("window.witness")
    _assert_bound_to_what_was_seen(desk, project, seen)
    with desk.workspace.database.read() as tx:
        standing = labels.of_round(tx, round_.id)
        everything = labels.of_round(tx, round_.id, withdrawn=True)
        assert rounds.by_id(tx, round_.id).state is RoundState.LABELLED
    assert len(standing) == len({label.item_id for label in standing}) == 40
    assert [label.verdict for label in standing].count(Verdict.SKIP) == 1
    assert len(everything) == 41  # the answer that was taken back stays, marked
    _report(seen)


def test_reload_in_the_middle(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """A reload right after an answer neither loses it nor asks for it again."""
    project, _ = world.build(desk.workspace, tmp_path, "reload", 9)
    page = signed_in("Bo", project.name)
    seen: list[dict[str, Any]] = []
    for key in "123":
        _wait_for_image(page)
        page.keyboard.press(key)
        page.wait_for_function("window.witness.some(each => each.what === 'answered')")
        seen += page.evaluate("window.witness")
        page.reload()
    _wait_for_image(page)
    expect(page.locator("[data-is=recent] button.stored")).to_have_count(3)
    _finish(page)
    _assert_bound_to_what_was_seen(desk, project, seen + page.evaluate("window.witness"))
    assert len(_labels(desk, project)) == 9


def test_answers_survive_a_lost_connection(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """Without a network the deck goes on with what it holds, says so, keeps the answers, and stores them later."""
    project, _ = world.build(desk.workspace, tmp_path, "offline", 12)
    page = signed_in("Cy", project.name)
    _wait_for_image(page)
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    for key in "1234":
        page.keyboard.press(key)
        page.wait_for_timeout(100)
    expect(page.locator("[data-is=pill]")).to_contain_text("4 kept in this browser")
    assert not _labels(desk, project)
    page.context.set_offline(False)
    expect(page.locator("[data-is=pill]")).to_have_text("All answers stored")
    assert len(_labels(desk, project)) == 4
    _assert_bound_to_what_was_seen(desk, project, page.evaluate("window.witness"))


def test_two_tabs_of_one_annotator(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """What one tab answered, the other does not ask again, and no answer lands under another image."""
    project, _ = world.build(desk.workspace, tmp_path, "tabs", 16)
    first = signed_in("Di", project.name)
    _wait_for_image(first)
    second = first.context.new_page()
    second.goto(first.url)
    _wait_for_image(second)
    for turn in range(6):
        tab = (first, second)[turn % 2]
        tab.bring_to_front()
        tab.keyboard.press(KEYS[turn % 4])
        tab.wait_for_timeout(120)
    _finish(second)
    for tab in (first, second):
        _assert_bound_to_what_was_seen(desk, project, tab.evaluate("window.witness"), strict=False)
    standing = _labels(desk, project)
    assert len(standing) == len({label.item_id for label in standing}) == 16


def test_two_people_share_a_round(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """No image is shown to two people at once, and together they finish."""
    project, _ = world.build(desk.workspace, tmp_path, "shared", 16)
    pages = [signed_in(name, project.name) for name in ("Eve", "Flo")]
    for page in pages:
        _wait_for_image(page)
    for turn in range(8):
        pages[turn % 2].keyboard.press(KEYS[turn % 4])
        pages[turn % 2].wait_for_timeout(80)
    seen = [{each["item_id"] for each in page.evaluate("window.witness") if each["what"] == "shown"} for page in pages]
    assert not seen[0] & seen[1]
    for page in pages:
        _finish(page)
    standing = _labels(desk, project)
    assert len(standing) == len({label.item_id for label in standing}) == 16
    assert len({label.annotator_id for label in standing}) == 2


def test_find_a_class_by_typing(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """`/` opens the box, letters narrow the list, Enter answers; digits typed there are no hot keys."""
    project, _ = world.build(desk.workspace, tmp_path, "find", 3)
    page = signed_in("Gus", project.name)
    _wait_for_image(page)
    page.keyboard.press("/")
    page.keyboard.type("1")
    page.keyboard.press("Escape")
    assert not _labels(desk, project)
    page.keyboard.press("/")
    page.keyboard.type("tri")
    page.keyboard.press("Enter")
    expect(page.locator("[data-is=recent] button.stored")).to_have_count(1)
    with desk.workspace.database.read() as tx:
        triangle = next(each.id for each in projects.classes(tx, project.id) if each.name == "triangle")
    assert [label.class_id for label in _labels(desk, project)] == [triangle]


def test_a_held_key_answers_once(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """The repeats of a key that is held down are no answers."""
    project, _ = world.build(desk.workspace, tmp_path, "held", 8)
    page = signed_in("Hal", project.name)
    _wait_for_image(page)
    for _ in range(6):
        page.keyboard.down("1")  # without an up between: the browser marks all but the first as repeats
        page.wait_for_timeout(40)
    page.keyboard.up("1")
    expect(page.locator("[data-is=recent] button.stored")).to_have_count(1)
    assert len(_labels(desk, project)) == 1


def _wait_for_image(page: Page) -> None:
    page.wait_for_function("window.witness.some(each => each.what === 'shown')")


def _burst(page: Page, keys: list[str], pause: float) -> None:
    """Trusted key presses `pause` seconds apart, faster than anyone looks."""
    for key in keys:
        started = time.perf_counter()
        page.keyboard.press(key)
        time.sleep(max(0.0, pause - (time.perf_counter() - started)))


def _finish(page: Page) -> None:
    """Answer until the deck has nothing more to show and everything is stored."""
    page.bring_to_front()
    deadline = time.monotonic() + 60
    while not page.locator("[data-is=empty]").is_visible():
        assert time.monotonic() < deadline, "the queue did not come to an end"
        page.keyboard.press("3")
        page.wait_for_timeout(60)
    expect(page.locator("[data-is=pill]")).to_have_text("All answers stored")


def _labels(desk: Desk, project: Project) -> list[Label]:
    with desk.workspace.database.read() as tx:
        return labels.of_project(tx, project.id)


def _assert_bound_to_what_was_seen(
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


def _report(seen: list[dict[str, Any]]) -> None:
    """Key press to next image; written to a file where ALFLOW_TEST_FIGURES names one."""
    waits = sorted(
        after["at"] - before["at"]
        for before, after in pairwise(event for event in seen if event["what"] != "key")
        if before["what"] == "answered" and after["what"] == "shown"
    )
    assert waits
    figures = {"n": len(waits), "p50_ms": waits[len(waits) // 2], "p95_ms": waits[int(0.95 * (len(waits) - 1))]}
    if target := os.environ.get("ALFLOW_TEST_FIGURES"):
        Path(target).write_text(json.dumps(figures), encoding="utf-8")
